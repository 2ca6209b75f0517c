"""OSV documents in, advisories out, and back."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from slipway.errors import InputError
from slipway.scan.advisories import osv
from slipway.scan.cvss import base_score
from slipway.scan.model import Level, Range, Severity
from tests.scan.advisories.kit import JINJA, OPENSSL, OPENSSL_DSA, Record, package, record


def spans(*events: dict[str, str], ecosystem: str = "PyPI") -> tuple[Range, ...]:
    return osv.read(record("X-1", package(ecosystem, "x", *events)), "f").affected[0].ranges


def test_an_advisory() -> None:
    found = osv.read(JINJA, "osv:PyPI")
    assert (found.id, found.feed, found.aliases) == (JINJA["id"], "osv:PyPI", ("CVE-2024-34064",))
    assert found.affected[0].name == "jinja2"
    assert found.affected[0].ranges == (Range(fixed="3.1.4"),)
    assert found.severity == Severity(
        Level.MEDIUM, 5.4, "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N", "github", "MODERATE"
    )
    assert found.published == "2024-05-06T14:20:59Z"
    assert found.urls == ("https://example.org/jinja",)


def test_what_a_distribution_says() -> None:
    entry = osv.read(OPENSSL, "f").affected[0]
    assert entry.severity == Severity(Level.LOW, 0.0, "", "debian", "low**")
    dsa = osv.read(OPENSSL_DSA, "f")
    assert dsa.upstream == ("CVE-2023-0464", "CVE-2023-0465")
    # older exports have the CVEs of a bulletin elsewhere
    old = osv.read(record("RHSA-2023:1335", aliases=[], related=["CVE-2023-0286", "RHSA-2023:1"]), "f")
    assert old.upstream == ("CVE-2023-0286",)
    old = osv.read(record("DSA-3029-1", aliases=["CVE-2014-3616"]), "f")
    assert (old.upstream, old.aliases) == (("CVE-2014-3616",), ())
    priority = record("UBUNTU-CVE-2024-1", severity=[{"type": "Ubuntu", "score": "high"}])
    assert osv.read(priority, "f").severity == Severity(Level.HIGH, 0.0, "", "ubuntu", "high")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"introduced": "0"}], (Range(),)),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], (Range("1.0", last_affected="1.5"),)),
        ([{"fixed": "1.10"}, {"introduced": "1.9"}], (Range("1.9", "1.10"),)),
        (
            [{"introduced": "3"}, {"fixed": "3.2"}, {"introduced": "0"}, {"fixed": "1.2"}],
            (Range(fixed="1.2"), Range("3", "3.2")),
        ),
        ([{"introduced": "0"}, {"fixed": "0"}], (Range(fixed="0"),)),
        ([{"introduced": "0"}, {"fixed": "2004d"}], (Range(fixed="2004d"),)),  # no version, no order
        ([{"fixed": "1.0"}], ()),
        ([{"introduced": "1"}, {"limit": "*"}], (Range("1"),)),
    ],
)
def test_events(events: list[dict[str, str]], expected: tuple[Range, ...]) -> None:
    assert spans(*events) == expected


def test_commits_and_repositories_name_no_package() -> None:
    item = package("PyPI", "x")
    item["ranges"] = [{"type": "GIT", "repo": "https://example.org", "events": [{"introduced": "0"}]}]
    found = osv.read(record("X-1", item, {"ranges": item["ranges"]}), "f")
    assert [entry.ranges for entry in found.affected] == [()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": 5}, "id is not a word"),
        ({"id": ""}, "no id"),
        ({"affected": {}}, "affected is not a list"),
        ({"affected": ["x"]}, "affected is not a mapping"),
        ({"affected": [package("PyPI", "x", {"introduced": 1})]}, "introduced is not a word"),  # type: ignore[dict-item]
        ({"affected": [package("PyPI", "x", versions=("1\t2\n",))]}, "versions is not a word"),
        ({"modified": "yesterday"}, "is not a time"),
        ({"details": ["x"]}, "details is not a text"),
        ({"aliases": "CVE-1"}, "aliases is not a list"),
    ],
)
def test_malformed(change: Record, message: str) -> None:
    with pytest.raises(InputError, match=message):
        osv.read({**JINJA, **change}, "f")


def test_times_are_in_one_form() -> None:
    times = {"modified": "2024-05-06T16:20:59.123456789+02:00", "published": "2024-05-06"}
    found = osv.read({**JINJA, **times}, "f")
    assert (found.modified, found.published) == ("2024-05-06T14:20:59Z", "2024-05-06T00:00:00Z")


# The parts of OSV's JSON Schema (1.7) that a reader depends on.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id", "modified"],
    "additionalProperties": False,
    "properties": {
        "schema_version": {"type": "string"},
        "id": {"type": "string"},
        **{n: {"type": "string", "pattern": r"^[0-9-]{10}T[0-9:]{8}Z$"} for n in ("modified", "published", "withdrawn")},
        **{n: {"type": "array", "items": {"type": "string"}} for n in ("aliases", "upstream")},
        "summary": {"type": "string"},
        "details": {"type": "string"},
        "severity": {"type": "array", "items": {"required": ["type", "score"]}},
        "references": {"type": "array", "items": {"required": ["type", "url"]}},
        "database_specific": {"type": "object"},
        "affected": {
            "type": "array",
            "items": {
                "required": ["package"],
                "properties": {
                    "package": {"required": ["ecosystem", "name"]},
                    "ranges": {"items": {"required": ["type", "events"], "properties": {"events": {"contains": {"required": ["introduced"]}}}}},
                    "versions": {"items": {"type": "string"}},
                },
            },
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "item", [JINJA, OPENSSL, OPENSSL_DSA, record("X-1"), record("X-2", withdrawn="2024-01-01T00:00:00Z")]
)
def test_written_and_read_again(item: Record) -> None:
    once = osv.read(item, "f")
    document = osv.written(once)
    jsonschema.validate(document, SCHEMA)
    again = osv.read(document, "f")
    assert again.affected == once.affected
    assert (again.id, again.aliases, again.upstream, again.details) == (
        once.id,
        once.aliases,
        once.upstream,
        once.details,
    )
    assert again.severity == once.severity


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", 5.9),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N", 5.4),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.6),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", 9.8),  # temporal metrics do not count
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H", None),
        ("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", None),
        ("", None),
    ],
)  # fmt: skip
def test_base_score(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


def test_a_vector_of_another_version_tells_no_level() -> None:
    four = {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}
    assert osv.read(record("GHSA-1", severity=[four]), "f").severity.level is Level.UNKNOWN
    told = osv.read(record("GHSA-1", severity=[four], database_specific={"severity": "CRITICAL"}), "f")
    assert (told.severity.level, told.severity.score) == (Level.CRITICAL, 0.0)
