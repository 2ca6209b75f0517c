"""Images, one after the other: taken apart, matched, joined with what others found, excused, judged, and kept in mind.

An image that cannot be read is a scan as well, with nothing in it but the reason: so it cannot hide what is wrong with
others, nor pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError, UsageError
from slipway.scan.advisories.needed import needed
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.advisories.update import update
from slipway.scan.history.keep import first_seen, keep
from slipway.scan.inventory import take
from slipway.scan.inventory.words import as_text
from slipway.scan.match import scan
from slipway.scan.model import Inventory, Scan
from slipway.scan.policy.api import judged
from slipway.scan.times import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.adapters.tools import Tool
    from slipway.scan.policy.model import Judged, Policy, Statement
    from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to scan. `imports` are reports of other scanners, `tool` is one to run, `approved` the scan of the last release."""

    policy: Policy | None = None
    statements: tuple[Statement, ...] = ()
    approved: Scan | None = None
    imports: tuple[Path, ...] = ()
    tool: Tool | None = None
    platform: str = ""
    update: bool = False
    history: bool = True


@dataclass(slots=True)
class _Run:
    """What is the same for all images. `updated` are the feeds that were asked for already."""

    wanted: Wanted
    settings: Settings
    reporter: Reporter
    now: float
    updated: set[str] = field(default_factory=set)


def scan_images(
    images: Sequence[str], wanted: Wanted, settings: Settings, reporter: Reporter, *, now: float
) -> Iterator[Judged]:
    """Each image (`inventory.FORMS`) as soon as it is done, in their order; `now` is in seconds since 1970.

    Raised is what is wrong whatever the image: a report to import that cannot be read, a tool or store that fails.
    """
    run = _Run(wanted, settings, reporter, now)
    for image in images:
        yield _image(image, run)


def advice(scan: Scan) -> tuple[str, ...]:
    """The feeds to bring up to date, for a scan that is not complete to become so."""
    used = {feed.name for feed in scan.feeds}
    told = " ".join(scan.problems)
    old = {name for name in used if f"advisories of {name} " in told}
    return tuple(name for name in needed(scan.inventory) if name not in used or name in old)


def _image(image: str, run: _Run) -> Judged:
    try:
        inventory = take(image, run.settings, run.reporter, platform=run.wanted.platform)
    except SlipwayError as error:
        # what a daemon or a registry says for itself is in the details
        why = ": ".join((error.brief, *error.details.splitlines()[:1]))
        run.reporter.warn(f"{image}: {why}" + (f" ({error.hint})" if error.hint else ""))
        missing = Scan(
            Inventory(as_text(image), platform=run.wanted.platform),
            problems=(f"the image cannot be read: {why}",),
            time=stamp(run.now),
        )
        return judged(missing, policy=run.wanted.policy, now=run.now)
    problems = _updated(inventory, run) if run.wanted.update else ()
    with AdvisoryStore.of(run.settings) as store:
        found = scan(inventory, store, run.settings, run.reporter, now=run.now)
    found = _joined(replace(found, problems=(*found.problems, *problems)), image, run)
    found = first_seen(found, run.settings, run.reporter, kept=run.wanted.history)
    done = judged(
        found, policy=run.wanted.policy, now=run.now, vex=run.wanted.statements, approved=run.wanted.approved
    )
    if run.wanted.history:
        keep(done, run.settings, run.reporter)
    return done


def _updated(inventory: Inventory, run: _Run) -> tuple[str, ...]:
    """Bring up to date what the image needs; what could not be is a problem, as who asks for it does not want old data."""
    feeds = [feed for feed in needed(inventory) if feed not in run.updated]
    run.updated.update(feeds)
    if not feeds:
        return ()
    try:
        update(feeds, run.settings, run.reporter, now=run.now)
    except SlipwayError as error:
        lines = error.details.splitlines() or [error.brief]
        return tuple(f"advisories could not be brought up to date: {line}" for line in lines)
    return ()


def _joined(found: Scan, image: str, run: _Run) -> Scan:
    """With what other scanners say."""
    tool = run.wanted.tool
    if not (run.wanted.imports or tool):
        return found
    from slipway.scan.adapters import findings, joined
    from slipway.scan.adapters.tools import run as run_tool

    reports = [(str(path), findings(path)) for path in run.wanted.imports]
    if tool:
        try:
            imported = run_tool(
                tool,
                image,
                run.settings,
                run.reporter,
                platform=run.wanted.platform,
                update=run.wanted.update,
            )
            reports.append((tool, imported))
        except UsageError as error:
            problem = f"{tool} could not look at it: {error.brief}"
            found = replace(found, problems=(*found.problems, problem))
    return joined(found, reports, run.reporter)
