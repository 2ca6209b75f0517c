"""A process that deletes, undeletes or purges all it finds, and may be killed.

`DATABASE STORAGE VERB DELAY`: with STORAGE a directory; `DELAY` seconds before each copy and removal. It says `begun` when all is decided
on, and `done` when all has been carried out. VERB `none` only carries out what others have decided.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.deletion.durable import DurableDeletion
from slipway.service.deletion.states import MOVING
from slipway.service.model import SYSTEM, Image, Recipe
from slipway.service.records.query import Filter, Query
from slipway.service.records.store import Records
from slipway.service.settings import ServiceSettings


class Slow(LocalArtifacts):
    """Each copy leaves a line in the file `copies`."""

    delay = 0.0

    def copy(self, source: tuple[str, str], target: tuple[str, str]) -> Any:
        time.sleep(self.delay)
        with (self.root / "copies").open("a") as file:
            file.write(f"{'/'.join(source)} {'/'.join(target)}\n")
        return super().copy(source, target)

    def delete(self, bucket: str, key: str) -> None:
        time.sleep(self.delay)
        super().delete(bucket, key)


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(database: str, place: str, verb: str, delay: str) -> None:
    storage = Slow(Path(place))
    storage.delay = float(delay)
    records = Records.open(database)
    deletion = DurableDeletion(records, storage, ServiceSettings(), pauses=(0.05,))
    kinds = (Image, Recipe)
    if verb == "delete":
        deletion.delete_all([each for kind in kinds for each in records.all(kind)], SYSTEM)
    elif verb in ("undelete", "purge"):
        gone = [each for kind in kinds for each in records.all(kind, gone=True)]
        deletion.undelete_all(gone, SYSTEM) if verb == "undelete" else deletion.purge_all(gone, SYSTEM)
    say("begun")
    while any(
        records.page(kind, Query((Filter("state", MOVING),), gone=gone)).records
        for kind in kinds
        for gone in (False, True)
    ):
        time.sleep(0.02)
    say("done")
    sys.stdin.readline()
    deletion.close()
    records.close()
    storage.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
