"""Names of images, as registries, Docker and the store understand them (distribution: reference grammar)."""

from __future__ import annotations

from slipway.errors import UsageError
from slipway.patterns import pattern

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_NAME = pattern(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?")


def full_name(text: str) -> str:
    """`text` with `:latest` when it has no tag; `UsageError` when it cannot name an image."""
    match = _NAME.fullmatch(text)
    if match is None or len(text) > 255 + 128:
        raise UsageError(
            f"{text!r} cannot name an image",
            hint="names look like `hello:1.0` or `host.example/team/hello:1.0`, in lower case",
        )
    return text if match["tag"] else f"{text}:latest"
