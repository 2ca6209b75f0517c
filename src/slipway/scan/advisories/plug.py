"""What a feed is to the rest: a kind from this table, brought up to date and, if it keeps tables of its own, matched by its own code.

A kind is a module. A feed's name is that of its kind, or `KIND:LABEL` where there can be several (`osv:PyPI`).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import Component, Feed, Finding, Inventory, Kind, Outdated, Uncovered
    from slipway.settings import Settings

# The modules by the kind's name, with what they know, for people. Imported when they are needed.
KINDS: Final = {
    "osv": (
        "slipway.scan.advisories.osvfeed",
        "OSV advisories, by ecosystem: osv:PyPI, osv:npm, osv:Alpine, ...",
    ),
    "suites": (
        "slipway.scan.advisories.debian.feed",
        "what is newer in the suites of a release, and the CVEs it repairs: suites:bookworm, suites:jammy/arm64, ...",
    ),
    "ubuntu": ("slipway.scan.advisories.ubuntu", "Ubuntu's status of every CVE in its packages"),
    "debian-tracker": (
        "slipway.scan.advisories.debiantracker",
        "Debian's status of every CVE in its packages",
    ),
}
# Those that match by themselves: for which kinds of components they are to be asked.
MATCHING: Final[dict[str, frozenset[Kind]]] = {"suites": frozenset({"deb"})}


@dataclass(frozen=True, slots=True)
class Ask:
    """What to bring up to date: `feed` by its full name; `source` is a path or an address (empty: the kind's own place).

    `now` is in seconds since 1970.
    """

    feed: str
    source: str = ""
    now: float = 0.0

    @property
    def label(self) -> str:
        return self.feed.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Change:
    """What an update did to a feed, in advisories."""

    feed: Feed
    total: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Matched:
    """What a kind knows of an inventory by itself.

    `covered` are the components of which it can tell whether they are well. `foreign` are those of which it knows that they
    come from elsewhere, so that no feed of the distribution speaks of them. All others are left to other feeds.
    """

    findings: tuple[Finding, ...] = ()
    outdated: tuple[Outdated, ...] = ()
    covered: frozenset[Component] = frozenset()
    foreign: tuple[Uncovered, ...] = ()
    feeds: tuple[Feed, ...] = ()
    problems: tuple[str, ...] = ()


class FeedKind(Protocol):
    """`update` replaces the feed in one transaction (`AdvisoryStore.put`, or `AdvisoryStore.writing` for own tables).

    Downloading and reading come before that: others wait for the transaction.
    """

    def update(
        self, store: AdvisoryStore, ask: Ask, settings: Settings, reporter: Reporter
    ) -> tuple[Change, ...]: ...


class MatchingKind(FeedKind, Protocol):
    """`now` is in seconds since 1970. Without data for the inventory's system it returns an empty `Matched`."""

    def match(
        self, inventory: Inventory, store: AdvisoryStore, settings: Settings, *, now: float
    ) -> Matched: ...


def kind(feed: str) -> FeedKind:
    """The kind of a feed by its full name; `UsageError` when there is none."""
    name = feed.partition(":")[0]
    if name not in KINDS:
        raise UsageError(f"there is no feed {feed!r}", hint=f"known: {', '.join(KINDS)}")
    return cast("FeedKind", import_module(KINDS[name][0]))


def matching(kinds: set[Kind]) -> list[MatchingKind]:
    """Those that are to be asked about components of these kinds."""
    wanted = (name for name, known in MATCHING.items() if known & kinds)
    return [cast("MatchingKind", import_module(KINDS[name][0])) for name in wanted]
