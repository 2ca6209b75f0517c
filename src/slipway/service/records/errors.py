"""What a database refuses, and what it cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import SlipwayError, StoreError

if TYPE_CHECKING:
    from slipway.service.model import Kind


class TakenError(SlipwayError):
    """Another record (`other`, its id) has what only one may have: `field` is `link` or `id`."""

    code = "taken"

    def __init__(self, kind: Kind, field: str, other: str) -> None:
        super().__init__(f"the {field} belongs to the {kind} {other} already")
        self.kind, self.field, self.other = kind, field, other


class StaleError(SlipwayError):
    """The record is not any more what it was when it was read: another change came first, or it is gone."""

    code = "stale"

    def __init__(self, kind: Kind, record: str) -> None:
        super().__init__(
            f"the {kind} {record} has changed meanwhile", hint="read it again and repeat the change"
        )


class DatabaseError(StoreError):
    """The database cannot be reached, is damaged, or refuses to work."""

    code = "database"
