"""Inventories against advisories: what is found, in which words, and of what nothing can be said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.events import Reporter
from slipway.scan import match
from slipway.scan.advisories import plug
from slipway.scan.advisories.plug import Matched
from slipway.scan.model import Feed, Finding, Inventory, Level, Outdated, Scan, System, Uncovered
from tests.scan.advisories.kit import (
    BOOKWORM,
    JINJA,
    JINJA_PYSEC,
    LINUX,
    LODASH,
    NOW,
    OPENSSL,
    OPENSSL_DSA,
    archive,
    bring,
    component,
    inventory,
    package,
    record,
    settings_in,
    store,
)

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.scan.model import Component
    from slipway.settings import Settings

OLD = component("deb", "libssl3", "3.0.8-1", source_name="openssl", source_version="3.0.8-1", arch="amd64")
NEW = component("deb", "openssl", "3.0.9-1", source_name="openssl", source_version="3.0.9-1")
HEADERS = component("deb", "linux-libc-dev", "6.1.69-1", source_name="linux", source_version="6.1.69-1")
WHEEL = component("pypi", "jinja2", "3.1.3", path="usr/lib/python3/site-packages/jinja2.dist-info/METADATA")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_in(tmp_path)
    for feed, items in {
        "osv:PyPI": [JINJA, JINJA_PYSEC],
        "osv:npm": [LODASH],
        "osv:Debian": [OPENSSL, OPENSSL_DSA, LINUX],
    }.items():
        bring(found, feed, archive(tmp_path / "all.zip", items))
    return found


def look(settings: Settings, target: Inventory, now: float = NOW) -> Scan:
    with store(settings) as opened:
        return match.scan(target, opened, settings, Reporter(), now=now)


def ids(scan: Scan) -> list[tuple[str, str]]:
    return [(finding.component.name, finding.id) for finding in scan.findings]


def test_by_source_package(settings: Settings) -> None:
    scan = look(settings, inventory(OLD, NEW))
    assert ids(scan) == [("libssl3", "CVE-2023-0464"), ("libssl3", "CVE-2023-0465")]
    first, second = scan.findings
    assert first.aliases == ("DEBIAN-CVE-2023-0464", "DSA-5417-1")
    assert second.aliases == ("DSA-5417-1",)
    assert (first.status, first.fixed, first.fix_state, first.fixable) == (
        "affected",
        ("3.0.9-1",),
        "fixed",
        True,
    )
    assert (first.severity.level, first.severity.origin, first.severity.original) == (
        Level.LOW,
        "debian",
        "low**",
    )
    assert first.provenance == ("osv:Debian 2026-11-20",)
    assert scan.feeds == (Feed("osv:Debian", "", "2026-11-20T12:00:00Z"),)
    assert (scan.complete, scan.uncovered, scan.time) == (True, (), "2026-11-21T08:00:00Z")


def test_one_weakness_in_two_databases(settings: Settings) -> None:
    scan = look(settings, inventory(WHEEL, component("pypi", "jinja2", "3.1.4")))
    (found,) = scan.findings
    assert (found.id, found.aliases) == ("CVE-2024-34064", (JINJA["id"], JINJA_PYSEC["id"]))
    assert (found.component, found.fixed) == (WHEEL, ("3.1.4",))
    assert (found.severity.level, found.severity.origin, found.title) == (
        Level.MEDIUM,
        "github",
        "attribute names with special characters",
    )


def test_what_a_package_brought_is_left_to_it(settings: Settings) -> None:
    """Distributions repair without raising the version that a wheel's metadata tell."""
    scan = look(settings, inventory(replace(WHEEL, owner="pkg:deb/debian/python3-jinja2@3.1.2-1+deb12u1")))
    assert (scan.findings, scan.uncovered) == ((), ())


def test_headers_are_classed_apart(settings: Settings) -> None:
    (found,) = look(settings, inventory(HEADERS)).findings
    assert (found.id, found.class_) == ("CVE-2024-1086", "headers")
    assert look(settings, inventory(replace(HEADERS, name="linux-image-amd64"))).findings[0].class_ == ""


def test_the_same_package_in_two_places(settings: Settings) -> None:
    scan = look(settings, inventory(WHEEL, replace(WHEEL, path="opt/venv/jinja2.dist-info/METADATA")))
    assert [finding.component.path[:3] for finding in scan.findings] == ["opt", "usr"]


