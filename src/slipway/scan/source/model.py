"""What a scan of source files speaks of, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["note", "warning", "error"]
State = Literal["", "new", "unchanged", "absent"]
Outcome = Literal["pass", "fail", "unknown"]

LEVELS: Final[tuple[Level, ...]] = ("note", "warning", "error")
# In the order in which they are told of; shellcheck is asked only where it is installed.
CHECKS: Final = ("syntax", "bandit", "ruff", "dependencies", "secrets", "shellcheck")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that has found something. `level` is what it has by default, `url` explains it."""

    id: str
    title: str
    level: Level
    url: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why something does not count: a mark in the file (`inSource`), or an entry of a suppressions file or the command line.

    The kinds are SARIF's (2.1.0, 3.35.2).
    """

    kind: Literal["inSource", "external"]
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """Something that is wrong in a file.

    `path` is relative to the root, with forward slashes. `line` and `column` count from 1, 0 means the whole file or line.
    `text` is what the fingerprint is of beside rule and path: never a secret. `tools` say so, the first one in
    its words; `also` are the names that the rule has with the others. `state` is empty where there is no baseline.
    """

    check: str
    rule: str
    level: Level
    path: str
    message: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    text: str = ""
    tools: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    fingerprint: str = ""
    state: State = ""
    excuse: Excuse | None = None

    @property
    def open(self) -> bool:
        """Whether it counts: it is there, was not there before, and nobody has excused it."""
        return self.excuse is None and self.state in ("", "new")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not looked at, or of which nothing can be said. `rule` is its kind: `missing-tool`, `unpinned`, ..."""

    check: str
    rule: str
    message: str
    path: str = ""
    line: int = 0
    excuse: Excuse | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """One check as it was run: by which tool, over how many files, with the rules that found something, by id."""

    check: str
    tool: str
    version: str = ""
    files: int = 0
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Suppression:
    """What a suppressions file excuses: a rule, or what is known by a fingerprint; `path` is a pattern (empty: any).

    `expires` is the last day on which it holds, `2026-12-31`, in UTC; `where` is `FILE:LINE`.
    """

    reason: str
    owner: str
    expires: str
    rule: str = ""
    path: str = ""
    fingerprint: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to do. `only` and `skip` are names of checks; `skip` has the reason, empty where there is none.

    `exclude` are patterns of paths. `known` are the results of the baseline; without one it is None.
    """

    only: tuple[str, ...] = ()
    skip: tuple[tuple[str, str], ...] = ()
    exclude: tuple[str, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    known: tuple[Result, ...] | None = None


@dataclass(frozen=True, slots=True)
class SourceResult:
    """The outcome, in order. `notes` are for people: suppressions that have ended or excuse nothing."""

    checks: tuple[Ran, ...] = ()
    results: tuple[Result, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    files: int = 0

    @property
    def complete(self) -> bool:
        return all(gap.excuse for gap in self.gaps)

    def outcome(self, level: Level | None) -> Outcome:
        """`fail` with a result of this level or above that counts; else `unknown` if something was not looked at."""
        floor = len(LEVELS) if level is None else LEVELS.index(level)
        if any(r.open and LEVELS.index(r.level) >= floor for r in self.results):
            return "fail"
        return "pass" if self.complete else "unknown"
