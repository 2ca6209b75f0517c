"""One file as all checks see it: read once, and told whether it is text."""

from __future__ import annotations

import codecs
from functools import cached_property
from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern

if TYPE_CHECKING:
    from pathlib import Path

LARGEST: Final = 16 << 20  # bytes of a text that is looked at
_HEAD: Final = 8192  # git, too, looks so far for a NUL
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHEBANG = pattern(r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+|\w+=\S*\s+)*)?(?:\S*/)?([A-Za-z]+)[0-9.]*(?:\s|$)")


class Content:
    """A file's bytes; `text` is None for what is none. `encoded` tells whether the bytes fit the encoding that they announce."""

    def __init__(self, path: str, data: bytes, *, whole: bool = True) -> None:
        self.path = path
        self.name = path.rpartition("/")[2]
        self.data = data
        self.whole = whole
        self.encoded = True

    @cached_property
    def text(self) -> str | None:
        encoding = next((name for mark, name in _BOMS if self.data.startswith(mark)), "utf-8")
        if not encoding.startswith("utf-8"):
            try:
                return self.data.decode(encoding)
            except ValueError:
                return None  # no text, but for two bytes that look like a mark
        if b"\0" in self.data[:_HEAD]:
            return None
        try:
            return self.data.decode(encoding)
        except UnicodeDecodeError:
            self.encoded = False
            return self.data.decode("latin-1")

    @cached_property
    def lines(self) -> list[str]:
        return (self.text or "").split("\n")

    @cached_property
    def interpreter(self) -> str:
        """The name of the program in the first line, without its version: `python` for `#!/usr/bin/python3`."""
        if not self.data.startswith(b"#!"):
            return ""
        found = _SHEBANG.match(self.data[:256].partition(b"\n")[0].decode("latin-1"))
        return found[1] if found else ""

    def line(self, number: int) -> str:
        """The text of a line, its blanks made one; empty beyond the end."""
        return " ".join(self.lines[number - 1].split()) if 0 < number <= len(self.lines) else ""


def read(full: Path, path: str) -> Content:
    """The file, or the beginning of one that is too large to be looked at (`whole`). `OSError` as the system has it."""
    with full.open("rb") as file:
        data = file.read(LARGEST + 1)
    return Content(path, data[:LARGEST], whole=len(data) <= LARGEST)
