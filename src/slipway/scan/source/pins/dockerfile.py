"""What the commands of a Dockerfile install with pip (Docker's Dockerfile reference: RUN).

Files that they name are in an image that is not there yet; most are copied from the tree, so they are looked for in it.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.recipe.dockerlines import lines
from slipway.scan.source.pins import installs
from slipway.scan.source.pins.model import Include

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.recipe.dockerlines import Line
    from slipway.scan.source.pins.requirements import Entry

_LARGEST: Final = 1 << 20  # characters
_ESCAPE = pattern(r"(?i)(?:#\s*[a-z]+\s*=.*\n)*#\s*escape\s*=\s*[^\\\s].*")
_RUN = pattern(r"(?i)(?:onbuild\s+)?run(?:\s+--\S+)*\s+")
_SHELL = pattern(r"<<|(?:\S*/)?(?:ba|da|a|z|k)?sh\s")


def read(text: str) -> Iterator[Entry]:
    """`InputError` for what is larger than any Dockerfile, and for one with another escape character than a backslash."""
    if len(text) > _LARGEST:
        raise InputError(f"it is larger than {_LARGEST >> 20} MiB")
    if _ESCAPE.match(text):
        raise InputError("its escape character is no backslash")
    starts = [0, *(n + 1 for n, mark in enumerate(text) if mark == "\n")]
    for line in lines(text, lambda *_: None):
        if found := _RUN.match(line.text):
            for entry in _run(line, found.end(), starts):
                yield _in_tree(entry) if isinstance(entry, Include) else entry


def _run(line: Line, at: int, starts: Sequence[int]) -> Iterator[Entry]:
    number = bisect_right(starts, line.place(at))
    command = line.text[at:]
    if (words := _words(command)) is not None:
        yield from installs.of_words([(word, number) for word in words])
        return
    yield from installs.read(_script(line, at, starts), number)
    begin = bisect_right(starts, line.pieces[-1][1]) + 1
    for document in line.documents:
        if _SHELL.match(command):
            yield from installs.read(document.bare, begin)
        begin += document.text.count("\n") + 1


def _words(command: str) -> list[str] | None:
    """Those of the form in brackets; None for a command of a shell."""
    try:
        found: Any = json.loads(command) if command.startswith("[") else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(word, str) for word in found) else None


def _script(line: Line, at: int, starts: Sequence[int]) -> str:
    """The command with a mark where each of its lines ended."""
    ends = [own for own, _ in line.pieces[1:]] + [len(line.text)]
    script, last = "", 0
    for (own, there), end in zip(line.pieces, ends, strict=True):
        number = bisect_right(starts, there)
        if end > at:
            script += installs.CONTINUED * (number - last if last else 0) + line.text[max(own, at) : end]
            last = number
    return script


def _in_tree(entry: Include) -> Include:
    path = PurePosixPath(entry.name)
    return replace(entry, name=path.name if path.is_absolute() else entry.name, above=True)
