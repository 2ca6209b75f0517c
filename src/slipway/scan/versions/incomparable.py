"""What is raised for a version that has no place in an order."""

from __future__ import annotations

from slipway.errors import InputError


class IncomparableError(InputError):
    """`version` is not one in `scheme` (empty: no order is known), so nobody can tell what is older or newer."""

    def __init__(self, scheme: str, version: str) -> None:
        shown = f"{version[:60]!r}"
        super().__init__(
            f"{shown} is not a version ({scheme})" if scheme else f"it is not known how {shown} compares"
        )
        self.scheme = scheme
        self.version = version
