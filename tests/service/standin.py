"""Deletion without tasks: all is done when a method returns. It moves the one object that a link names, and no more; of
several records, each for itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.errors import InputError, UsageError
from slipway.service.artifacts.model import split
from slipway.service.model import Image, Link, Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.deletion.model import Task
    from slipway.service.model import Actor, Record
    from slipway.service.records.store import Records


class InstantDeletion:
    """`calls` tells what was asked of it; `waits` how long each caller would have waited."""

    def __init__(self, records: Records, artifacts: Artifacts) -> None:
        self.records = records
        self.artifacts = artifacts
        self.calls: list[tuple[str, str, bool]] = []
        self.waits: list[float] = []

    def delete(self, record: Record, actor: Actor) -> Record:
        self.calls.append(("delete", record.id, True))
        after = record
        if isinstance(record, (Recipe, Image)) and record.link:
            moved = self._move(record.link, lambda key: f"deleted/{key}")
            after = replace(record, link=moved or record.link, home=record.link)
        return self.records.write(
            lambda tx: tx.replace(replace(after, state="deleted", deleted=tx.now), actor, "deleted")
        )

    def undelete(self, record: Record, actor: Actor) -> Record:
        self.calls.append(("undelete", record.id, True))
        after = record
        if isinstance(record, (Recipe, Image)) and record.link:
            moved = self._move(record.link, lambda key: key.removeprefix("deleted/"))
            if moved is None and isinstance(record, Image):
                raise InputError(f"the deleted manifest of the image {record.id} cannot be read")
            after = replace(record, link=record.home, home=None)
        return self.records.write(
            lambda tx: tx.replace(replace(after, state="live", deleted=0), actor, "undeleted")
        )

    def purge(self, record: Record, actor: Actor, *, objects: bool = True) -> None:
        self.calls.append(("purge", record.id, objects))
        if objects and isinstance(record, (Recipe, Image)) and record.link:
            self.artifacts.delete(*split(record.link.path))
        self.records.write(lambda tx: tx.remove(record, actor))

    def delete_all(self, records: Sequence[Record], actor: Actor) -> list[Record]:
        return [self.delete(record, actor) for record in records]

    def undelete_all(self, records: Sequence[Record], actor: Actor) -> list[Record]:
        return [self.undelete(record, actor) for record in records]

    def purge_all(self, records: Sequence[Record], actor: Actor, *, objects: bool = True) -> None:
        for record in records:
            self.purge(record, actor, objects=objects)

    def wait(self, record: Record, seconds: float) -> bool:
        self.waits.append(seconds)
        return True

    def tasks(self, record: str = "") -> list[Task]:
        return []

    def retry(self, task: str) -> Task:
        raise UsageError("there are no tasks")

    def close(self) -> None: ...

    def _move(self, link: Link, renamed: object) -> Link | None:
        bucket, key = split(link.path)
        if self.artifacts.head(bucket, key) is None:
            return None
        target = renamed(key)  # type: ignore[operator]
        stat = self.artifacts.copy((bucket, key), (bucket, target))
        self.artifacts.delete(bucket, key)
        return Link(f"s3://{bucket}/{target}", stat.etag)
