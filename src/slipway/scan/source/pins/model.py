"""What such files say, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.scan.model import System

if TYPE_CHECKING:
    from slipway.scan.model import Kind


@dataclass(frozen=True, slots=True)
class Pin:
    """One package in exactly one version. `origin` is where it is from, if not from an index, without what may be secret in it.

    `arch`, `source_name`, `source_version` and `system` are of a distribution's package, as in `slipway.scan.model.Component`.
    """

    kind: Kind
    name: str
    version: str
    line: int = 0
    origin: str = ""
    arch: str = ""
    source_name: str = ""
    source_version: str = ""
    system: System = System()


@dataclass(frozen=True, slots=True)
class Loose:
    """Something of which the file does not say the version, so that nothing can be known: `rule` is `unpinned` or `unread`."""

    rule: str
    why: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Include:
    """Another file of requirements that a file names, as written there; `above`: it may be beside any directory above, too."""

    name: str
    line: int
    above: bool = False
