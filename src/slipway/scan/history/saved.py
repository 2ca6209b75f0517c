"""Scans to be counted: from reports of ours and of other scanners, and from the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError, UsageError
from slipway.scan.history.files import entries
from slipway.scan.history.packing import scan_of
from slipway.scan.history.reference import kept, report
from slipway.scan.model import Inventory, Scan

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.settings import Settings

_OURS: Final = b'"scans"'  # a key; inside a text the quotes would have backslashes


@dataclass(frozen=True, slots=True)
class Saved:
    """A scan that somebody made earlier. `digests` are all by which it names its image; `where` is a file or `history`.

    `others` counts what is in the report besides weaknesses of packages.
    """

    scan: Scan
    where: str
    digests: tuple[str, ...] = ()
    others: tuple[tuple[str, int], ...] = ()


def load(text: str, settings: Settings, reporter: Reporter) -> list[Saved]:
    """All scans of a file; or of an image the last one that is kept for each platform, or the one that is named.

    `InputError` for a file that is no report, `UsageError` when there is nothing of that name.
    """
    if path := report(text):
        return _from_file(path)
    if entry := kept(text, settings, reporter):
        return [_of(scan_of(entry), "history")]
    last = {entry.platform: entry for entry in entries(text, settings, reporter)}
    if not last:
        raise UsageError(
            f"there is no file {text!r}, and no scan of such an image is kept",
            hint=f"run `slipway scan {text}` first, or name a report in JSON",
        )
    return [_of(scan_of(entry), "history") for entry in last.values()]


def _of(scan: Scan, where: str) -> Saved:
    return Saved(scan, where, (scan.inventory.digest,) if scan.inventory.digest else ())


def _from_file(path: Path) -> list[Saved]:
    if _is_ours(path):
        from slipway.scan.reports.json import read

        return [_of(judged.scan, str(path)) for judged in read(path)]
    from slipway.scan.adapters.detect import findings

    found = findings(path)
    if found.advisories:
        raise InputError(f"{path} speaks of weaknesses, but of no packages that are installed")
    # its file says nothing of what it is about: two reports may well have one name
    name = found.names[0] if found.names else str(path)
    scan = Scan(
        Inventory(name), found.findings, feeds=(found.feed,), problems=found.problems, time=found.feed.date
    )
    digests = (*found.digests, *((found.image_id,) if found.image_id else ()))
    return [Saved(scan, str(path), digests, found.others)]


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(1 << 20):
            if _OURS in tail + piece:
                return True
            tail = piece[-len(_OURS) :]
    return False
