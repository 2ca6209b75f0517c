"""A table over many images: how much is open in each, by level; and whether that can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from slipway.errors import StoreError, UsageError
from slipway.oci.reader import manifests, read_image
from slipway.scan.history.model import NONE, Levels
from slipway.scan.history.tally import numbers
from slipway.scan.imagename import full

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.oci.store import Store
    from slipway.scan.history.saved import Saved
    from slipway.scan.model import Level, Scan
    from slipway.scan.policy.model import Outcome

BASE: Final = "org.opencontainers.image.base.name"  # image-spec: annotations.md


@dataclass(frozen=True, slots=True)
class Row:
    """One image. `stale`: the image that has the name now is another than the one that was scanned.

    `base` is the image it was made from, as it says itself, or else its system; empty: it does not say. `problems` are
    why a scan is incomplete: then `counts` are the least that is there.
    """

    image: str
    base: str
    counts: Levels
    scan: Scan
    headers: int = 0
    complete: bool = True
    stale: bool = False
    problems: tuple[str, ...] = ()
    digest: str = ""
    platform: str = ""
    time: str = ""
    where: str = ""
    others: tuple[tuple[str, int], ...] = ()

    @property
    def sure(self) -> bool:
        return self.complete and not self.stale


@dataclass(frozen=True, slots=True)
class Summary:
    """Rows by name; `replaced` are older reports about an image that is in them, and are not counted."""

    rows: tuple[Row, ...]
    replaced: tuple[Row, ...] = ()

    @property
    def totals(self) -> Levels:
        return total(row.counts for row in self.rows)

    @property
    def sure(self) -> bool:
        return all(row.sure for row in self.rows)


def summarize(saved: Sequence[Saved], store: Store, *, fixable_only: bool = False) -> Summary:
    """A row for each image and platform; of several scans of one the last counts."""
    last: dict[tuple[str, str], Row] = {}
    replaced: list[Row] = []
    for row in sorted((_row(each, store, fixable_only=fixable_only) for each in saved), key=lambda r: r.time):
        key = full(row.image), row.platform
        if earlier := last.get(key):
            replaced.append(earlier)
        last[key] = row
    return Summary(tuple(last[key] for key in sorted(last)), tuple(replaced))


def outcome(summary: Summary, level: Level, *, fixable_only: bool = False, now: float) -> Outcome:
    """What a policy of that one level says of all together: `unknown` also when a report is stale, or there is none at all."""
    from slipway.scan.policy.judge import judge
    from slipway.scan.policy.simple import simple

    policy = simple(level, fixable_only=fixable_only)
    found = {judge(row.scan, policy, now=now).outcome for row in summary.rows if not row.stale}
    if "fail" in found:
        return "fail"
    return "pass" if found == {"pass"} and summary.sure else "unknown"


def total(counts: Iterable[Levels]) -> Levels:
    return tuple(map(sum, zip(NONE, *counts, strict=True)))


def _row(saved: Saved, store: Store, *, fixable_only: bool) -> Row:
    scan = saved.scan
    inventory = scan.inventory
    counted = numbers(scan)
    here, base = _here(inventory.name, inventory.digest, store)
    return Row(
        inventory.name,
        dict(inventory.labels).get(BASE) or base or inventory.system.name or inventory.system.distro,
        counted.fixable_open if fixable_only else counted.open,
        scan,
        counted.headers,
        scan.complete,
        bool(here and saved.digests and not here & {*saved.digests}),
        (*scan.problems, *(f"not read: {text}" for text in inventory.unread)),
        inventory.digest or next(iter(saved.digests), ""),
        inventory.platform,
        scan.time,
        saved.where,
        saved.others,
    )


def _here(name: str, digest: str, store: Store) -> tuple[set[str], str]:
    """All digests of the image that has the name in the store now, and the base of the one with `digest`, if it is told.

    Of its index, manifests and configurations: by any of them a report may name it.
    """
    base = ""
    try:
        image = store.find(name)
        if image.name not in (name, f"{name}:latest"):
            return set(), ""  # a digest does not move
        found = {str(image.digest)}
        for manifest in manifests(store, image):
            opened = read_image(store, manifest)
            found |= {manifest.digest, opened.config_blob.digest}
            if manifest.digest == digest:
                base = opened.annotations.get(BASE, "")
    except (UsageError, StoreError):
        return set(), ""
    return found, base
