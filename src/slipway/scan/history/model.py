"""One scan in numbers, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.scan.model import Feed
    from slipway.scan.policy.model import Outcome

Levels = tuple[int, ...]
"""How many of each level, at the place of `Level`'s number."""

NONE: Levels = (0, 0, 0, 0, 0, 0)
HEADERS: Final = "headers"  # of `Finding.class_`


@dataclass(frozen=True, slots=True)
class Numbers:
    """Each weakness of a package counts once. `open` is what counts, `excused` what a waiver or a VEX statement takes out.

    Packages that only hold headers are in neither, but in `headers` (what would be open). `fixable` is a part of
    `open`, and `fixable_open` the same by level. `outdated` and `uncovered` count packages.
    """

    open: Levels = NONE
    fixable_open: Levels = NONE
    excused: Levels = NONE
    headers: int = 0
    outdated: int = 0
    uncovered: int = 0

    @property
    def fixable(self) -> int:
        return sum(self.fixable_open)


@dataclass(frozen=True, slots=True)
class Entry:
    """A scan that was kept. `time` is RFC 3339; `result` is equal for scans that found the same; `file` holds it all."""

    image: str
    time: str
    numbers: Numbers
    complete: bool
    file: Path
    digest: str = ""
    platform: str = ""
    system: str = ""
    feeds: tuple[Feed, ...] = ()
    outcome: Outcome | None = None
    result: str = ""
