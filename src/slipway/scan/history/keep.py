"""`keep`: after a scan; `first_seen`: before it is judged."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError, StoreError
from slipway.files import atomic, read_json, write_json
from slipway.scan.fingerprint import fingerprint, fingerprint_in
from slipway.scan.history import files
from slipway.scan.history.packing import packed, scan_of
from slipway.scan.imagename import full
from slipway.scan.times import normal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.history.model import Entry
    from slipway.scan.model import Finding, Scan
    from slipway.scan.policy.model import Judged
    from slipway.settings import Settings

FORMAT = 1
_MONTH: Final = 6  # characters of 202611, with which the name of a file begins
_DAY: Final = 10  # of 2026-11-21
_BACK: Final = 64  # files that are looked at: scans of other tags may lie between
Seen = dict[str, str]


def first_seen(scan: Scan, settings: Settings, reporter: Reporter, *, kept: bool = True) -> Scan:
    """The scan with `Finding.first_seen` from the past of its image; what is new was first seen now.

    Of a scan that is not `kept` it stays empty for what is new: nobody would remember it, and every scan would be the first.
    """
    image = scan.inventory.name
    places = files.places(settings, image, scan.inventory.platform)
    seen = [_seen(place, reporter) for place in places.values()]
    # what was kept under another spelling has fingerprints made with it
    others = tuple(places)[1:]
    new = scan.time if kept else ""

    def since(finding: Finding) -> str:
        marks = [fingerprint(image, finding), *(fingerprint_in(name, finding) for name in others)]
        times = (past.get(mark, "") for past in seen for mark in marks)
        return _earliest(finding.first_seen, *times) or new

    return replace(scan, findings=tuple(replace(f, first_seen=since(f)) for f in scan.findings))


def keep(judged: Judged, settings: Settings, reporter: Reporter) -> None:
    """Add a scan to the history of its image. A disk that cannot take it is told as a warning: the scan itself is well.

    Of scans of one day that found the same in the same image, with the same advisories, the last one is kept; of scans of one
    month that found the same, the first and the last.
    """
    scan = judged.scan
    image, platform = scan.inventory.name, scan.inventory.platform
    place = files.directory(settings, image, platform)
    try:
        stamp = normal(scan.time)
        if not stamp:
            raise InputError("it does not say when it was")
        first, data = packed(judged)
        with files.locked(place):
            name = files.free_name(place, stamp)
            earlier = _earlier(files.places(settings, image, platform).values(), name, image, reporter)
            _add(place, _seen(place, reporter), scan)
            with atomic(place / name, durable=True) as file:
                file.write(data)
            if _replaces(first, stamp, earlier):
                earlier[0].file.unlink(missing_ok=True)
    except (StoreError, InputError, OSError) as error:
        reporter.warn(f"this scan is not kept in the history: {error}")


def _earlier(places: Iterable[Path], name: str, image: str, reporter: Reporter) -> list[Entry]:
    """The last two scans of this very image before the one of that name in the same month, the later first."""
    month = name[:_MONTH]
    found = [file for place in places for file in files.files(place) if month <= file.name < name]
    found.sort(key=lambda file: file.name, reverse=True)
    same = (entry for entry in files.read(found[:_BACK], reporter) if full(entry.image) == full(image))
    return list(islice(same, 2))


def _replaces(first: dict[str, Any], stamp: str, earlier: Sequence[Entry]) -> bool:
    """Whether the last of the earlier scans tells nothing that this one and the one before it do not."""
    same = [(entry.digest, entry.result) == (first["digest"], first["result"]) for entry in earlier]
    if not same or not same[0]:
        return False
    feeds = [asdict(feed) for feed in earlier[0].feeds] == first["feeds"]
    return (all(same[1:]) and len(same) > 1) or (feeds and earlier[0].time[:_DAY] == stamp[:_DAY])


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
