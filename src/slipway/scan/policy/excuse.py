"""`excuse`: what was accepted, or found not to apply, is written at the findings that it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.scan.policy.model import EXCUSING
from slipway.scan.policy.said import Said
from slipway.scan.policy.standing import Waivers, today

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.scan.model import Finding, Scan, Status
    from slipway.scan.policy.model import Statement, Waiver

# Of statements of the same time the one counts that excuses least.
_STRICT: Final[tuple[Status, ...]] = ("not_affected", "fixed", "under_investigation", "affected")


def excuse(scan: Scan, waivers: Iterable[Waiver], statements: Iterable[Statement], *, now: float) -> Scan:
    """The scan with `Finding.waiver` and `Finding.vex` for what is excused at `now` (seconds since 1970).

    Waivers that the findings had before are forgotten: they may have ended. Of statements about the same the latest counts;
    where it does not excuse, what the finding was excused by before does not either. Their order does not matter.
    """
    known = Waivers(waivers, scan.inventory, today(now))
    said = Said(statements, scan.inventory)

    def excused(finding: Finding) -> Finding:
        waiver = known.holding(known.of_finding(finding))
        text = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})" if waiver else ""
        about = max(said.about(finding), key=_rank, default=None)
        vex = _told(about) if about else finding.vex
        return replace(finding, waiver=text, vex=vex)

    return replace(scan, findings=tuple(excused(finding) for finding in scan.findings))


def _told(statement: Statement) -> str:
    """Why it does not apply, on one line; empty where the statement does not say so."""
    if statement.status not in EXCUSING:
        return ""
    why = " ".join(statement.note.split()) or statement.justification.replace("_", " ")
    who = f" ({statement.author})" if statement.author else ""
    return f"{statement.status.replace('_', ' ')}{f': {why}' if why else ''}{who}"


def _rank(statement: Statement) -> tuple[str, int, str, str, str, str]:
    s = statement
    return s.time, _STRICT.index(s.status), s.justification, s.note, s.author, s.source
