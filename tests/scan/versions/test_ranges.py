"""Which versions an advisory means, and by which names it is found."""

from __future__ import annotations

import pytest

from slipway.scan.model import Affected, Component, Range, System
from slipway.scan.versions import IncomparableError, affected, ecosystems, fixes, lookups


def pypi(*ranges: Range, versions: tuple[str, ...] = ()) -> Affected:
    return Affected("PyPI", "thing", ranges, versions)


@pytest.mark.parametrize(
    ("entry", "version", "expected"),
    [
        (pypi(Range(fixed="2.0")), "1.9", True),
        (pypi(Range(fixed="2.0")), "2.0", False),
        (pypi(Range(fixed="2.0")), "2.0.0rc1", True),
        (pypi(Range("1.0", last_affected="1.5")), "1.5", True),
        (pypi(Range("1.0", last_affected="1.5")), "1.5.1", False),
        (pypi(Range("1.0", "1.2"), Range("3.0", "3.2")), "2.0", False),
        (pypi(Range("1.0", "1.2"), Range("3.0", "3.2")), "3.1", True),
        (pypi(Range("1.0")), "99", True),
        (pypi(Range("2.0", "2.0")), "2.0", False),
        (pypi(Range(fixed="2.0"), versions=("2.0.1",)), "2.0.1", True),  # the list counts first
        (pypi(versions=("1.0", "2004d")), "1.0.0", True),  # another spelling
        (pypi(versions=("1.0", "2004d")), "2004d", True),
        (pypi(versions=("1.0",)), "2004d", False),
        (pypi(), "1.0", False),  # says that it is not affected
        (Affected("Debian:12", "x", (Range(fixed="1.0-1+deb12u1"),)), "1.0-1", True),
        (Affected("Debian:12", "x", (Range(),)), "1.0-1", True),
        (Affected("Rocky Linux:9", "x", (Range(fixed="0:1.0-5.el9"),)), "1.0-12.el9", False),
        (Affected("Alpine:v3.20", "x", (Range(fixed="1.36.1-r29"),)), "1.36.1-r5", True),
    ],
)  # fmt: skip
def test_affected(entry: Affected, version: str, expected: bool) -> None:
    assert affected(entry, version) is expected


def test_nobody_can_tell() -> None:
    with pytest.raises(IncomparableError, match="2004d"):
        affected(pypi(Range(fixed="2005")), "2004d")
    with pytest.raises(IncomparableError):
        affected(Affected("Maven", "a:b", (Range(fixed="2"),)), "1")
    # another range is sure of it
    assert affected(pypi(Range(fixed="year-two"), Range("1.0", "2.0")), "1.5")


def test_fixes() -> None:
    both = pypi(Range("1.0", "1.2"), Range("3.0", "3.10"), Range("3.0", "3.9"))
    assert fixes(both, "1.1") == ("1.2",)
    assert fixes(both, "3.1") == ("3.9", "3.10")
    assert fixes(both, "2.0") == ("3.9", "3.10")  # listed, in no range
    assert fixes(pypi(Range("1.0", last_affected="2")), "1.5") == ()
    assert fixes(pypi(Range("1.0", "1.2")), "2004d") == ("1.2",)


def component(kind: str = "deb", version: str = "1.0") -> Component:
    return Component(kind, "thing", version, "pkg:x", "source", "2.0")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "system", "expected"),
    [
        ("pypi", System(), ("PyPI",)),
        ("npm", System("debian", "12"), ("npm",)),
        ("deb", System("debian", "12", "bookworm"), ("Debian:12",)),
        ("deb", System("debian", "", "forky"), ("Debian:14",)),
        ("deb", System("debian"), ()),
        ("deb", System("ubuntu", "22.04", "jammy"), ("Ubuntu:22.04:LTS",)),
        ("deb", System("ubuntu", "23.10"), ("Ubuntu:23.10",)),
        ("deb", System("ubuntu", "23.04"), ("Ubuntu:23.04",)),
        ("deb", System("linuxmint", "21"), ()),
        ("apk", System("alpine", "3.20.1"), ("Alpine:v3.20",)),
        ("apk", System("alpine", "3.21_alpha20240807"), ()),
        ("apk", System("wolfi", "20230201"), ("Wolfi",)),
        ("apk", System("debian", "12"), ()),
        ("rpm", System("rocky", "9.3"), ("Rocky Linux:9",)),
        ("rpm", System("almalinux", "8.10"), ("AlmaLinux:8",)),
        ("rpm", System("fedora", "40"), ()),
        ("rpm", System("opensuse-leap", "15.6", "", "openSUSE Leap 15.6"), ("openSUSE:Leap 15.6",)),
        ("rpm", System("photon", "5.0"), ("Photon OS:5.0",)),
        ("conda", System("debian", "12"), ()),
        ("generic", System("debian", "12"), ()),
    ],
)  # fmt: skip
def test_ecosystems(kind: str, system: System, expected: tuple[str, ...]) -> None:
    assert ecosystems(component(kind), system) == expected


def test_ecosystems_with_several_streams() -> None:
    assert "Red Hat:enterprise_linux:9::appstream" in ecosystems(component("rpm"), System("rhel", "9.4"))
    suse = System("sles", "15.5", "", "SUSE Linux Enterprise Server 15 SP5")
    found = ecosystems(component("rpm"), suse)
    assert found[:2] == (
        "SUSE:Linux Enterprise Server 15 SP5",
        "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
    )
    esm = component(version="1.0-1ubuntu1+esm2")
    assert ecosystems(esm, System("ubuntu", "18.04")) == ("Ubuntu:Pro:18.04:LTS", "Ubuntu:18.04:LTS")


def test_lookups() -> None:
    """Debian's advisories know sources, Red Hat's both; the epoch of a binary is that of its source."""
    assert lookups(component(), System("debian", "12")) == (("Debian:12", "source", "2.0"),)
    assert lookups(component("rpm", "1:1.0-1"), System("almalinux", "9")) == (
        ("AlmaLinux:9", "thing", "1:1.0-1"),
        ("AlmaLinux:9", "source", "1:2.0"),
    )
    assert lookups(Component("pypi", "thing", "1.0", ""), System()) == (("PyPI", "thing", "1.0"),)
    assert lookups(Component("deb", "thing", "1.0", ""), System("debian", "12")) == (
        ("Debian:12", "thing", "1.0"),
    )
