"""Images in ECR, one after the other: asked for or read from files, joined with what distributions say, excused and judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slipway.errors import FetchError, UsageError
from slipway.scan.adapters import ecr, ecrscan
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.history.keep import first_seen, keep
from slipway.scan.model import Inventory, Scan, System
from slipway.scan.policy.api import judged
from slipway.scan.times import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.adapters.ecrclient import Ecr
    from slipway.scan.adapters.ecrtarget import Target
    from slipway.scan.images import Wanted
    from slipway.scan.policy.model import Judged
    from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask ECR (`targets`) and what it answered before (`files`).

    `image` is where the one image can be read (`inventory.FORMS`), `release` what it is of when it does not say so. `wait` is
    how long to wait for a scan that is under way, in seconds; `region` and `role` are empty for what AWS is set up with.
    """

    targets: tuple[Target, ...] = ()
    files: tuple[Path, ...] = ()
    image: str = ""
    release: System = System()
    region: str = ""
    role: str = ""
    wait: float = 600.0


def scan_ecr(
    question: Question, wanted: Wanted, settings: Settings, reporter: Reporter, *, now: float
) -> Iterator[Judged]:
    """Each image as soon as ECR has answered; `now` is in seconds since 1970.

    One of which ECR says nothing is a scan with nothing in it but the reason, so that it cannot pass. Errors: as of `Ecr` and
    `ecr.pages`, and those of `take` for `image`.
    """
    inventory = None
    saved = ecr.answers([page for path in question.files for page in ecr.pages(path)])
    if question.image:
        from slipway.scan.inventory import take

        if len(saved) + len(question.targets) > 1:
            raise UsageError("--image is for one image", hint="ask about one at a time")
        inventory = take(question.image, settings, reporter, platform=wanted.platform)
    for found, region in _answers(question, saved, settings, reporter):
        if isinstance(found, ecr.Answer):
            with AdvisoryStore.of(settings) as store:
                scan = ecrscan.scan(
                    found, inventory, question.release, store, settings, reporter, region=region, now=now
                )
        else:
            scan = replace(found, time=stamp(now))
        done = judged(
            first_seen(scan, settings, reporter, kept=wanted.history),
            policy=wanted.policy,
            now=now,
            vex=wanted.statements,
            approved=wanted.approved,
        )
        if wanted.history and isinstance(found, ecr.Answer):
            keep(done, settings, reporter)
        yield done


def _answers(
    question: Question, saved: tuple[ecr.Answer, ...], settings: Settings, reporter: Reporter
) -> Iterator[tuple[ecr.Answer | Scan, str]]:
    """Each with its region; a scan where ECR did not answer."""
    for answer in saved:
        yield answer, question.region
    if not question.targets:
        return
    from slipway.scan.adapters.ecrclient import Ecr

    client = Ecr(settings, reporter, region=question.region, role=question.role or settings.aws_role)
    for target in question.targets:
        yield _asked(client, target, question, reporter)


def _asked(
    client: Ecr, target: Target, question: Question, reporter: Reporter
) -> tuple[ecr.Answer | Scan, str]:
    try:
        (answer,) = ecr.answers(client.findings(target, wait=question.wait))
        return answer, client.region(target)
    except FetchError as error:
        reporter.warn(f"{target}: {error.brief}" + (f" ({error.hint})" if error.hint else ""))
        return Scan(Inventory(target.name), problems=(error.brief,)), ""
