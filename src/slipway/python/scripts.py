"""Commands that come with wheels: launchers for entry points, and scripts whose first line names an interpreter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.errors import InputError
from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.python.model import PythonTarget

MARK = b"#!python"  # the first line of a script that asks for the interpreter of the environment
_MAX_SHEBANG = 127  # bytes that every Linux kernel reads of a first line
_NAME = pattern(r"[\w.+@-]+( [\w.+@-]+)*\Z", re.ASCII)
_OBJECT = pattern(
    r"\s*(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*)\s*:\s*(?P<attr>[^\W\d]\w*(\.[^\W\d]\w*)*)\s*(\[[^\]]*\])?\s*\Z"
)


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A command `name` that calls `attr` (dotted) of `module`."""

    name: str
    module: str
    attr: str


def entry_points(text: str, what: str) -> list[EntryPoint]:
    """The commands in an entry_points.txt (PyPA specification: entry points), sorted by name.

    `InputError` for names that are no file names and for objects that are no dotted names: both become program text.
    """
    found: dict[str, EntryPoint] = {}
    section = ""
    for line in text.splitlines():
        line = line.strip()  # noqa: PLW2901 - the rest of the loop means the stripped line
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            section = line[1:-1].strip()
            continue
        if section not in ("console_scripts", "gui_scripts"):
            continue
        name, _, value = (part.strip() for part in line.partition("="))
        match = _OBJECT.match(value)
        if not is_name(name) or match is None:
            raise InputError(f"{what}: the entry point {line!r} cannot be made into a command")
        found[name] = EntryPoint(name, match["module"], match["attr"])
    return [found[name] for name in sorted(found)]


def is_name(name: str) -> bool:
    """Whether a command may be called that: one plain file name."""
    return _NAME.match(name) is not None and name not in (".", "..") and len(name) <= 255


def for_target(points: list[EntryPoint], project: str, target: PythonTarget) -> list[EntryPoint]:
    """The commands as they are for this Python: pip carries its version's names (`pip3`, `pip3.13`) itself."""
    plain = next((p for p in points if p.name == "pip"), None)
    if project != "pip" or plain is None:
        return points
    others = [p for p in points if not re.fullmatch(r"pip(\d+(\.\d+)?)?", p.name)]
    names = ("pip", "pip3", f"pip{target.short}")
    return [*others, *(EntryPoint(name, plain.module, plain.attr) for name in names)]


def launcher(point: EntryPoint, interpreter: str) -> bytes:
    """The text of a command: what it calls gets no arguments, and what it returns is the exit status."""
    first = point.attr.partition(".")[0]
    return (
        shebang(interpreter)
        + (
            f'import sys\n\nfrom {point.module} import {first}\n\nif __name__ == "__main__":\n    sys.exit({point.attr}())\n'
        ).encode()
    )


def shebang(interpreter: str, arguments: bytes = b"") -> bytes:
    """The line(s) that make a file run by `interpreter`.

    A path that the kernel would cut or split goes through the shell, in two lines that Python reads as a string.
    """
    plain = b"#!" + interpreter.encode() + arguments + b"\n"
    if len(plain) <= _MAX_SHEBANG and " " not in interpreter:
        return plain
    return b"#!/bin/sh\n'''exec' \"" + interpreter.encode() + b'"' + arguments + b" \"$0\" \"$@\"\n' '''\n"


def rewrite(script: bytes, interpreter: str) -> bytes:
    """A script whose first line is `#!python` (or `#!pythonw`, `#!python3`) with the interpreter there; others as they are."""
    if not script.startswith(MARK):
        return script
    line, _, rest = script.partition(b"\n")
    arguments = line.strip().partition(b" ")[2].strip()
    return shebang(interpreter, b" " + arguments if arguments else b"") + rest
