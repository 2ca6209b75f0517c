"""`excuse`: what was accepted, or found not to apply, is written at the findings that it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.scan.policy.products import is_of_image, is_of_package
from slipway.scan.policy.standing import Waivers, today

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.scan.model import Finding, Scan, Status
    from slipway.scan.policy.model import Statement, Waiver

# Of statements of the same time the one counts that excuses least.
_STRICT: Final[tuple[Status, ...]] = ("not_affected", "fixed", "under_investigation", "affected")
_EXCUSES: Final = ("not_affected", "fixed")


def excuse(scan: Scan, waivers: Iterable[Waiver], statements: Iterable[Statement], *, now: float) -> Scan:
    """The scan with `Finding.waiver` and `Finding.vex` for what is excused at `now` (seconds since 1970).

    Waivers that the findings had before are forgotten: they may have ended. Of statements about the same the latest counts;
    where it does not excuse, what the finding was excused by before does not either. Their order does not matter.
    """
    known = Waivers(waivers, scan.inventory, today(now))
    by_id: dict[str, list[tuple[Statement, bool]]] = {}
    for statement in statements:
        of_image = is_of_image(statement, scan.inventory)
        for name in {name.casefold() for name in statement.ids}:
            by_id.setdefault(name, []).append((statement, of_image))

    def excused(finding: Finding) -> Finding:
        waiver = known.holding(known.of_finding(finding))
        text = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})" if waiver else ""
        names = {name.casefold() for name in (finding.id, *finding.aliases)}
        about = [
            statement
            for name in names
            for statement, of_image in by_id.get(name, ())
            if is_of_package(statement, finding.component, of_image=of_image)
        ]
        vex = _told(max(about, key=_rank)) if about else finding.vex
        return replace(finding, waiver=text, vex=vex)

    return replace(scan, findings=tuple(excused(finding) for finding in scan.findings))


def _told(statement: Statement) -> str:
    """Why it does not apply, on one line; empty where the statement does not say so."""
    if statement.status not in _EXCUSES:
        return ""
    why = " ".join(statement.note.split()) or statement.justification.replace("_", " ")
    who = f" ({statement.author})" if statement.author else ""
    return f"{statement.status.replace('_', ' ')}{f': {why}' if why else ''}{who}"


def _rank(statement: Statement) -> tuple[str, int, str, str, str, str]:
    s = statement
    return s.time, _STRICT.index(s.status), s.justification, s.note, s.author, s.source
