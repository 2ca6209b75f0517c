"""What the API asks of deletions, whoever carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
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

    `StaleError` when the record changed meanwhile; `InputError` (`undelete`) for an image whose deleted manifest cannot be read.
    """

    def delete(self, record: Record, actor: Actor) -> Record:
        """Put it among the deleted."""
        ...

    def undelete(self, record: Record, actor: Actor) -> Record: ...

    def purge(self, record: Record, actor: Actor, *, objects: bool = True) -> None:
        """Remove it for ever, from wherever it is; its objects too, unless they are to stay."""
        ...

    def wait(self, record: Record, seconds: float) -> bool:
        """Whether the objects of the record have been moved, now or within that time."""
        ...

    def tasks(self, record: str = "") -> list[Task]: ...

    def retry(self, task: str) -> None:
        """Begin a failed task again."""
        ...
