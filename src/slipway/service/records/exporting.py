"""The records as IMS keeps them in its data files: what was imported comes out as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.files import atomic, disk
from slipway.service.ims.render import plain
from slipway.service.records.ims_schemas import FILES

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.service.records.store import Records
    from slipway.service.records.tx import Tx


def export_ims(directory: Path, records: Records) -> dict[str, int]:
    """Write the eight data files, each as IMS 3.33 writes it, of one moment; how many records each has.

    Records are in the order in which they were made. What IMS does not know (owners, projects, the trail of changes) is not in them.
    `UsageError` when there are such files already.
    """
    if present := [file.name for file in FILES if (directory / file.name).exists()]:
        raise UsageError(
            f"{directory} has data files already: {', '.join(present)}", hint="name another directory"
        )
    counts = {}
    with disk(directory):
        directory.mkdir(parents=True, exist_ok=True)
    for name, content in records.write(_contents).items():
        with atomic(directory / name, durable=True) as target:
            target.write(json.dumps(content).encode())
        counts[name] = len(content)
    return counts


def _contents(tx: Tx) -> dict[str, list[dict[str, object]]]:
    return {
        file.name: [plain(each) for each in tx.all(file.kind, gone=file.gone)]  # the whole, as of now
        for file in FILES
    }
