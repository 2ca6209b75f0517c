"""Read back the YAML that `slipway.lock.text` writes, event by event.

PyYAML's own construction follows nested values into the depth of the machine's stack; here a few levels are enough. What
locks never hold is refused: anchors, tags, several documents, keys twice.
"""

from __future__ import annotations

from typing import Any

from slipway.errors import LockError
from slipway.patterns import pattern

_DEEPEST = 12
_NUMBER = pattern(r"-?(0|[1-9][0-9]{0,17})\Z")
_WORDS = {"true": True, "false": False, "null": None}


def parse(data: bytes) -> dict[str, Any]:
    """The mapping that the text holds; `LockError` with the line when there is none."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    place = _Place()
    try:
        for event in yaml.parse(data, Loader=loader):
            place.take(event, yaml)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise LockError(f"the lock is damaged: it is not YAML{line}") from error
    if not isinstance(place.whole, dict):
        raise LockError("the lock is damaged: it is not a mapping")
    return place.whole


class _Place:
    """Where in the values the reading is: containers that are open, the innermost last, and the key in each."""

    def __init__(self) -> None:
        self.whole: Any = None
        self._open: list[Any] = []
        self._keys: list[str | None] = []

    def take(self, event: Any, yaml: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._put(_scalar(event), event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._put(container, event)
            self._open.append(container)
            self._keys.append(None)
            if len(self._open) > _DEEPEST:
                raise _refused(event, "nested too deep")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            raise _refused(event, "it has an alias")

    def _put(self, value: Any, event: Any) -> None:
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise _refused(event, "it has an anchor or a tag")
        if not self._open:
            if self.whole is not None:
                raise _refused(event, "it has several documents")
            self.whole = value
        elif isinstance(self._open[-1], list):
            self._open[-1].append(value)
        elif self._keys[-1] is None:
            if not isinstance(value, str) or value in self._open[-1]:
                raise _refused(event, f"{str(value)[:40]!r} cannot be a key here")
            self._keys[-1] = value
        else:
            self._open[-1][self._keys[-1]] = value
            self._keys[-1] = None


def _scalar(event: Any) -> Any:
    text = str(event.value)
    if not event.implicit[0]:  # in quotes
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _NUMBER.match(text) else text


def _refused(event: Any, what: str) -> LockError:
    return LockError(f"the lock is damaged in line {event.start_mark.line + 1}: {what}")
