"""Judged scans for reports: one with all that there can be in it, hostile words included, and large ones."""

from __future__ import annotations

from slipway.scan.model import (
    Component,
    Feed,
    Finding,
    Inventory,
    Level,
    Outdated,
    Scan,
    Severity,
    System,
    Uncovered,
)
from slipway.scan.policy.model import Judged, Reason, Verdict

HOSTILE = (
    "<script>alert(1)</script>|`**@somebody #1 [x](javascript:alert(1)) http://www.evil.example\n\x1b[31m"
)
NOW = "2026-11-21T08:00:00Z"
DIGEST = "sha256:" + "4f5c" * 16


def deb(name: str, version: str, source: str = "") -> Component:
    purl = f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12"
    return Component("deb", name, version, purl, source or name, version, "amd64", "var/lib/dpkg/status")


def severity(level: Level, score: float = 0.0) -> Severity:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" if score else ""
    return Severity(level, score, vector, "nvd" if score else "debian", str(level))


OPENSSL = deb("libssl3", "3.0.11-1~deb12u2", "openssl")
CURL = deb("curl", "7.88.1-10+deb12u4")
PERL = deb("perl-base", "5.36.0-7+deb12u1", "perl")
TZDATA = deb("tzdata", "2024a-0+deb12u1")
HEADERS = deb("linux-libc-dev", "6.1.76-1", "linux")
NODE = deb("nodejs", "20.11.0-1nodesource1")
JINJA = Component(
    "pypi",
    "jinja2",
    "3.1.2",
    "pkg:pypi/jinja2@3.1.2",
    path="usr/lib/python3.11/site-packages/jinja2/METADATA",
)
EVIL = Component(
    "npm", HOSTILE, "1.0.0|<b>", "pkg:npm/evil@1.0.0", path="srv/app/node_modules/ä <b>/package.json"
)
FLASK = Component("pypi", "flask", "2.0", "pkg:pypi/flask@2.0", path="opt/a/flask/METADATA")
FLASK_AGAIN = Component("pypi", "flask", "2.0", "pkg:pypi/flask@2.0", path="opt/b/flask/METADATA")
COMPONENTS = (OPENSSL, CURL, PERL, TZDATA, HEADERS, NODE, JINJA, EVIL, FLASK, FLASK_AGAIN)

FINDINGS = (
    *(
        Finding(
            f"CVE-2024-{1000 + n}",
            OPENSSL,
            aliases=("DSA-5764-1",),
            fixed=("3.0.17-1~deb12u2",),
            fix_state="fixed",
            severity=severity(Level.CRITICAL, 9.8) if n == 7 else severity(Level(n % 5)),
            title="openssl: possible denial of service in X.509 name checks" if n % 2 else "",
            urls=(f"https://security-tracker.debian.org/tracker/CVE-2024-{1000 + n}",),
            provenance=("suites:bookworm 2026-11-21",),
            completeness="truncated",
        )
        for n in range(16)
    ),
    Finding(
        "CVE-2023-38545",
        CURL,
        fixed=("7.88.1-10+deb12u5",),
        fix_state="fixed",
        severity=severity(Level.HIGH, 8.8),
        title="SOCKS5 heap buffer overflow",
        description="This flaw makes curl overflow a heap based buffer in the SOCKS5 proxy handshake.\n" * 12,
        urls=("javascript:alert(1)", "https://curl.se/docs/CVE-2023-38545.html"),
        provenance=("suites:bookworm 2026-11-21", "trivy 0.70"),
        first_seen="2026-10-01T00:00:00Z",
    ),
    Finding("CVE-2023-46219", CURL, fix_state="wont-fix", severity=severity(Level.LOW)),
    Finding(
        "CVE-2023-31484", PERL, fix_state="not-fixed", severity=severity(Level.MEDIUM, 5.3), title="CPAN.pm"
    ),
    Finding(
        "CVE-2024-34064",
        JINJA,
        aliases=("GHSA-h75v-3vvj-5mfj", "PYSEC-2024-1"),
        fixed=("3.1.4",),
        fix_state="fixed",
        severity=severity(Level.MEDIUM, 5.4),
        title="xmlattr filter allows keys with characters that are not in HTML attributes",
        waiver="the filter is not used (security@example.org, until 2026-12-31)",
    ),
    Finding(
        "CVE-2024-22195",
        JINJA,
        severity=severity(Level.MEDIUM),
        vex="not affected: vulnerable code not present",
    ),
    Finding(
        "GHSA-xxxx-0000-evil",
        EVIL,
        severity=Severity(Level.UNKNOWN),
        title=HOSTILE,
        description=HOSTILE * 3,
        urls=("javascript:alert(document.domain)", "data:text/html,x", "https://[bad"),
        provenance=("osv:npm 2026-11-18",),
        status="under_investigation",
    ),
    Finding("CVE-2026-7", FLASK, fixed=("2.1",), severity=severity(Level.HIGH)),
    Finding("CVE-2026-7", FLASK_AGAIN, fixed=("2.1",), severity=severity(Level.HIGH)),
    *(
        Finding(
            f"CVE-2024-{26000 + n}",
            HEADERS,
            fixed=("6.1.140-1",),
            class_="headers",
            severity=severity(Level.HIGH),
        )
        for n in range(40)
    ),
)

