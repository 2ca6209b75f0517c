"""A file that comes in piece by piece, from a client that may take its time: no thread waits for the next piece."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import uuid4

from slipway.service.artifacts.passing import Hashes

if TYPE_CHECKING:
    from pathlib import Path


class Incoming(Hashes):
    """A new file in `folder`; `OSError` when the disk does not take more."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / str(uuid4())
        self._file = self.path.open("xb", buffering=0)

    def write(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]
        self.add(piece)

    def sync(self) -> None:
        """Wait until all is on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """And remove it, unless it was put elsewhere."""
        self._file.close()
        self.path.unlink(missing_ok=True)
