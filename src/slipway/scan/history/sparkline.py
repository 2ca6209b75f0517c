"""How a number went, as a word of little bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BARS: Final = "▁▂▃▄▅▆▇█"
PLAIN: Final = "_.,:-=*#"  # for terminals that have no bars


def sparkline(values: Sequence[int], *, bars: str = BARS, most: int = 0) -> str:
    """A bar for each value, from 0 to `most` (0: the largest). The lowest bar is 0 and nothing else."""
    top = max(most, *values, 1) if values else 1
    steps = len(bars) - 1
    return "".join(bars[-(-value * steps // top)] for value in values)
