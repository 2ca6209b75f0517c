"""ECR's answer about an image as a scan, with what the distribution says of each finding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.scan.adapters import ecrlabels, ecrstatus
from slipway.scan.adapters.ecrplace import Placement
from slipway.scan.adapters.ecrtarget import Target
from slipway.scan.merge import together
from slipway.scan.model import Inventory, Scan, System, Uncovered
from slipway.scan.times import seconds, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.events import Reporter
    from slipway.scan.adapters.ecr import Answer
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import Component
    from slipway.settings import Settings

_DAY: Final = 86400
_SYSTEM: Final = ("deb", "apk", "rpm")
_ENHANCED: Final = (*_SYSTEM, "pypi", "npm")


def scan(
    answer: Answer,
    inventory: Inventory | None,
    release: System,
    store: AdvisoryStore,
    settings: Settings,
    reporter: Reporter,
    *,
    region: str = "",
    now: float,
) -> Scan:
    """`inventory` is that of the very image, where it can be read: then its own release counts, and `release` if it tells none.

    `now` is in Unix seconds. No network is used.
    """
    system = next(
        (s for s in (inventory.system if inventory else System(), release, answer.system) if s.id), System()
    )
    about = _inventory(answer, inventory, system, region)
    placement = Placement(inventory, system)
    source = " ".join(word for word in (answer.feed.name, answer.feed.version, answer.feed.date[:10]) if word)
    placed = [replace(placement.place(finding), provenance=(source,)) for finding in answer.findings]
    findings = together(ecrstatus.join(placed, about, store, settings, now=now), system)
    if not system.id and findings:
        reporter.warn(
            f"{about.name}: of which release it is, is not known, so neither is what the distribution says"
            " (give --image or --release)"
        )
    own = [finding for finding in placed if finding.component.kind in _SYSTEM]
    if inventory and (strange := sum(not placement.knows(finding) for finding in own)):
        reporter.warn(f"{about.name}: {strange} findings are in packages that are not in {inventory.name}")
    spoken = {name.partition(" ")[0] for finding in findings for name in finding.provenance}
    feeds = (answer.feed, *(feed for feed in store.feeds() if feed.name in spoken))
    return Scan(
        about,
        findings,
        (),
        tuple(_uncovered(about.components, answer)),
        feeds,
        (*answer.problems, *_old(answer, settings, now)),
        answer.completed or stamp(now),
    )


def _inventory(answer: Answer, inventory: Inventory | None, system: System, region: str) -> Inventory:
    target = Target(
        answer.repository, answer.tag, "" if answer.tag else answer.digest, answer.registry, region
    )
    said = {
        ecrlabels.REGISTRY: answer.registry,
        ecrlabels.STATUS: answer.status,
        ecrlabels.DESCRIPTION: answer.description,
    }
    found = inventory or Inventory("")
    return replace(
        found,
        name=target.name,
        digest=answer.digest or found.digest,
        system=system,
        labels=tuple(sorted({**dict(found.labels), **{k: v for k, v in said.items() if v}}.items())),
    )


def _uncovered(components: Iterable[Component], answer: Answer) -> Iterable[Uncovered]:
    """What ECR does not look at."""
    kinds = _ENHANCED if answer.enhanced else _SYSTEM
    mode = "enhanced" if answer.enhanced else "basic"
    for component in components:
        if component.kind not in kinds and not component.owner:
            yield Uncovered(component, f"ECR's {mode} scanning does not look at {component.kind} packages")


def _old(answer: Answer, settings: Settings, now: float) -> Iterable[str]:
    """As with advisories: what was found long ago says nothing of what has become known since."""
    if not settings.advisories_max_age or answer.problems:
        return
    if not answer.feed.date:
        yield "ECR does not say how old its findings are"
        return
    days = int((now - seconds(answer.feed.date)) // _DAY)
    if days > settings.advisories_max_age:
        yield f"ECR's findings are {days} days old"
