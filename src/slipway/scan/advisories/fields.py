"""Fields of documents that others wrote: of the type they should have, or an `InputError` that names the field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.scan.times import normal

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 1000  # characters of a name, version or address
_LONGEST_TEXT: Final = 1 << 20


def document(data: bytes, where: str) -> Any:
    """JSON; `where` is for the error."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not valid JSON", details=str(error)[:300]) from error


def text(record: Mapping[str, Any], name: str) -> str:
    """Prose of one or more lines; empty when it is not there."""
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise InputError(f"{name} is not a text")
    return value.encode(errors="replace").decode()  # half a character, which JSON can hold, cannot be written


def word(record: Mapping[str, Any], name: str) -> str:
    """A name, version or address: one line without control characters; empty when it is not there."""
    return checked(record.get(name), name)


def checked(value: object, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
        raise InputError(f"{name} is not a word: {str(value)[:60]!r}")
    return value


def words(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(found for value in rows(record, name) if (found := checked(value, name)))


def rows(record: Mapping[str, Any], name: str) -> list[Any]:
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"{name} is not a list")
    return value


def mappings(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [mapping({name: value}, name) for value in rows(record, name)]


def mapping(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{name} is not a mapping")
    return value


def time(record: Mapping[str, Any], name: str) -> str:
    return normal(word(record, name))
