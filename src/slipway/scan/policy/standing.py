"""Waivers on a day: which hold, what each is for, and what is to be told of them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from slipway.scan.imagename import means
from slipway.scan.times import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.scan.model import Component, Finding, Inventory, Scan
    from slipway.scan.policy.model import Waiver

_SOON: Final = 14  # days


def today(now: float) -> str:
    """The day of `now` (seconds since 1970) in UTC: `2026-12-31`."""
    return stamp(now)[:10]


def holds(waiver: Waiver, day: str) -> bool:
    """Both its days are inclusive."""
    return waiver.since <= day <= waiver.expires


class Waivers:
    """Those that are for an image, as they stand on a day."""

    def __init__(self, waivers: Iterable[Waiver], inventory: Inventory, day: str) -> None:
        self.day = day
        self._all = sorted(
            (w for w in waivers if not w.image or means(w.image, inventory.name)), key=_rank, reverse=True
        )
        self._by_id: dict[str, list[Waiver]] = {}
        for waiver in self._all:
            self._by_id.setdefault(waiver.id.casefold(), []).append(waiver)

    def of_finding(self, finding: Finding) -> list[Waiver]:
        """Those that are for this finding, holding or not, the one that ends last first."""
        rule = ("no-support",) if finding.status == "no_support" else ()
        return self.of(finding.component, (finding.id, *finding.aliases, *rule))

    def of(self, component: Component, names: Iterable[str]) -> list[Waiver]:
        """Those for one of these names in this package. Names are the same whatever their case."""
        asked = {name.casefold() for name in names}
        packages = ("", component.name, component.source_name)
        found = (w for name in asked for w in self._by_id.get(name, ()) if w.package in packages)
        return sorted(found, key=_rank, reverse=True)

    def holding(self, found: Iterable[Waiver]) -> Waiver | None:
        """The first of them that holds on the day."""
        return next((w for w in found if holds(w, self.day)), None)

    def lapsed(self, found: Iterable[Waiver]) -> str:
        """For the reason why something does not pass: that it was waived, but none of these holds any more or yet."""
        for w in found:
            if w.expires < self.day:
                return f"; its waiver ended on {w.expires} ({w.where})"
            if self.day < w.since:
                return f"; its waiver begins on {w.since} ({w.where})"
        return ""

    def notes(self, scan: Scan) -> list[str]:
        """What is to be told: which have ended or soon will, and which excuse nothing in this scan; those that end first come first."""
        used = {w for finding in scan.findings for w in self.of_finding(finding)}
        used |= {w for o in scan.outdated for w in self.of(o.component, ["outdated"])}
        used |= {w for u in scan.uncovered for w in self.of(u.component, ["uncovered"])}
        return [told for w in reversed(self._all) if (told := self._note(w, used=w in used))]

    def _note(self, w: Waiver, *, used: bool) -> str:
        what = f"the waiver of {w.id}{f' in {w.package}' if w.package else ''} ({w.where})"
        left = (date.fromisoformat(w.expires) - date.fromisoformat(self.day)).days
        if not used:
            return f"{what} excuses nothing"
        if left < 0:
            return f"{what} ended on {w.expires}"
        return f"{what} ends on {w.expires}; {w.owner} answers for it" if left <= _SOON else ""


def _rank(waiver: Waiver) -> tuple[str, ...]:
    w = waiver
    return w.expires, w.where, w.id, w.package, w.image, w.owner, w.reason, w.since
