"""Scans with their verdicts as one JSON document, and back.

    {"format": 1, "scans": [{... as `scan/document.py` has it, "verdict": {... as `policy/document.py` has it}}]}

Each finding has its `fingerprint` besides, by which reasons name it. `verdict` is missing where no policy was given.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.scan import document
from slipway.scan.fingerprint import fingerprint
from slipway.scan.policy import document as verdict
from slipway.scan.policy.model import Judged
from slipway.scan.reports.rows import dumps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMAT: Final = 1
_LARGEST: Final = 1 << 30  # bytes; a scan of thousands of findings has a few million


def render(judged: Sequence[Judged]) -> str:
    return dumps(data(judged), 2)


def data(judged: Sequence[Judged]) -> dict[str, Any]:
    """The document as plain data."""
    return {"format": FORMAT, "scans": [_written(each) for each in judged]}


def read(path: Path) -> list[Judged]:
    """What such a file tells; also one of `--json`, whose last line is the document.

    `InputError` when there is no such file, or it is something else.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is too large for a report")
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    try:
        found = parse(text)
    except InputError as error:
        raise InputError(f"{path}: {error.brief}", hint=error.hint) from error
    return found


def parse(text: bytes | str) -> list[Judged]:
    """What such a document tells; `InputError` when it is something else."""
    hint = "write one with `slipway scan IMAGE --format json`"
    try:
        try:
            found = json.loads(text)
        except ValueError:
            found = json.loads(text.splitlines()[-1])
    except (ValueError, IndexError, RecursionError) as error:
        raise InputError("this is not a report of slipway", hint=hint) from error
    if not isinstance(found, dict) or not isinstance(found.get("scans"), list):
        raise InputError("this is not a report of slipway", hint=hint)
    if found.get("format") != FORMAT:
        raise InputError(f"reports of format {str(found.get('format'))[:20]!r} are not known here")
    return [_read(entry) for entry in found["scans"]]


def _read(entry: Any) -> Judged:
    scan = document.read(entry)
    return Judged(scan, verdict.read(entry["verdict"]) if "verdict" in entry else None)


def _written(judged: Judged) -> dict[str, Any]:
    scan = judged.scan
    entry = document.written(scan)
    for row, finding in zip(entry["findings"], scan.findings, strict=True):
        row["fingerprint"] = fingerprint(scan.inventory.name, finding)
    if judged.verdict:
        entry["verdict"] = verdict.written(judged.verdict)
    return entry
