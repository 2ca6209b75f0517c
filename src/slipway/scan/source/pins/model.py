"""What such files say, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.scan.model import Kind


@dataclass(frozen=True, slots=True)
class Pin:
    """One package in exactly one version. `origin` is where it is from, if not from an index, without what may be secret in it."""

    kind: Kind
    name: str
    version: str
    line: int = 0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Loose:
    """Something of which the file does not say the version, so that nothing can be known: `rule` is `unpinned` or `unread`."""

    rule: str
    why: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Include:
    """Another file that a requirements file names, as written there."""

    name: str
    line: int
