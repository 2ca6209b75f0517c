"""What a step writes: shown line by line as it comes, kept in a file, and its end remembered.

    {cache}/logs/<key of the layer>.log

Secrets are hidden in all of them.
"""

from __future__ import annotations

import re
from collections import deque
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from slipway.files import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.events import Reporter

_ENDS: Final = re.compile(rb"\r\n|\n|\r")  # programs write a bar anew after each \r
_LONGEST: Final = 1 << 14  # bytes shown of a line; a file may have none that ends
LAST: Final = 20


class Log:
    """Takes bytes, gives lines."""

    def __init__(self, file: IO[str], reporter: Reporter, mask: Callable[[str], str], path: Path) -> None:
        self.path = path
        self.last: deque[str] = deque(maxlen=LAST)
        self._file = file
        self._reporter = reporter
        self._mask = mask
        self._rest = b""

    def write(self, piece: bytes) -> None:
        *lines, self._rest = _ENDS.split(self._rest + piece)
        for line in lines:
            self._line(line)
        if len(self._rest) > 2 * _LONGEST:
            # hidden first: the cut may go through a secret; what may be the start of one is at the end
            whole = self._masked(self._rest)
            self._show(whole[:_LONGEST])
            self._rest = whole[_LONGEST:].encode("utf-8", "surrogateescape")

    def end(self) -> None:
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        self._file.flush()

    def _line(self, line: bytes) -> None:
        if line:
            self._show(self._masked(line))

    def _masked(self, line: bytes) -> str:
        return self._mask(line.decode("utf-8", "surrogateescape"))

    def _show(self, line: str) -> None:
        text = line.encode("utf-8", "replace").decode()
        self._file.write(f"{text}\n")
        self._file.flush()
        self.last.append(text)
        self._reporter.log(text)


@contextmanager
def open_log(path: Path, reporter: Reporter, mask: Callable[[str], str]) -> Iterator[Log]:
    """A log that takes the place of the last one at `path`."""
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with path.open("w", encoding="utf-8") as file:
            log = Log(file, reporter, mask, path)
            try:
                yield log
            finally:
                log.end()
