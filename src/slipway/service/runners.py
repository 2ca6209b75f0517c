"""Who carries out jobs. Records of jobs are kept whoever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from slipway.service.model import Job


class Runner(Protocol):
    """`name` is what the settings call it. Methods block; `SlipwayError` where something does not work, and nothing was begun."""

    name: str

    def start(self, job: Job, address: str) -> None:
        """Begin the job, whose record is about to be stored; `address` is where its artifact can be fetched, a secret."""
        ...

    def finished(self, job: Job) -> None:
        """The job's status became `success` or `error`: give back what it used."""
        ...

    def remove(self, job: Job) -> None:
        """The job's record is about to go: stop what runs."""
        ...


class RecordRunner:
    """Accepts jobs and leaves them to others, who tell by PATCH how they fare."""

    name = "record"

    def start(self, job: Job, address: str) -> None: ...

    def finished(self, job: Job) -> None: ...

    def remove(self, job: Job) -> None: ...
