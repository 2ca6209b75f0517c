"""What every way of reaching files on another machine offers: to look at what is there, and to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator


@value
class Seen:
    """Something at an address, as its server describes it.

    `path` is relative to the address, and empty for a single file. `size` is in bytes, -1 where it is not said. `mark` is
    another one as soon as the content is another one; empty where that cannot be told. `mtime` is in seconds since 1970, 0
    where it is not known or does not matter. `mode` is normalised as `slipway.inputs.tree` has it.
    """

    path: str
    kind: Literal["file", "dir", "symlink"] = "file"
    size: int = -1
    mark: str = ""
    mtime: int = 0
    mode: int = 0o644
    target: str = ""


class Place(Protocol):
    """An address with an open connection. `FetchError` from every method, `TransientError` for what may pass."""

    width: int
    """How many files may be read at once, each by a thread."""

    certain: bool
    """Whether equal marks always mean equal content; times of files only nearly do."""

    def look(self) -> list[Seen]:
        """A single file, or all that is below a directory (then no path is empty)."""

    def read(self, seen: Seen, start: int, /) -> Iterator[bytes]:
        """The content of a file from byte `start` on; `RangeRefusedError` before the first piece when that cannot be."""


class RangeRefusedError(Exception):
    """The server gives files only from their beginning."""
