"""Slipway beside the pyATS Image Builder, BuildKit and buildah: from the recipe to the image in a registry.

    python -m benchmarks.bench_peers --quick            the small recipe alone
    python -m benchmarks.bench_peers --recipes medium --rounds 1 --peers slipway,buildkit

Needs root for the daemons, and the package mirrors of this machine; Debian packages that are missing are installed
(docker-registry, buildah, runc, iptables) or unpacked into the work directory (Docker 20.10 and 26).
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.machine import describe
from benchmarks.peers.model import CASES, RECIPES, TITLES, Recipe, Sample, Skipped
from benchmarks.peers.rounds import Bench
from benchmarks.peers.setup import NAMES, Field, prepared
from benchmarks.peers.table import compared, medians, ratios, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def main(argv: Sequence[str] = ()) -> None:
    options = _options(argv)
    recipes = [RECIPES[name] for name in options.recipes]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # daemons are stopped, what is known is told
    start = datetime.now().astimezone()
    machine = describe()
    samples: list[Sample] = []
    status = 0
    with _place(options.work) as work:
        try:
            with prepared(work, options.peers, _say) as field:
                _introduce(field, machine, start)
                bench = Bench(field.registry, field.address, work, field.groups, options.cases)
                try:
                    for recipe in recipes:
                        for sample in bench.rounds(recipe, field.contenders, options.rounds or recipe.rounds):
                            samples.append(sample)
                            _say(_line(sample))
                except KeyboardInterrupt:
                    status = 130
                    _say("interrupted: what was measured so far")
        except KeyboardInterrupt:
            sys.exit(130)
        except Skipped as skipped:
            sys.exit(f"no comparison: {skipped}")
    titles = {c.name: c.title for c in field.contenders}
    cells = medians(samples)
    print(render(cells, titles, {recipe.name: _what(recipe) for recipe in recipes}))
    for line in compared(bench.distributions, titles):
        print(line)
    result = {
        "date": start.isoformat(timespec="seconds"),
        "machine": machine,
        "versions": field.versions,
        "notes": field.notes,
        "skipped": field.skipped,
        "failures": bench.failures,
        "contenders": titles,
        "distributions": {
            recipe: {name: sorted(rows) for name, rows in found.items()}
            for recipe, found in bench.distributions.items()
        },
        "medians": [
            dict(zip(("contender", "recipe", "case"), key, strict=True)) | asdict(cell)
            for key, cell in cells.items()
        ],
        "ratios": [row for name in titles if name.startswith("slipway") for row in ratios(cells, name)],
        "samples": [asdict(sample) for sample in samples],
    }
    options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten: {options.json}")
    for failure in bench.failures:
        print(f"\nfailed: {failure}")
    if status or bench.failures:
        sys.exit(status or 1)


def check(argv: Sequence[str]) -> None:
    """Exit at once when these options are wrong, or help is wanted."""
    _options(argv)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    def some(known: Sequence[str]) -> Callable[[str], list[str]]:
        def read(text: str) -> list[str]:
            words = text.split(",")
            if unknown := set(words) - set(known):
                raise argparse.ArgumentTypeError(
                    f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}"
                )
            return words

        return read

    place = Path(__file__).parent / f"results-{datetime.now().astimezone():%Y%m%d-%H%M}.json"
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_peers", description=__doc__.partition("\n")[0]
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="the small recipe alone")
    add("--recipes", type=some(list(RECIPES)), default=list(RECIPES), help=",".join(RECIPES))
    add("--cases", type=some(CASES), default=list(CASES), help=",".join(CASES) + " (cold is always run)")
    add("--peers", type=some(NAMES), default=list(NAMES), help=",".join(NAMES))
    add("--rounds", type=int, help="rounds of every recipe; default: " + _rounds())
    add("--work", type=Path, help="directory for all data, kept; default: one below /var/tmp, removed")
    add("--json", type=Path, default=place, help="where to write the results")
    options = parser.parse_args(argv)
    if options.quick:
        options.recipes = ["small"]
    return options


def _rounds() -> str:
    return ", ".join(f"{recipe.name} {recipe.rounds}" for recipe in RECIPES.values())


@contextmanager
def _place(work: Path | None) -> Iterator[Path]:
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        yield work.resolve()
        return
    directory = Path(tempfile.mkdtemp(prefix="slipway-bench-", dir="/var/tmp"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _introduce(field: Field, machine: dict[str, str], start: datetime) -> None:
    print(f"{start:%d %B %Y, %H:%M}")
    measured = next((group.measures for group in field.groups.values()), "")
    field.notes.append(measured)
    for name, value in {**machine, **field.versions}.items():
        print(f"  {name:<22} {value}")
    for note in field.notes:
        print(f"  - {note}")
    for name, why in field.skipped.items():
        print(f"  - not measured: {name}: {why}")


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def _line(sample: Sample) -> str:
    cost = sample.cost
    cpu = "" if cost.cpu is None else f", {cost.cpu:.2f} s of processor"
    memory = "" if cost.memory is None else f", {cost.memory / 1e6:.0f} MB"
    return (
        f"{sample.recipe:<7} round {sample.round + 1}  {sample.contender:<18} {TITLES[sample.case]:<18}"
        f" {cost.wall:8.2f} s{cpu}{memory}"
    )


def _what(recipe: Recipe) -> str:
    files = f", {recipe.urls} files over http" if recipe.urls else ""
    return f"{', '.join(recipe.packages)}{files}, one file"


if __name__ == "__main__":
    main(sys.argv[1:])
