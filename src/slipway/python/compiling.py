"""Which source distributions turned out to need compiling for the target: found by trying, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.files import atomic

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.python.model import Dist
    from slipway.settings import Settings


def is_known(dist: Dist, settings: Settings) -> bool:
    """Whether it turned out before that `dist` has to be compiled."""
    return dist.sdist and _memory(dist, settings).exists()


def note(dist: Dist, settings: Settings) -> None:
    """Remember that `dist` has to be compiled."""
    with atomic(_memory(dist, settings)):
        pass


def _memory(dist: Dist, settings: Settings) -> Path:
    return settings.cache / "built" / f"{dist.sha256}.compiled"
