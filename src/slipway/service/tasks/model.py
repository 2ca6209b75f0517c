"""What a piece of durable work sees, and what is known of it from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Status = Literal["waiting", "running", "done", "failed"]
Data = dict[str, Any]  # plain data that JSON can hold


class TaskError(SlipwayError):
    """A task cannot go on; it says why, and can be begun again."""

    code = "task"


class Stopping(BaseException):
    """The process ends: the task is left as it is, and goes on where it was when one starts again.

    No `Exception`, since it must pass those who catch errors.
    """


class Run(Protocol):
    """One task while it runs."""

    def step(self, name: str, work: Callable[[], Data]) -> Data:
        """The result of the work, which is kept: who takes the task up again gets it without doing the work.

        A step that was killed is done again, so it has to bear that.
        """
        ...

    def pause(self, seconds: float) -> None:
        """Wait; `Stopping` as soon as the process is to end."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A task from outside. Times are microseconds since 1970, 0 for not yet. `result` is what a task that is done returned."""

    id: str
    status: Status
    begun: int = 0
    ended: int = 0
    result: Data = field(default_factory=dict, hash=False)
    problem: str = ""
