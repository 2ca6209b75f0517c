"""The text of a file that a person wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import UsageError, Where
from slipway.recipe.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.errors import WrittenError

_READ_LIMIT = 8 << 20


def read_text(path: Path, error: type[WrittenError], what: str = "") -> str:
    """The text of the file; more than any recipe or policy holds is not read.

    `UsageError` when it cannot be read, `error` when it is not UTF-8. `what` is the thing that it should be, if not what the error is of.
    """
    what = what or error.code
    try:
        with path.open("rb") as file:
            data = file.read(_READ_LIMIT)
    except OSError as failed:
        raise UsageError(f"cannot read the {what}: {failed.strerror}", where=Where(str(path))) from failed
    except ValueError as failed:  # a NUL in the name
        raise UsageError(f"cannot read the {what}: {failed}", where=Where(ascii(str(path)))) from failed
    try:
        return data.decode()
    except UnicodeDecodeError as failed:
        before = Source(str(path), data[: failed.start].decode() + "\ufffd")
        message = f"byte 0x{data[failed.start]:02x} is not UTF-8"
        problem = before.problem(len(before.text) - 1, message, "save the file as UTF-8")
        raise error([problem], str(path)) from failed