@pytest.mark.parametrize(
    ("thing", "system", "why", "problem"),
    [
        (component("conda", "numpy", "1.26"), BOOKWORM, "no feed knows conda packages", ""),
        (component("rpm", "bash", "5-1"), System("fedora", "40", "", "Fedora 40"), "the packages of Fedora 40", ""),
        (component("deb", "bash", "5-1"), System("debian", "11"), "advisories of suites:bullseye have not been fetched", "suites:bullseye"),
        (component("apk", "musl", "1-r0"), System("alpine", "3.20.1"), "of osv:Alpine have not", "osv:Alpine"),
        (component("deb", "git", "1:2.43-1~bpo12+1"), BOOKWORM, "it is a backport", ""),
        (component("pypi", "jinja2", "3.2.dev0", direct_url="git+https://example.org/j@1"), BOOKWORM, "from git+https", ""),
        (component("pypi", "jinja2", "2004d"), BOOKWORM, "'2004d' is not a version", ""),
    ],
)  # fmt: skip
def test_uncovered_is_told_with_its_reason(
    settings: Settings, thing: Component, system: System, why: str, problem: str
) -> None:
    scan = look(settings, inventory(thing, system=system))
    (uncovered,) = scan.uncovered
    assert uncovered.component == thing
    assert why in uncovered.why
    assert scan.findings == ()
    assert list(scan.problems) == ([f"the advisories of {problem} have not been fetched"] if problem else [])


def test_nothing_was_ever_fetched(tmp_path: Path) -> None:
    scan = look(settings_in(tmp_path), inventory(OLD, WHEEL))
    assert not scan.complete
    assert [u.component for u in scan.uncovered] == [OLD, WHEEL]
    assert scan.problems == (
        "the advisories of osv:PyPI have not been fetched",
        "the advisories of suites:bookworm have not been fetched",
    )


def test_old_advisories(settings: Settings) -> None:
    """Only the feeds that count, and as many days as the settings allow."""
    later = NOW + 8 * 86400
    scan = look(settings, inventory(WHEEL), later)
    assert scan.problems == ("the advisories of osv:PyPI are 8 days old",)
    assert look(settings.with_(advisories_max_age=8), inventory(WHEEL), later).complete
    assert look(settings.with_(advisories_max_age=0), inventory(WHEEL), later * 2).complete


def test_withdrawn_and_not_affected(settings: Settings, tmp_path: Path) -> None:
    gone = record("GHSA-1", package("npm", "left", {"introduced": "0"}), withdrawn="2026-01-01T00:00:00Z")
    well = record("GHSA-2", package("npm", "left"))
    bring(settings, "osv:npm", archive(tmp_path / "all.zip", [gone, well]))
    scan = look(settings, inventory(component("npm", "left", "1.0.0")))
    assert (scan.findings, scan.uncovered) == ((), ())


class Own:
    """A kind of feed that matches by itself: it knows the suites."""

    def __init__(self, matched: Matched) -> None:
        self.matched = matched

    def match(self, *_: Any, **__: Any) -> Matched:
        return self.matched


def test_a_kind_that_matches_by_itself(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it finds joins the rest; what it calls foreign is in nobody's advisories; what it covers is covered."""
    third = component("deb", "nodejs", "20.1-1nodesource1", source_name="openssl", source_version="1")
    curl = component("deb", "curl", "7.88-1")
    suite = Feed("debian-security", "", "2026-11-21T00:00:00Z")
    matched = Matched(
        (Finding("CVE-2023-0464", OLD, fixed=("3.0.11-1",), provenance=("debian-security",), completeness="truncated"),),
        (Outdated(OLD, "3.0.11-1", "bookworm-security", security=True),),
        frozenset({OLD, curl}),
        (Uncovered(third, "it is in no suite"),),
        (suite,),
        ("the index of bookworm-updates has expired",),
    )  # fmt: skip
    monkeypatch.setattr(match, "matching", lambda _: [Own(matched)])
    scan = look(settings, inventory(OLD, curl, third))
    assert ids(scan) == [("libssl3", "CVE-2023-0464"), ("libssl3", "CVE-2023-0465")]
    assert scan.findings[0].fixed == ("3.0.9-1", "3.0.11-1")
    assert scan.findings[0].provenance == ("debian-security", "osv:Debian 2026-11-20")
    assert scan.uncovered == (Uncovered(third, "it is in no suite"),)
    assert scan.outdated == matched.outdated
    assert (scan.feeds, scan.problems) == (
        (suite, Feed("osv:Debian", "", "2026-11-20T12:00:00Z")),
        matched.problems,
    )


def test_own_data_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "matching", lambda _: [Own(Matched(covered=frozenset({OLD})))])
    scan = look(settings_in(tmp_path), inventory(OLD))
    assert (scan.problems, scan.uncovered) == ((), ())


def test_kinds_that_match_are_kinds() -> None:
    for name, kinds in plug.MATCHING.items():
        assert name in plug.KINDS
        assert all(hasattr(kind, "match") for kind in plug.matching(set(kinds)))
    assert not plug.matching({"generic"})


@pytest.mark.parametrize("name", sorted(plug.KINDS))
def test_every_kind_can_be_updated(name: str) -> None:
    assert callable(plug.kind(name).update)


def test_it_depends_on_nothing_but_its_input(settings: Settings) -> None:
    target = inventory(HEADERS, OLD, NEW, WHEEL, component("npm", "lodash", "4.17.20"))
    scans = [
        look(settings, replace(target, components=c)) for c in (target.components, target.components[::-1])
    ]
    assert scans[0].findings == scans[1].findings
    assert scans[0].uncovered == scans[1].uncovered
