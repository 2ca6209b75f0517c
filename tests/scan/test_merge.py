"""What is the same weakness of the same component is said once, whoever says it."""

from __future__ import annotations

from slipway.scan.merge import merge, preferred, together
from slipway.scan.model import Finding, Level, Scan, Severity, System
from slipway.scan.severity import level_of, most_trusted
from tests.scan.advisories.kit import BOOKWORM, component, inventory

SSL = component("deb", "libssl3", "3.0.8-1", source_name="openssl")
LIB = component("pypi", "jinja2", "3.1.3", path="a")
LIB2 = component("pypi", "jinja2", "3.1.3", path="b")


def names(*findings: Finding) -> list[tuple[str, tuple[str, ...]]]:
    return [(f.id, f.aliases) for f in together(findings, System())]


def test_names_join_transitively() -> None:
    assert names(
        Finding("GHSA-1", LIB, aliases=("CVE-2024-1",)),
        Finding("PYSEC-1", LIB, aliases=("SNYK-1",)),
        Finding("SNYK-1", LIB, aliases=("CVE-2024-1",)),
        Finding("CVE-2024-2", LIB),
    ) == [("CVE-2024-1", ("GHSA-1", "PYSEC-1", "SNYK-1")), ("CVE-2024-2", ())]


def test_bulletins_join_nothing() -> None:
    found = names(
        Finding("CVE-2024-1", SSL, aliases=("DSA-1-1",)),
        Finding("CVE-2024-2", SSL, aliases=("DSA-1-1",)),
        Finding("CVE-2024-2", SSL, aliases=("USN-1-1",)),
        Finding("DSA-1-1", SSL),
    )
    assert found == [("DSA-1-1", ()), ("CVE-2024-1", ("DSA-1-1",)), ("CVE-2024-2", ("DSA-1-1", "USN-1-1"))]


def test_components_are_kept_apart() -> None:
    assert len(together([Finding("CVE-2024-1", c) for c in (SSL, LIB, LIB2)], BOOKWORM)) == 3


def test_sorted_by_number() -> None:
    given = [Finding(i, SSL) for i in ("CVE-2024-10000", "CVE-2024-9999", "CVE-2023-20000", "TEMP-1")]
    assert [f.id for f in together(given, BOOKWORM)] == [
        "TEMP-1",
        "CVE-2023-20000",
        "CVE-2024-9999",
        "CVE-2024-10000",
    ]


def test_preferred_name() -> None:
    assert preferred(["GHSA-1", "CVE-2024-10000", "CVE-2024-9999"]) == "CVE-2024-9999"
    assert preferred(["USN-1-1", "GHSA-1", "PYSEC-1"]) == "GHSA-1"


def test_what_each_one_adds() -> None:
    nvd, debian = (
        Severity(Level.HIGH, 7.5, "CVSS:3.1/x", "nvd", "HIGH"),
        Severity(Level.LOW, 0.0, "", "debian", "low"),
    )
    ours = Finding(
        "CVE-2024-1", SSL, severity=debian, fixed=("3.0.11-1",), fix_state="fixed", provenance=("debian",)
    )
    theirs = Finding(
        "CVE-2024-1",
        component("deb", "libssl3", "3.0.8-1"),
        status="fixed",
        aliases=("GHSA-1",),
        fixed=("3.0.9-1", "3.0.11-1"),
        severity=nvd,
        title="a title",
        description="text",
        urls=("https://example.org",),
        provenance=("trivy 0.70",),
        completeness="none",
        first_seen="2026-01-01T00:00:00Z",
        raw={"Status": "fixed"},
    )
    other = Finding("CVE-2024-2", component("deb", "unheard", "1"))
    scan = merge(Scan(inventory(SSL), (ours,)), [theirs, other])
    assert [f.component.name for f in scan.findings] == ["libssl3", "unheard"]
    found = scan.findings[0]
    assert found.component == SSL
    assert (found.status, found.fixed, found.fix_state) == ("affected", ("3.0.9-1", "3.0.11-1"), "fixed")
    assert found.severity == debian
    assert (found.title, found.description, found.urls) == ("a title", "text", ("https://example.org",))
    assert found.provenance == ("debian", "trivy 0.70")
    assert (found.completeness, found.first_seen, found.raw) == (
        "full",
        "2026-01-01T00:00:00Z",
        {"Status": "fixed"},
    )


def test_theirs_without_a_path_are_on_all_of_ours() -> None:
    scan = Scan(inventory(LIB, LIB2))
    anywhere = Finding("CVE-2024-1", component("pypi", "Jinja2", "3.1.3"))
    assert [f.component.path for f in merge(scan, [anywhere]).findings] == ["a", "b"]
    here = Finding("CVE-2024-1", component("pypi", "jinja2", "3.1.3", path="b"))
    assert [f.component.path for f in merge(scan, [here]).findings] == ["b"]


def test_versions_without_order_stay_as_they_are() -> None:
    odd = Finding("CVE-2024-1", LIB, fixed=("next", "1.0"))
    assert together([odd, Finding("CVE-2024-1", LIB)], System())[0].fixed == ("next", "1.0")


def test_whom_to_believe() -> None:
    said = {
        origin: Severity(level, origin=origin)
        for origin, level in (
            ("trivy", Level.CRITICAL),
            ("nvd", Level.HIGH),
            ("github", Level.MEDIUM),
            ("ubuntu", Level.LOW),
            ("debian", Level.UNKNOWN),
        )
    }
    assert most_trusted(said.values(), BOOKWORM).origin == "github"  # the vendor does not say
    assert most_trusted(said.values(), System("ubuntu", "22.04")).origin == "ubuntu"
    assert most_trusted([said["trivy"], said["nvd"]]).origin == "nvd"
    assert most_trusted([Severity(Level.LOW, origin="a"), Severity(Level.HIGH, origin="b")]).origin == "b"
    assert most_trusted([]) == Severity()


def test_words() -> None:
    assert [
        level_of(w) for w in ("CRITICAL", "Important", "moderate", "low**", "unimportant", "not yet assigned")
    ] == [
        Level.CRITICAL,
        Level.HIGH,
        Level.MEDIUM,
        Level.LOW,
        Level.NEGLIGIBLE,
        Level.UNKNOWN,
    ]
