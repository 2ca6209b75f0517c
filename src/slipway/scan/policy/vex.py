"""VEX: what somebody who looked says of weaknesses, in the formats in which it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.errors import InputError, UsageError
from slipway.scan.advisories.fields import document
from slipway.scan.policy import cdxvex, openvex

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.scan.policy.model import Statement

_MOST_BYTES: Final = 64 << 20


def read(path: Path) -> tuple[Statement, ...]:
    """The statements in the file: OpenVEX 0.2.0 or CycloneDX 1.4 to 1.6, in JSON.

    `UsageError` when it cannot be read, `InputError` when it is something else, or malformed.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}") from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"{path} is larger than any VEX document ({_MOST_BYTES >> 20} MiB)")
    value = document(data, str(path))
    try:
        if isinstance(value, dict) and openvex.is_one(value):
            return openvex.statements(value, str(path))
        if isinstance(value, dict) and cdxvex.is_one(value):
            return cdxvex.statements(value, str(path))
    except InputError as error:
        raise InputError(f"{path}: {error.brief}", hint=error.hint) from error
    raise InputError(
        f"{path} is no VEX document that is known here", hint="known: OpenVEX 0.2.0, CycloneDX 1.4 to 1.6"
    )
