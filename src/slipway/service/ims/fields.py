"""Declared fields: what comes in is checked against all of them at once, and every error is named where it is.

Coercions, messages and the shape of the errors are those of marshmallow 3, which clients of IMS know.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Read = Callable[[Any], Any]
_ABSENT: Final = object()
_TRUE: Final = frozenset(
    {"t", "T", "true", "True", "TRUE", "on", "On", "ON", "y", "Y", "yes", "Yes", "YES", "1", 1}
)
_FALSE: Final = frozenset(
    {"f", "F", "false", "False", "FALSE", "off", "Off", "OFF", "n", "N", "no", "No", "NO", "0", 0}
)
_LARGEST: Final = 2**31 - 1  # what a column of integers holds


class InvalidError(Exception):
    """`errors` is a list of messages of one value, or these by field, index or member."""

    def __init__(self, errors: list[str] | dict[str, Any]) -> None:
        super().__init__(errors)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Field:
    """`read` takes any JSON value and gives ours, or raises `InvalidError`. Without a default, what is absent stays absent."""

    read: Read
    required: bool = False
    null: bool = False
    default: Any = _ABSENT


Schema = Mapping[str, Field]


def load(schema: Schema, data: object) -> dict[str, Any]:
    """The values of the fields in their order; `InvalidError` with all that is wrong."""
    if not isinstance(data, dict):
        raise InvalidError({"_schema": ["Invalid input type."]})
    values: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for name, field in schema.items():
        if name not in data:
            if field.required:
                errors[name] = ["Missing data for required field."]
            elif field.default is not _ABSENT:
                values[name] = field.default
        elif data[name] is None:
            if field.null:
                values[name] = None
            else:
                errors[name] = ["Field may not be null."]
        else:
            try:
                values[name] = field.read(data[name])
            except InvalidError as error:
                errors[name] = error.errors
    errors |= {name: ["Unknown field."] for name in data if name not in schema}
    if errors:
        raise InvalidError(errors)
    return values


def text(*, blank: str = "", most: int = 0) -> Read:
    """`blank` is the message for empty text, which is taken without; `most` characters (0: any number)."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise InvalidError(["Not a valid string."])
        if "\0" in value or not _encodable(value):  # no database keeps these
            raise InvalidError(["Not a valid utf-8 string."])
        if blank and not value:
            raise InvalidError([blank])
        if most and len(value) > most:
            raise InvalidError([f"Longer than maximum length {most}."])
        return value

    return read


def one_of(choices: tuple[str, ...], message: str = "Must be one of: {choices}.") -> Read:
    plain = text()
    listed = message.format(choices=", ".join(choices))

    def read(value: object) -> str:
        found: str = plain(value)
        if found not in choices:
            raise InvalidError([listed])
        return found

    return read


def integer(*, least: int, message: str) -> Read:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise InvalidError(["Not a valid integer."])
        try:
            found = int(value)
        except ValueError:
            raise InvalidError(["Not a valid integer."]) from None
        except OverflowError:
            raise InvalidError(["Number too large."]) from None
        if found < least:
            raise InvalidError([message])
        if found > _LARGEST:
            raise InvalidError(["Number too large."])
        return found

    return read


def boolean(value: object) -> bool:
    if isinstance(value, Hashable):
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
    raise InvalidError(["Not a valid boolean."])


def unique_id(value: object) -> str:
    """In lower case with hyphens, whatever the notation."""
    try:
        return str(uuid.UUID(value))  # type: ignore[arg-type]
    except (ValueError, AttributeError, TypeError):
        raise InvalidError(["Not a valid UUID."]) from None


def nested(schema: Schema) -> Read:
    return lambda value: load(schema, value)


def listing(item: Read) -> Read:
    """Errors are by index."""

    def read(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise InvalidError(["Not a valid list."])
        found: list[Any] = []
        errors: dict[str, Any] = {}
        for index, each in enumerate(value):
            try:
                found.append(_present(item, each))
            except InvalidError as error:
                errors[str(index)] = error.errors
        if errors:
            raise InvalidError(errors)
        return found

    return read


def mapping(key: Read, content: Read) -> Read:
    """Errors are by member, then `key` or `value`."""

    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidError(["Not a valid mapping type."])
        found: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, each in value.items():
            for place, check, part in (("key", key, name), ("value", content, each)):
                try:
                    found[name] = _present(check, part)
                except InvalidError as error:
                    errors.setdefault(name, {})[place] = error.errors
        if errors:
            raise InvalidError(errors)
        return found

    return read


def _present(read: Read, value: object) -> Any:
    if value is None:
        raise InvalidError(["Field may not be null."])
    return read(value)


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
