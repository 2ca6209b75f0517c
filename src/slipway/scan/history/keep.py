"""`keep`: after a scan; `first_seen`: before it is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError, StoreError
from slipway.files import atomic, read_json, write_json
from slipway.scan.fingerprint import fingerprint
from slipway.scan.history import files
from slipway.scan.history.packing import packed, scan_of
from slipway.scan.times import normal

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.history.model import Entry
    from slipway.scan.model import Scan
    from slipway.scan.policy.model import Judged
    from slipway.settings import Settings

FORMAT = 1
Seen = dict[str, str]


def first_seen(scan: Scan, settings: Settings, reporter: Reporter, *, kept: bool = True) -> Scan:
    """The scan with `Finding.first_seen` from the past of its image; what is new was first seen now.

    Of a scan that is not `kept` it stays empty for what is new: nobody would remember it, and every scan would be the first.
    """
    place = files.directory(settings, scan.inventory.name, scan.inventory.platform)
    seen = _seen(place, reporter)
    new = scan.time if kept else ""
    return replace(
        scan,
        findings=tuple(
            replace(finding, first_seen=_earliest(seen.get(name, ""), finding.first_seen) or new)
            for finding in scan.findings
            for name in [fingerprint(scan.inventory.name, finding)]
        ),
    )


def keep(judged: Judged, settings: Settings, reporter: Reporter) -> None:
    """Add a scan to the history of its image. A disk that cannot take it is told as a warning: the scan itself is well.

    Of scans of one day that found the same in the same image, with the same advisories, the last one is kept.
    """
    scan = judged.scan
    place = files.directory(settings, scan.inventory.name, scan.inventory.platform)
    try:
        stamp = normal(scan.time)
        if not stamp:
            raise InputError("it does not say when it was")
        first, data = packed(judged)
        with files.locked(place):
            name = files.free_name(place, stamp)
            before = next(files.read(reversed(files.files(place)), reporter), None)
            _add(place, _seen(place, reporter), scan)
            with atomic(place / name, durable=True) as file:
                file.write(data)
            if before and _same(before, first):
                before.file.unlink(missing_ok=True)
    except (StoreError, InputError, OSError) as error:
        reporter.warn(f"this scan is not kept in the history: {error}")


def _same(before: Entry, first: dict[str, Any]) -> bool:
    feeds = [{"name": f.name, "version": f.version, "date": f.date} for f in before.feeds]
    return (
        (before.digest, before.result, before.image) == (first["digest"], first["result"], first["image"])
        and feeds == first["feeds"]
        and before.time[:10] == first["time"][:10]
    )


def _add(place: Path, seen: Seen, scan: Scan) -> None:
    """Before the scan itself, so that a killed process forgets nothing."""
    for finding in scan.findings:
        name = fingerprint(scan.inventory.name, finding)
        seen[name] = _earliest(seen.get(name, ""), finding.first_seen or scan.time)
    write_json(place / "seen.json", {"format": FORMAT, "seen": seen}, durable=True)


def _seen(place: Path, reporter: Reporter) -> Seen:
    kept = files.files(place)
    data = read_json(place / "seen.json")
    seen = data.get("seen") if isinstance(data, dict) and data.get("format") == FORMAT else None
    if isinstance(seen, dict) and all(isinstance(time, str) for time in seen.values()):
        return seen
    if kept:
        reporter.warn(f"{place / 'seen.json'} is lost or damaged: made anew from {len(kept)} scans")
    found: Seen = {}
    for entry in files.read(kept, reporter):
        try:
            scan = scan_of(entry)
        except InputError as error:
            reporter.warn(f"{error.brief}: what it alone found counts as seen later")
            continue
        for finding in scan.findings:
            name = fingerprint(scan.inventory.name, finding)
            found[name] = _earliest(found.get(name, ""), finding.first_seen or scan.time)
    return found


def _earliest(*times: str) -> str:
    return min((time for time in times if time), default="")
