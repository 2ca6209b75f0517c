"""From samples to medians, ratios and text."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.peers.model import CASES, TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.peers.model import Case, Sample


OURS = "slipway"  # the form for which ratios are required: the same base and content as the others


@dataclass(frozen=True, slots=True)
class Target:
    """Slipway is to be at least so many times as fast, by recipe and case, as the fastest of `contenders`."""

    title: str
    contenders: tuple[str, ...]
    least: Mapping[tuple[str, Case], float]


TARGETS = (
    Target(
        "the image builder's API, cached",
        ("image-builder-api",),
        {
            ("medium", "cold"): 7,
            ("medium", "nothing"): 3,
            ("medium", "file"): 30,
            ("medium", "package"): 25,
            ("large", "cold"): 9,
            ("large", "nothing"): 3,
            ("large", "file"): 200,
            ("large", "package"): 100,
        },
    ),
    Target(
        "the image builder's command line",
        ("image-builder-cli",),
        {("medium", "nothing"): 100, ("large", "nothing"): 100},
    ),
    Target(
        "the better of BuildKit and buildah",
        ("buildkit", "buildah"),
        {
            ("medium", "cold"): 2,
            ("medium", "nothing"): 1.5,
            ("medium", "file"): 2,
            ("medium", "package"): 5,
            ("large", "cold"): 2,
            ("large", "nothing"): 1.5,
            ("large", "file"): 2,
            ("large", "package"): 40,
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """Medians of all samples of one contender and case: seconds, processor seconds, bytes; `runs` are how many."""

    wall: float
    cpu: float | None
    memory: float | None
    pushed: float
    runs: int


Medians = dict[tuple[str, str, "Case"], Cell]


def medians(samples: Iterable[Sample]) -> Medians:
    """By contender, recipe and case."""
    rows: dict[tuple[str, str, Case], list[Sample]] = {}
    for sample in samples:
        rows.setdefault((sample.contender, sample.recipe, sample.case), []).append(sample)
    return {
        key: Cell(
            median(s.cost.wall for s in found),
            _known([s.cost.cpu for s in found]),
            _known([s.cost.memory for s in found]),
            median(s.pushed for s in found),
            len(found),
        )
        for key, found in rows.items()
    }


def ratios(cells: Medians, ours: str) -> list[dict[str, Any]]:
    """How many times as fast `ours` is, beside what is required, if anything; only where both sides were measured."""
    rows = []
    for recipe in dict.fromkeys(recipe for _, recipe, _ in cells):
        for target in TARGETS:
            for case in CASES:
                mine = cells.get((ours, recipe, case))
                theirs = [c.wall for name in target.contenders if (c := cells.get((name, recipe, case)))]
                if mine is None or not theirs:
                    continue
                rows.append(
                    {
                        "ours": ours,
                        "recipe": recipe,
                        "against": target.title,
                        "case": case,
                        "ratio": min(theirs) / mine.wall,
                        "required": target.least.get((recipe, case)) if ours == OURS else None,
                    }
                )
    return rows


def compared(found: Mapping[str, Mapping[str, set[str]]], titles: Mapping[str, str]) -> list[str]:
    """A line for each recipe and contender: whether its image has the Python packages that Slipway's has, and what differs."""
    lines = []
    for recipe, images in found.items():
        ours = images.get(OURS, set())
        for name, theirs in images.items():
            if name == OURS or not ours:
                continue
            more, less = sorted(theirs - ours), sorted(ours - theirs)
            said = [f"+ {', '.join(more)}"] * bool(more) + [f"- {', '.join(less)}"] * bool(less)
            lines.append(
                f"{recipe}: {len(ours & theirs)} of {len(ours)} Python packages are the same in {titles[name]}"
                + (f" ({'; '.join(said)})" if said else "")
            )
    return lines


def render(cells: Medians, titles: Mapping[str, str], recipes: Mapping[str, str]) -> str:
    """Seconds, processor seconds, memory and size for each recipe; then the ratios of each of our own forms."""
    lines = []
    for recipe, what in recipes.items():
        lines += ["", f"{recipe}: {what}"]
        for title, cell in (
            ("seconds", lambda c: f"{c.wall:.2f}"),
            ("processor seconds", lambda c: "-" if c.cpu is None else f"{c.cpu:.2f}"),
            ("peak memory, MB", lambda c: "-" if c.memory is None else f"{c.memory / 1e6:.0f}"),
            ("image in the registry, MB", lambda c: f"{c.pushed / 1e6:.1f}"),
        ):
            lines += _grid(title, recipe, cells, titles, cell)
    for ours in [name for name in titles if name.startswith("slipway")]:
        rows = ratios(cells, ours)
        if rows:
            lines += ["", f"times as fast: {titles[ours]}{' (required)' if ours == OURS else ''}"]
            lines += _ratio_lines(rows)
    return "\n".join(lines)


def _grid(
    title: str, recipe: str, cells: Medians, titles: Mapping[str, str], text: Callable[[Cell], str]
) -> list[str]:
    lines = [f"  {title:<38}" + "".join(f"{TITLES[case]:>19}" for case in CASES)]
    for name, who in titles.items():
        row = [cells.get((name, recipe, case)) for case in CASES]
        if any(row):
            lines.append(f"    {who:<36}" + "".join(f"{text(c) if c else '-':>19}" for c in row))
    return lines


def _ratio_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    grouped: dict[tuple[str, str], dict[Case, str]] = {}
    for row in rows:
        required = row["required"]
        wanted = f" (≥ {required:g})" if required else ""
        missed = " !" if required and row["ratio"] < required else ""
        grouped.setdefault((row["recipe"], row["against"]), {})[row["case"]] = (
            f"{row['ratio']:.1f}{wanted}{missed}"
        )
    header = f"  {'':<42}" + "".join(f"{TITLES[case]:>19}" for case in CASES)
    return [header] + [
        f"  {recipe:<8}{against:<34}" + "".join(f"{found.get(case, '-'):>19}" for case in CASES)
        for (recipe, against), found in grouped.items()
    ]


def _known(values: Sequence[float | None]) -> float | None:
    found = [v for v in values if v is not None]
    return median(found) if found else None
