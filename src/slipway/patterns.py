"""Regular expressions that are compiled when they are first used.

Compiling one takes up to a millisecond, and most runs use few of those that their modules declare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import re

__all__ = ["pattern"]


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """What `re.compile` gives, as soon as something is asked of it."""
    return cast("re.Pattern[str]", _Pattern(text, flags))


class _Pattern:
    def __init__(self, text: str, flags: int) -> None:
        self._what = text, flags

    def __getattr__(self, name: str) -> Any:
        import re

        found = getattr(re.compile(*self._what), name)
        setattr(self, name, found)  # the next time it is found without asking
        return found
