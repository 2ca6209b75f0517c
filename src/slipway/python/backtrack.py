"""Packages that uv took back to older versions for the sake of what they depend on, and its second answer without that.

uv may choose the newest version of a dependency first, and then look for an old version of the package that can live
with it. Whoever asked for the package wants it new rather than the dependency, and pip's answers are like that too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

# as uv tells it: a version that it tries, the newest that fits first
_SELECTING = pattern(r"DEBUG Selecting: ([^\s=\[]+)(?:\[[^\]]*\])?==(\S+) ")
_PACKAGE = pattern(r'(?m)^name = "([^"]+)"\nversion = "([^"]+)"$')
MOST = 3  # packages for which uv is asked again


class Listener:
    """Hears the lines of uv, for itself and for `other`."""

    def __init__(self, other: Callable[[str], None] | None) -> None:
        self._other = other
        self._first: dict[str, str] = {}

    def __call__(self, line: str) -> None:
        if found := _SELECTING.match(line):
            self._first.setdefault(found[1], found[2])
        elif self._other:
            self._other(line)

    def wanted(self, lock: str) -> list[str]:
        """Constraints (`name>=version`) that the answer `lock` does not keep, one for each package that was taken back."""
        chosen = dict(_PACKAGE.findall(lock))
        return [
            f"{name}>={version}"
            for name, version in self._first.items()
            if name in chosen and chosen[name] != version
        ][:MOST]
