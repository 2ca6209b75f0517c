"""From what a person names to scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.scan.history.keep import first_seen
from slipway.scan.history.packing import scan_of
from slipway.scan.history.reference import kept, report

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.scan.model import Scan
    from slipway.settings import Settings


def resolve(
    text: str, settings: Settings, reporter: Reporter, *, now: float, platform: str = ""
) -> tuple[Scan, bool]:
    """The scan that one of `reference.FORMS` means, and whether it was made now. A scan made now is not kept.

    Errors are those of `take` and of reading reports; `UsageError` for a report of several images.
    """
    if path := report(text):
        from slipway.scan.reports.json import read

        scans = [judged.scan for judged in read(path)]
        fitting = [scan for scan in scans if platform in ("", scan.inventory.platform)]
        if len(fitting) == 1:
            return fitting[0], False
        names = ", ".join(f"{s.inventory.name} ({s.inventory.platform})" for s in scans) or "none"
        raise UsageError(f"{path} is to hold the scan of one image", hint=f"it holds: {names}")
    if entry := kept(text, settings, reporter, platform=platform):
        return scan_of(entry), False
    return first_seen(
        scan_now(text, settings, reporter, now=now, platform=platform), settings, reporter
    ), True


def scan_now(image: str, settings: Settings, reporter: Reporter, *, now: float, platform: str = "") -> Scan:
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.inventory import take
    from slipway.scan.match import scan

    inventory = take(image, settings, reporter, platform=platform)
    with AdvisoryStore.of(settings) as advisories:
        return scan(inventory, advisories, settings, reporter, now=now)
