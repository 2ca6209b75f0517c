"""What a builder says while it builds: reported line by line, and kept for the error if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import ToolError
from slipway.patterns import pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence

    from slipway.build.steps.model import Step
    from slipway.events import Reporter
    from slipway.events import Step as Progress

_LAST_LINES = 20


_COLOURS = pattern(r"\x1b\[[0-9;]*m")


class Watch:
    """Reads along. `heading` matches the line that announces an instruction: its number, how many there are, its keyword.

    What `mask` hides is neither reported nor kept.
    """

    def __init__(
        self,
        heading: re.Pattern[str],
        steps: Sequence[Step],
        progress: Progress,
        reporter: Reporter,
        mask: Callable[[str], str],
    ) -> None:
        self._mask = mask
        self._heading = heading
        self._steps = steps
        self._progress = progress
        self._reporter = reporter
        self._rest = b""
        self._said: list[str] = []
        self._at = ""
        self._runs: list[str] = []

    def pieces(self, data: bytes) -> None:
        """The next bytes of the output."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace"))

    def line(self, text: str) -> None:
        text = self._mask(_COLOURS.sub("", text).rstrip())
        if match := self._heading.search(text):
            number, total, keyword = match.groups()
            self._progress.total = int(total)
            self._progress.advance(max(0, int(number) - self._progress.done))
            self._at = number if keyword == "RUN" else ""
            if self._at and self._at not in self._runs:
                self._runs.append(self._at)
            self._said.clear()
        if text:
            self._said.append(text)
            self._reporter.log(text)

    def error(self, brief: str, cause: str = "") -> ToolError:
        """With the last that was said, and the place of the command that was being run."""
        self.line(self._rest.decode(errors="replace"))
        place = self._runs.index(self._at) if self._at else len(self._steps)
        where = self._steps[place].where if place < len(self._steps) else None
        said = [*self._said[-_LAST_LINES:], *([self._mask(cause)] if cause else [])]
        return ToolError(brief, details="\n".join(said), where=where)
