"""Moving and removing objects so that each may be repeated, and killed anywhere, without a byte lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from slipway.errors import StoreError
from slipway.service.artifacts.model import ArtifactError, split
from slipway.service.tasks.model import TaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slipway.service.artifacts.model import Artifacts, Stat
    from slipway.service.tasks.model import Run

T = TypeVar("T")
PAUSES: Final = (0.5, 1, 2, 4, 8, 15, 30)  # seconds before each repetition of what may work another time
_DIGEST: Final = 32


class Mover:
    """Moves objects of one task."""

    def __init__(self, artifacts: Artifacts, run: Run, pauses: Sequence[float] = PAUSES) -> None:
        self._artifacts = artifacts
        self._run = run
        self._pauses = pauses

    def patient(self, work: Callable[[], T]) -> T:
        """The work, repeated while it fails for reasons that pass; `TaskError` when it does not work."""
        pauses = iter(self._pauses)
        while True:
            try:
                return work()
            except (ArtifactError, StoreError) as error:
                pause = next(pauses, None)
                passing = error.again if isinstance(error, ArtifactError) else True
                if pause is None or not passing:
                    raise TaskError(error.brief) from error
            self._run.pause(pause)

    def move(self, source: str, target: str) -> Stat | None:
        """The object at its target, or None when it is at neither place.

        The source goes after the copy was found to be the same. `TaskError` when something else is at the target: nothing is
        written over, and the source stays.
        """
        return self.patient(lambda: self._move(source, target))

    def remove(self, path: str) -> bool:
        """Whether there was something."""
        return self.patient(lambda: self._remove(path))

    def _move(self, source: str, target: str) -> Stat | None:
        there, here = self._artifacts.head(*split(target)), self._artifacts.head(*split(source))
        if here is None:
            return there
        if there is None:
            self._artifacts.copy(split(source), split(target))
            there = self._artifacts.head(*split(target))
            if there is None or not _alike(here, there):
                self._artifacts.delete(*split(target))  # nothing was there before
                raise ArtifactError(f"the copy {target} is not what {source} is", again=True)
        elif not (_alike(here, there) and self._same(here, there)):
            raise TaskError(f"something else is at {target}", hint="move it away, and begin the task again")
        self._artifacts.delete(*split(source))
        return there

    def _remove(self, path: str) -> bool:
        found = self._artifacts.head(*split(path)) is not None
        if found:
            self._artifacts.delete(*split(path))
        return found

    def _same(self, one: Stat, other: Stat) -> bool:
        """Whether both have the same bytes: what was at the target before may be the copy of a task that was killed."""
        if one.sha256 and other.sha256:
            return one.sha256 == other.sha256
        if one.etag and one.etag == other.etag:
            return True
        both = [self._artifacts.chunks(each.bucket, each.key) for each in (one, other)]
        rest = [bytearray(), bytearray()]
        while True:
            for buffer, chunks in zip(rest, both, strict=True):
                if not buffer:
                    buffer.extend(next(chunks, b""))
            length = min(len(buffer) for buffer in rest)
            if not length:
                return not any(rest)
            if rest[0][:length] != rest[1][:length]:
                return False
            for buffer in rest:
                del buffer[:length]


def _alike(one: Stat, other: Stat) -> bool:
    """What a copy has to have in common with its source, from what the storage tells without reading either.

    Of a copy in parts the ETag is another; the server has compared each part, and the length tells that all are there.
    """
    if one.size != other.size or not one.metadata.items() <= other.metadata.items():  # servers may add some
        return False
    if one.sha256 and other.sha256 and one.sha256 != other.sha256:
        return False
    whole = len(one.etag) == len(other.etag) == _DIGEST
    return not whole or one.etag == other.etag
