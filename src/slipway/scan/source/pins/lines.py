"""Where in a text something stands that a parser gave without its place."""

from __future__ import annotations

from typing import Final

_PATIENCE: Final = 1 << 30  # characters that are looked through in vain; texts that need more are made to


class Lines:
    """Where in the text things stand: each is looked for behind the one before it first, as parsers do not tell."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.number = 1
        self.left = _PATIENCE

    def of(self, wanted: str) -> int:
        """The line of the next occurrence, or of the first one; 0 where there is none."""
        if self.left < 0:
            return 0
        at = self.text.find(wanted, self.at)
        if at < 0:
            self.left -= 2 * len(self.text)
            at = self.text.find(wanted)
            return self.text.count("\n", 0, at) + 1 if at >= 0 else 0
        self.number += self.text.count("\n", self.at, at)
        self.at = at
        line = self.number
        self.number += self.text.count("\n", at, at + len(wanted))
        self.at = at + len(wanted)
        return line
