"""What the API asks of deletions, whoever carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.service.model import Actor, Kind, Record

Verb = Literal["delete", "undelete", "purge"]


@dataclass(frozen=True, slots=True)
class Task:
    """The moving of a record's objects. `id` is the durable workflow's; times are microseconds since 1970, 0 for not yet.

    `moved` and `objects` count objects, `problem` is why it waits or failed.
    """

    id: str
    verb: Verb
    kind: Kind
    record: str
    status: Literal["waiting", "running", "done", "failed"]
    objects: int = 0
    moved: int = 0
    begun: int = 0
    ended: int = 0
    problem: str = ""


class Deletion(Protocol):
    """The state changes in one transaction before any of these returns; objects follow in the background.

    `StaleError` when the record changed meanwhile; `TakenError` (`undelete`) when its link belongs to another record by now;
    `InputError` (`undelete`) for an image whose deleted manifest cannot be read. Moving its objects changes a record as well: that does
    not count as a change here. Of those for several records, all are done or none.
    """

    def delete(self, record: Record, actor: Actor) -> Record:
        """Put it among the deleted."""
        ...

    def delete_all(self, records: Sequence[Record], actor: Actor) -> list[Record]: ...

    def undelete(self, record: Record, actor: Actor) -> Record: ...

    def undelete_all(self, records: Sequence[Record], actor: Actor) -> list[Record]: ...

    def purge(self, record: Record, actor: Actor, *, objects: bool = True) -> None:
        """Remove it for ever, from wherever it is; its objects too, unless they are to stay."""
        ...

    def purge_all(self, records: Sequence[Record], actor: Actor, *, objects: bool = True) -> None: ...

    def wait(self, record: Record, seconds: float) -> bool:
        """Whether the objects of the record have been moved, now or within that time."""
        ...

    def tasks(self, record: str = "") -> list[Task]:
        """Of the record with that id, or of all; the newest first."""
        ...

    def retry(self, task: str) -> Task:
        """Begin a failed task again, as another one; `UsageError` when there is nothing to do."""
        ...

    def close(self) -> None:
        """What runs is left where it is, and goes on at the next start."""
        ...
