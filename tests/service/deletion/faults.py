"""Storages and tasks that die at a chosen place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.tasks.model import Data

CALLS = frozenset({"head", "read", "copy", "delete", "put", "chunks"})


class KilledError(BaseException):
    """As if by SIGKILL: nobody catches it."""


class Faulty:
    """The storage, whose call number `at` does not come back: it raises `error` before or after it has done its work."""

    def __init__(self, storage: Artifacts) -> None:
        self._storage = storage
        self.arm(0)

    def arm(
        self, at: int, *, after: bool = False, error: BaseException | None = None, times: int = 1
    ) -> None:
        self.at, self.after, self.error, self.times, self.calls = at, after, error or KilledError(), times, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._storage, name)
        if name not in CALLS:
            return found

        def call(*args: Any, **more: Any) -> Any:
            self.calls += 1
            hit = self.at and self.at <= self.calls < self.at + self.times
            if hit and not self.after:
                raise self.error
            answer = found(*args, **more)
            if hit:
                raise self.error
            return answer

        return call


@dataclass
class Steps:
    """A task as DBOS runs it: steps that are done are not done again. Step `at` dies when its work is done, but not yet kept."""

    kept: list[Data] = field(default_factory=list)
    at: int = 0
    count: int = 0

    def step(self, name: str, work: Callable[[], Data]) -> Data:
        self.count += 1
        if self.count <= len(self.kept):
            return self.kept[self.count - 1]
        answer = work()
        if self.count == self.at:
            raise KilledError
        self.kept.append(answer)
        return answer

    def pause(self, seconds: float) -> None:
        pass

    def again(self) -> Steps:
        return Steps(self.kept)
