"""Inventories against suites: what dpkg and APT would say of each package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.scan.advisories.needed import needed
from slipway.scan.model import System
from tests.scan.advisories.debian.kit import (
    BOOKWORM,
    DAY,
    NOW,
    Mirror,
    Package,
    bring,
    deb,
    entry,
    look,
    settings_in,
)
from tests.scan.advisories.kit import component, inventory

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.settings import Settings

KERNEL = (
    entry("linux", "6.1.9-1", "CVE-2026-2002")
    + entry("linux", "6.1.8-1", "CVE-2026-2001")
    + entry("linux", "6.1.7-1")
)
SHORT = entry("curl", "7.9-1+deb12u3", "CVE-2026-3003") + entry("curl", "7.9-1+deb12u2", "CVE-2026-3002")
ENDED = b"lxd 5.0-1 2026-06-12 too complex\nlater 1 2027-01-01 not yet\n"
RELEASES = b"version,codename,series,created,release,eol,eol-lts\n12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2026-12-01\n"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    path: Path = tmp_path_factory.mktemp("suites")
    mirror = Mirror(path / "mirror")
    folder = "usr/share/debian-security-support"
    mirror.publish(
        "bookworm",
        Package("base-files", "12.4"),
        Package("bash", "5.2-1+b2", "bash (5.2-1)"),
        Package("perl-base", "5:5.36-1"),
        Package("both", "1-1+deb12u1", changelog=entry("both", "1-1+deb12u1")),
        Package("lxd", "5.0-1"),
        Package("later", "1"),
        Package("binutils", "2.40-1"),
        Package(
            "debian-security-support",
            "1:12",
            "debian-security-support",
            "all",
            files={
                f"{folder}/security-support-ended.deb12": ENDED,
                f"{folder}/security-support-limited": b"binut.* Trusted only\n",
            },
        ),
        Package("distro-info-data", "0.5", files={"usr/share/distro-info/debian.csv": RELEASES}),
    )
    mirror.publish(
        "bookworm-updates",
        Package("tzdata", "2026b-0+deb12u1", arch="all", changelog=entry("tzdata", "2026b-0+deb12u1")),
    )
    mirror.publish(
        "bookworm-security",
        Package("both", "1-1+deb12u1", changelog=entry("both", "1-1+deb12u1")),
        Package("golang-tool", "1-1+b7", "golang-tool (1-1)", changelog=entry("golang-tool", "1-1", "CVE-2020-1111")),
        Package("curl", "7.9-1+deb12u3", changelog=SHORT),
        Package("linux-libc-dev", "6.1.9-1", "linux", changelog=KERNEL),
        Package("linux-image-6.1.0-8", "6.1.8-1", "linux", changelog=KERNEL),
        Package("linux-image-6.1.0-9", "6.1.9-1", "linux", changelog=KERNEL),
    )  # fmt: skip
    made = settings_in(path)
    bring(made, mirror)
    return made


@pytest.mark.parametrize(
    ("name", "version", "available"),
    [
        ("bash", "5.2-1+b2", ""),
        ("bash", "5.2-1", "5.2-1+b2"),  # built again
        ("bash", "5.2-1+b10", None),  # newer than in the suites
        ("perl-base", "5:5.36-1", ""),
        ("perl-base", "9.99-1", "5:5.36-1"),  # epochs
        ("perl-base", "6:1-1", None),
        ("tzdata", "2026a-0+deb12u1", "2026b-0+deb12u1"),
        ("tzdata", "2026b-0+deb12u1~bpo12+1", "2026b-0+deb12u1"),
        ("curl", "7.9-1+deb12u3~bpo11+1", "7.9-1+deb12u3"),
        ("curl", "8.0-1~bpo12+1", None),
        ("nodejs", "20.1-1nodesource1", None),
        ("bash-static", "5.2-1", None),
    ],
)
def test_versions(settings: Settings, name: str, version: str, available: str | None) -> None:
    """`available` is what is newer, empty when nothing is, None for what is from elsewhere."""
    scan = look(settings, deb(name, version))
    assert [o.available for o in scan.outdated] == ([available] if available else [])
    elsewhere = available is None or "~bpo" in version
    assert [u.component.name for u in scan.uncovered] == ([name] if elsewhere else [])
    assert not scan.problems


def test_why_it_is_not_covered(settings: Settings) -> None:
    scan = look(settings, deb("bash", "6-1"), deb("nodejs", "20-1"))
    assert [u.why for u in scan.uncovered] == [
        "it is newer than in the suites of bookworm (5.2-1+b2 on 2026-11-20)",
        "it is not in the suites of bookworm",
    ]


def test_of_two_suites_with_the_same_that_of_security_counts(settings: Settings) -> None:
    outdated = look(settings, deb("both", "1-1")).outdated
    assert [(o.suite, o.security) for o in outdated] == [("bookworm-security", True)]
    assert [(o.suite, o.security) for o in look(settings, deb("bash", "5.2-1")).outdated] == [
        ("bookworm", False)
    ]


def test_built_again_says_nothing_of_cves(settings: Settings) -> None:
    scan = look(settings, deb("golang-tool", "1-1+b6", "golang-tool", "1-1"))
    assert [(o.ids, o.completeness) for o in scan.outdated] == [((), "none")]
    assert not scan.findings


def test_a_changelog_that_is_cut_short(settings: Settings) -> None:
    scan = look(settings, deb("curl", "7.9-1"))
    assert [(f.id, f.completeness) for f in scan.findings] == [
        ("CVE-2026-3002", "truncated"),
        ("CVE-2026-3003", "truncated"),
    ]
    assert [o.completeness for o in scan.outdated] == ["truncated"]


def test_headers(settings: Settings) -> None:
    findings = look(settings, deb("linux-libc-dev", "6.1.7-1", "linux")).findings
    assert [(f.id, f.class_, f.fixed) for f in findings] == [
        ("CVE-2026-2001", "headers", ("6.1.9-1",)),
        ("CVE-2026-2002", "headers", ("6.1.9-1",)),
    ]


def test_what_only_another_package_repairs(settings: Settings) -> None:
    """A kernel has its own package for each version: APT has nothing newer for it, and yet it is not well."""
    scan = look(settings, deb("linux-image-6.1.0-8", "6.1.7-1", "linux"))
    assert [(f.id, f.fixed) for f in scan.findings] == [
        ("CVE-2026-2001", ("6.1.8-1",)),
        ("CVE-2026-2002", ()),
    ]
    assert [(o.available, o.ids) for o in scan.outdated] == [("6.1.8-1", ("CVE-2026-2001",))]
    scan = look(settings, deb("linux-image-6.1.0-8", "6.1.8-1", "linux"))
    assert [(f.id, f.fixed, f.fix_state) for f in scan.findings] == [("CVE-2026-2002", (), "not-fixed")]
    assert not scan.outdated


def test_no_security_support(settings: Settings) -> None:
    scan = look(settings, deb("lxd", "5.0-1"), deb("later", "1"), deb("binutils", "2.40-1"))
    assert [(f.id, f.status, f.title, f.description) for f in scan.findings] == [
        (
            "LIMITED-SUPPORT-binutils",
            "no_support",
            "binutils has only limited security support",
            "Trusted only",
        ),
        ("NO-SUPPORT-lxd", "no_support", "lxd has no security support since 2026-06-12", "too complex"),
    ]


def test_the_end_of_the_release(settings: Settings) -> None:
    late = NOW + 11 * DAY
    base = deb("base-files", "12.4")
    assert not look(settings, base).findings
    ended = look(settings.with_(advisories_max_age=0), base, now=late)
    assert [(f.id, f.status) for f in ended.findings] == [("END-OF-LIFE-debian-bookworm", "no_support")]
    without = look(settings.with_(advisories_max_age=0), deb("bash", "5.2-1+b2"), now=late)
    assert without.problems == ("Debian GNU/Linux 12 (bookworm) gets no security updates since 2026-12-01",)


def test_old_indexes_are_a_problem(settings: Settings) -> None:
    scan = look(settings, deb("bash", "5.2-1+b2"), now=NOW + 9 * DAY)
    assert scan.problems == ("the indexes of suites:bookworm are 10 days old",)


def test_systems_that_are_others(settings: Settings) -> None:
    for system in (System("debian", "13", "trixie"), System("kali", "12", "bookworm"), System()):
        scan = look(settings, deb("bash", "5.2-1"), system=system)
        assert len(scan.uncovered) == 1
        assert not scan.feeds
    assert look(settings, deb("bash", "5.2-1"), system=System("debian", "12")).outdated


def test_packages_without_machine_code_are_asked_for_with_the_others(settings: Settings) -> None:
    tzdata = deb("tzdata", "2025a-0+deb12u1", arch="all")
    assert look(settings, tzdata).outdated
    arm = [deb(name, "1", arch="arm64") for name in ("bash", "curl")]
    assert not look(settings, tzdata, *arm, deb("lxd", "5.0-1")).outdated


def test_what_another_package_brought_is_left_to_it(settings: Settings) -> None:
    owned = deb("bash", "5.2-1", owner="pkg:deb/debian/other@1")
    assert not look(settings, owned).outdated


def test_which_feeds_are_needed() -> None:
    debs = (deb("a", "1"), deb("b", "1", arch="all"))
    others = (component("pypi", "a", "1"), component("npm", "b", "1"), component("conda", "c", "1"))
    assert needed(inventory(*debs, *others)) == ("osv:PyPI", "osv:npm", "suites:bookworm")
    arm = tuple(deb(name, "1", arch="arm64") for name in "ab")
    jammy = System("ubuntu", "22.04", "jammy")
    assert needed(inventory(*arm, deb("c", "1", arch="armhf"), system=jammy)) == (
        "suites:jammy/arm64",
        "suites:jammy/armhf",
    )
    assert needed(inventory(deb("a", "1"), system=System("debian", "12"))) == ("suites:bookworm",)
    alpine = System("alpine", "3.20.1")
    assert needed(inventory(component("apk", "a", "1"), system=alpine)) == ("osv:Alpine",)
    assert needed(inventory(component("pypi", "a", "1", owner="x"), system=BOOKWORM)) == ()
