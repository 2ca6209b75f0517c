"""What is accepted for a time, and by whom: a file of entries that end.

suppressions:
  - rule: B602             # or ruff's name of it, a CVE, or the kind of a gap: template, uncovered, …
    path: tools/**         # a pattern; without it everywhere
    reason: the argument is a constant
    owner: platform team
    expires: 2027-03-31    # the last day, in UTC
  - fingerprint: 3f0c…     # or exactly one result
    …
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from slipway.errors import RecipeError
from slipway.recipe.nodes import Map, Scalar, Seq, describe
from slipway.recipe.source import Source
from slipway.recipe.yamlnodes import parse
from slipway.scan.source.globs import matcher
from slipway.scan.source.model import Excuse, Gap, Result, Suppression
from slipway.scan.source.pyrules import common

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.errors import Problem
    from slipway.recipe.nodes import Node

_NEEDED: Final = ("reason", "owner", "expires")
_KEYS: Final = ("rule", "path", "fingerprint", *_NEEDED)


def read(name: str, text: str) -> tuple[Suppression, ...]:
    """The entries of a file; `RecipeError` holds everything that is wrong with it."""
    source = Source(name, text)
    problems: list[Problem] = []
    root = parse(source, problems, {})
    entries = _entries(root, source, problems) if root is not None else ()
    found = [_suppression(node, source, problems) for node in entries]
    if problems:
        raise RecipeError(problems, name)
    return tuple(each for each in found if each is not None)


def _entries(root: Node, source: Source, problems: list[Problem]) -> Sequence[Node]:
    found: Sequence[Node] | None = None
    for key, node in root.entries if isinstance(root, Map) else ():
        if key.value != "suppressions":
            known = "write `suppressions:`"
            problems.append(source.problem(key.at, f"`{key.value[:40]}` is not known here", known))
        elif isinstance(node, Seq):
            found = node.items
    if found is None:
        problems.append(source.problem(root.at, "has to be a mapping with a list `suppressions`"))
    return found or ()


def _suppression(node: Node, source: Source, problems: list[Problem]) -> Suppression | None:
    if not isinstance(node, Map):
        problems.append(source.problem(node.at, f"an entry is a mapping, and this is {describe(node)}"))
        return None
    before = len(problems)
    row: dict[str, str] = {}
    for key, value in node.entries:
        if key.value not in _KEYS:
            known = f"known are {', '.join(_KEYS)}"
            problems.append(source.problem(key.at, f"`{key.value[:40]}` is not known here", known))
        elif not isinstance(value, Scalar) or not value.value.strip():
            problems.append(source.problem(value.at, f"`{key.value}` has to be text"))
        else:
            row[key.value] = value.value.strip()
            if key.value == "expires" and not _is_day(row["expires"]):
                problems.append(source.problem(value.at, "`expires` is no day", "write it as 2026-12-31"))
    if len(problems) == before:
        missing = [key for key in _NEEDED if key not in row]
        if missing:
            problems.append(source.problem(node.at, f"`{missing[0]}` is missing"))
        if not {"rule", "fingerprint"} & row.keys():
            problems.append(source.problem(node.at, "says neither `rule` nor `fingerprint`"))
    if len(problems) > before:
        return None
    return Suppression(**row, where=_place(source, node.at))


def _place(source: Source, at: int) -> str:
    """`FILE:LINE`."""
    where = source.where(at)
    return f"{where.file}:{where.line}"


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


class Excuses:
    """Applies suppressions, and knows which were of use."""

    def __init__(self, suppressions: Sequence[Suppression], *, now: float) -> None:
        today = datetime.fromtimestamp(now, UTC).date().isoformat()
        self.ended = [each for each in suppressions if each.expires < today]
        self.live = [
            (each, matcher([each.path] if each.path else ["**"]))
            for each in suppressions
            if each.expires >= today
        ]
        self.used: set[Suppression] = set()

    def results(self, results: Iterable[Result]) -> list[Result]:
        """What a tool was told in the file to pass over stays as it is."""
        return [
            result if result.excuse else replace(result, excuse=self._of_result(result)) for result in results
        ]

    def gaps(self, gaps: Iterable[Gap]) -> list[Gap]:
        return [
            gap if gap.excuse else replace(gap, excuse=self._of(gap.path, (gap.rule,), "")) for gap in gaps
        ]

    def notes(self) -> tuple[str, ...]:
        """For people: which have ended, and which excuse nothing."""
        ended = (f"{each.where}: this suppression ended on {each.expires}" for each in self.ended)
        useless = (
            f"{each.where}: this suppression excuses nothing"
            for each, _ in self.live
            if each not in self.used
        )
        return (*ended, *useless)

    def _of_result(self, result: Result) -> Excuse | None:
        names = (result.rule, common(result.rule), *result.also)
        return self._of(result.path, names, result.fingerprint)

    def _of(self, path: str, names: Sequence[str], fingerprint: str) -> Excuse | None:
        for each, fits in self.live:
            named = not each.rule or each.rule in names or common(each.rule) in names
            exact = each.fingerprint in ("", fingerprint)
            if named and exact and fits(path):
                self.used.add(each)
                return Excuse("external", f"{each.reason} ({each.owner}, until {each.expires})")
        return None