SCAN = Scan(
    Inventory(
        "registry.example.org/team/hello:1.2",
        DIGEST,
        "linux/amd64",
        System("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"),
        COMPONENTS,
    ),
    FINDINGS,
    (
        Outdated(OPENSSL, "3.0.17-1~deb12u2", "bookworm-security", security=True, completeness="truncated"),
        Outdated(TZDATA, "2025b-0+deb12u2", "bookworm"),
    ),
    (
        Uncovered(NODE, "it is from Node Source, of which no feed speaks"),
        Uncovered(EVIL, f"no feed knows {HOSTILE}"),
    ),
    (Feed("osv:PyPI", "", "2026-11-18T08:00:00Z"), Feed("suites:bookworm", "", "2026-11-21T02:00:00Z")),
    (),
    NOW,
)
FAILED = Judged(
    SCAN,
    Verdict(
        "fail",
        (
            Reason("severity", "CVE-2023-38545 in curl is high, and there is a fix"),
            Reason("severity", f"CVE-2024-1007 in libssl3 is critical {HOSTILE}"),
        ),
        ("the waiver for CVE-2024-34064 ends in 40 days",),
    ),
)
UNREAD = Judged(
    Scan(Inventory("nowhere:1"), problems=("no advisories for PyPI have been fetched", HOSTILE), time=NOW),
    Verdict("unknown", (Reason("complete", "the scan is not complete", outcome="unknown"),)),
)
WELL = Judged(Scan(Inventory("well:1", DIGEST, components=(TZDATA,)), time=NOW), Verdict("pass"))


def many(count: int = 5000) -> Judged:
    """As many findings, in a tenth as many packages."""
    components = tuple(deb(f"package-{n}", f"1.{n}-1") for n in range(count // 10))
    findings = tuple(
        Finding(
            f"CVE-2025-{10000 + n}",
            components[n % len(components)],
            aliases=(f"DSA-{n}-1",),
            fixed=("9.9-1",) if n % 3 else (),
            fix_state="fixed" if n % 3 else "not-fixed",
            severity=severity(Level(n % 6), 7.5 if n % 6 == 4 else 0.0),
            title="a weakness that is described in a line",
            description="It is described at length, with all that matters to it. " * 8,
            urls=("https://example.org/advisory",),
            provenance=("suites:bookworm 2026-11-21",),
            first_seen=NOW,
        )
        for n in range(count)
    )
    return Judged(Scan(Inventory("many:1", DIGEST, components=components), findings, time=NOW))
