"""Plain data that others may have written, read field by field: every value is checked for its type and form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from slipway.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
VERSION = r"[A-Za-z0-9.+:~!_*-]+"
SHA256 = r"[0-9a-f]{64}"
DIGEST = r"sha256:[0-9a-f]{64}"
ADDRESS = r"((https?|file)://[^\s@]+)?"
ANYTHING = r"(?s:.*)"


class Fields:
    """A mapping at `place` in a lock. Each method gives the value of a field, or raises `LockError` that names it."""

    def __init__(self, data: object, place: str = "") -> None:
        if not isinstance(data, dict):
            raise LockError(f"the lock is damaged: {place or 'it'} is not a mapping")
        self.data: Mapping[str, Any] = data
        self.place = place

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def text(self, name: str, form: str = ANYTHING, default: str | None = None) -> str:
        return self._form(self._get(name, default), name, form)

    def number(self, name: str, default: int | None = None) -> int:
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._wrong(name, f"{value!r} is not a number")
        return value

    def truth(self, name: str) -> bool:
        value = self._get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, f"{value!r} is not true or false")
        return value

    def texts(self, name: str, form: str = ANYTHING) -> tuple[str, ...]:
        return tuple(self._form(value, name, form) for value in self._list(name))

    def row(self, name: str) -> Fields:
        return Fields(self._get(name, None), self._at(name))

    def rows(self, name: str) -> list[Fields]:
        return [Fields(value, f"{self._at(name)}[{n}]") for n, value in enumerate(self._list(name))]

    def _get(self, name: str, default: Any) -> Any:
        value = self.data.get(name, default)
        if value is None:
            raise self._wrong(name, "it is missing")
        return value

    def _list(self, name: str) -> list[Any]:
        value = self.data.get(name, [])
        if not isinstance(value, list):
            raise self._wrong(name, "it is not a list")
        return value

    def _form(self, value: Any, name: str, form: str) -> str:
        if not isinstance(value, str) or not re.fullmatch(form, value):
            raise self._wrong(name, f"{str(value)[:80]!r} cannot be meant")
        return value

    def _at(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def _wrong(self, name: str, what: str) -> LockError:
        return LockError(f"the lock is damaged at {self._at(name)}: {what}")
