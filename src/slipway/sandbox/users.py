"""Which users there can be in a sandbox that has more than one: all, a range, or after all only one."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from slipway.oci.unpack import is_root
from slipway.sandbox.model import Range
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST: Final = 1 << 16  # an image's users are below
HINT: Final = (
    "without root, commands have only one user, and cannot give files to others; for more, let root install newuidmap"
    " (package uidmap) and give you a range: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 YOU"
)


@value
class Users:
    """`root`: those of this machine; `range`: those of a user namespace; `one`: the caller, whatever the name inside.

    `why` tells for `one` what a range lacks.
    """

    kind: Literal["root", "range", "one"]
    range: Range | None = None
    why: str = ""


@cache
def find_users() -> Users:
    """What this machine lets the caller have."""
    if is_root():
        return Users("root")
    mappers = shutil.which("newuidmap"), shutil.which("newgidmap")
    if not mappers[0] or not mappers[1]:
        return Users("one", why="newuidmap is not installed")
    rows = [
        subordinate(_read(name), _names(), outside)
        for name, outside in (("subuid", os.geteuid()), ("subgid", os.getegid()))
    ]
    if any(len(found) == 1 for found in rows):
        return Users("one", why="/etc/subuid or /etc/subgid gives no range to this user")
    found = Range(rows[0], rows[1], (mappers[0], mappers[1]))
    from slipway.sandbox.inside import works

    return Users("range", found) if works(found) else Users("one", why="newuidmap is refused here")


def subordinate(text: str, names: Iterable[str], outside: int) -> tuple[tuple[int, int, int], ...]:
    """The rows of a user namespace: the caller as 0, then as many of the ranges in `text` (subuid(5)) as an image needs."""
    rows = [(0, outside, 1)]
    wanted = set(names)
    inside = 1
    for line in text.splitlines():
        name, _, numbers = line.partition(":")
        first, _, count = numbers.partition(":")
        if name in wanted and first.isdigit() and count.isdigit() and inside <= _MOST:
            size = min(int(count), _MOST + 1 - inside)
            rows.append((inside, int(first), size))
            inside += size
    return tuple(rows)


def _names() -> tuple[str, ...]:
    import pwd

    number = os.geteuid()
    try:
        return (pwd.getpwuid(number).pw_name, str(number))
    except KeyError:
        return (str(number),)


def _read(name: str) -> str:
    try:
        return Path("/etc", name).read_text(errors="replace")
    except OSError:
        return ""
