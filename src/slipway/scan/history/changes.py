"""What differs between two scans, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from slipway.scan.history.model import HEADERS
from slipway.scan.model import Level

if TYPE_CHECKING:
    from slipway.scan.model import Finding, Scan
    from slipway.scan.policy.model import Outcome

Way = Literal["added", "removed", "upgraded", "downgraded", "changed"]


@dataclass(frozen=True, slots=True)
class PackageChange:
    """Versions, with commas between several of one name; `before` is empty for what was added, `after` for what was removed.

    `changed`: which is newer cannot be told.
    """

    kind: str
    name: str
    before: str
    after: str
    way: Way


@dataclass(frozen=True, slots=True)
class Turn:
    """A finding that is new or gone, and why. Not `sure`: what the other scan could not tell may be the reason."""

    finding: Finding
    why: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Alteration:
    """A finding that is in both scans, and how it is another now: `severity low → high`, `fixed in 1.2`."""

    before: Finding
    after: Finding
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Findings are those that count, each weakness of a package once, the worst first; packages are by kind and name."""

    old: Scan
    new: Scan
    added: tuple[Turn, ...] = ()
    gone: tuple[Turn, ...] = ()
    altered: tuple[Alteration, ...] = ()
    same: tuple[Finding, ...] = ()
    packages: tuple[PackageChange, ...] = ()

    @property
    def complete(self) -> bool:
        return self.old.complete and self.new.complete

    def worse(self, level: Level) -> tuple[Turn, ...]:
        """What is new and as bad as that, or got so bad. What is of unknown severity is taken as `simple` policies do.

        What is only about headers is left out.
        """
        grown = (
            Turn(a.after, ", ".join(a.what))
            for a in self.altered
            if not _as_bad(a.before, level) and _as_bad(a.after, level)
        )
        new = (turn for turn in self.added if _as_bad(turn.finding, level))
        return tuple(turn for turn in (*new, *grown) if turn.finding.class_ != HEADERS)

    def outcome(self, level: Level) -> Outcome:
        """`fail` when anything is worse. What may not be new, or may have been missed, is `unknown`."""
        worse = self.worse(level)
        if self.old.complete and any(turn.sure for turn in worse):
            return "fail"
        return "unknown" if worse or not self.complete else "pass"


def _as_bad(finding: Finding, level: Level) -> bool:
    if finding.severity.level is Level.UNKNOWN:
        return finding.fixable or level <= Level.NEGLIGIBLE
    return finding.severity.level >= level
