"""Names of tasks: they say which record and which of its changes they are for, so that nobody begins one twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.service.deletion.model import Verb
    from slipway.service.model import Kind

_FORM: Final = pattern(r"(recipe|image)\.([^.]+)\.(delete|undelete|purge)\.(\d{1,9})\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Name:
    """`KIND.RECORD.VERB.VERSION.ATTEMPT`; the version is that of the record when the task was asked for."""

    kind: Kind
    record: str
    verb: Verb
    version: int = 0
    attempt: int = 0

    def __str__(self) -> str:
        return f"{self.prefix}{self.attempt}"

    @property
    def lane(self) -> str:
        """What all tasks of the record begin with: they run one after the other."""
        return f"{self.kind}.{self.record}."

    @property
    def prefix(self) -> str:
        """What all attempts begin with."""
        return f"{self.lane}{self.verb}.{self.version}."


def name_of(task: str) -> Name | None:
    """None for tasks that are not ours."""
    found = _FORM.fullmatch(task)
    if found is None:
        return None
    kind, record, verb, version, attempt = found.groups()
    return Name(cast("Kind", kind), record, cast("Verb", verb), int(version), int(attempt))
