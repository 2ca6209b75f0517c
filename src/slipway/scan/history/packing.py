"""A scan as the two lines that are kept of it: its numbers, and itself without what advisories tell as well."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.scan.document import read, written
from slipway.scan.history.model import Entry, Levels, Numbers
from slipway.scan.history.tally import numbers
from slipway.scan.imagename import full
from slipway.scan.model import Feed, Level
from slipway.scan.times import normal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from slipway.scan.model import Scan
    from slipway.scan.policy.model import Judged

FORMAT: Final = 1
_LEFT_OUT: Final = {
    "findings": ("description", "urls"),
    "components": ("licenses", "layer", "direct_url"),
}
_LEVELS: Final = tuple(map(str, Level))
_FIRST: Final = 8 << 10  # bytes in which the first line mostly is
_DAMAGE = (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, IndexError, AttributeError)


def packed(judged: Judged) -> tuple[dict[str, Any], bytes]:
    """The first line as data, and the bytes of the file; they depend on the scan alone."""
    scan = judged.scan
    image = scan.inventory
    document = written(scan)
    for key, names in _LEFT_OUT.items():
        document[key] = [{k: v for k, v in each.items() if k not in names} for each in document[key]]
    counted = asdict(numbers(scan))
    first = {
        "format": FORMAT,
        "image": image.name,
        "digest": image.digest,
        "platform": image.platform,
        "system": image.system.name or image.system.distro,
        "time": scan.time,
        "complete": scan.complete,
        "outcome": judged.verdict.outcome if judged.verdict else None,
        "numbers": {k: _named(v) if isinstance(v, tuple) else v for k, v in counted.items()},
        "feeds": [asdict(feed) for feed in scan.feeds],
        "result": _result(document, judged),
    }
    lines = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in (first, document))
    return first, gzip.compress(lines, mtime=0)


def entry(file: Path) -> Entry:
    """The numbers of a kept scan; its second line is not looked at. `InputError` when the file is damaged or of a newer format."""
    try:
        data = json.loads(_first_line(file))
        if data["format"] == FORMAT:
            return _entry(file, data)
    except (InputError, *_DAMAGE) as error:
        raise _damaged(file) from error
    raise InputError(f"{file} is of a format that is not known here")


def _first_line(file: Path) -> bytes:
    """Without what `gzip` does for whole files: of a long history many are read for their numbers alone."""
    unpacker = zlib.decompressobj(wbits=31)  # gzip (zlib's manual: inflateInit2)
    line = b""
    with file.open("rb", buffering=0) as data:
        while b"\n" not in line:
            packed = unpacker.unconsumed_tail or data.read(_FIRST)
            if not packed:
                raise EOFError
            line += unpacker.decompress(packed, _FIRST)
    return line.partition(b"\n")[0]


def scan_of(entry: Entry) -> Scan:
    """All of a scan that was kept, as far as it was. `InputError` when its file is damaged."""
    try:
        with gzip.open(entry.file) as lines:
            lines.readline()
            return read(json.loads(lines.read()))
    except (InputError, *_DAMAGE) as error:
        raise _damaged(entry.file) from error


def _entry(file: Path, data: Mapping[str, Any]) -> Entry:
    counted = data["numbers"]
    return Entry(
        str(data["image"]),
        normal(str(data["time"])),
        Numbers(
            _levels(counted["open"]),
            _levels(counted["fixable_open"]),
            _levels(counted["excused"]),
            int(counted["headers"]),
            int(counted["outdated"]),
            int(counted["uncovered"]),
        ),
        data["complete"] is True,
        file,
        str(data["digest"]),
        str(data["platform"]),
        str(data["system"]),
        tuple(Feed(str(f["name"]), str(f["version"]), str(f["date"])) for f in data["feeds"]),
        data["outcome"] if data["outcome"] in ("pass", "fail", "unknown") else None,
        str(data["result"]),
    )


def _named(levels: Levels) -> dict[str, int]:
    return dict(zip(_LEVELS, levels, strict=True))


def _levels(named: Mapping[str, Any]) -> Levels:
    return tuple([int(named.get(level, 0)) for level in _LEVELS])


def _result(document: Mapping[str, Any], judged: Judged) -> str:
    """Hexadecimal SHA-256 of what was found, whenever that was, however old the advisories were, and the image's name was written."""
    findings = [
        {k: v for k, v in f.items() if k != "first_seen"} | {"provenance": _undated(f.get("provenance", ()))}
        for f in document["findings"]
    ]
    feeds = [feed.name for feed in judged.scan.feeds]
    outcome = judged.verdict.outcome if judged.verdict else None
    image = document["image"] | {"name": full(judged.scan.inventory.name)}
    same = {k: v for k, v in document.items() if k != "time"}
    same |= {"image": image, "findings": findings, "feeds": feeds}
    return hashlib.sha256(json.dumps([same, outcome], sort_keys=True).encode()).hexdigest()


def _undated(provenance: Iterable[str]) -> list[str]:
    """Names of feeds and scanners, without their dates and versions."""
    return [source.rpartition(" ")[0] or source for source in provenance]


def _damaged(file: Path) -> InputError:
    return InputError(f"the kept scan {file} is damaged", hint="remove the file")
