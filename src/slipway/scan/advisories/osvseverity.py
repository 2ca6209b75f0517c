"""What an OSV document says of how bad it is: vectors and words in several places (OSV schema 1.7: severity[])."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.scan.advisories import fields
from slipway.scan.cvss import base_score
from slipway.scan.model import Level, Severity
from slipway.scan.severity import level_of, level_of_score

if TYPE_CHECKING:
    from collections.abc import Mapping

# Who speaks, by the first word of an advisory's id; others by that word itself.
_ORIGINS: Final = {
    "GHSA": "github",
    "PYSEC": "pypa",
    "CVE": "nvd",
    "ALPINE": "alpine",
    "DEBIAN": "debian",
    "DSA": "debian",
    "DLA": "debian",
    "USN": "ubuntu",
    "UBUNTU": "ubuntu",
    "RHSA": "redhat",
    "RLSA": "rocky",
    "ALSA": "almalinux",
    "openSUSE": "suse",
}
_TYPES: Final = ("CVSS_V3", "CVSS_V4", "CVSS_V2")  # we can compute the first
_WORDS: Final = ("severity", "urgency")


def of_advisory(record: Mapping[str, Any], name: str) -> Severity:
    return _severity(record, (fields.mapping(record, "database_specific"),), name)


def of_package(row: Mapping[str, Any], name: str) -> Severity:
    places = (fields.mapping(row, "ecosystem_specific"), fields.mapping(row, "database_specific"))
    return _severity(row, places, name)


def written(severity: Severity) -> list[dict[str, str]]:
    version = severity.vector.removeprefix("CVSS:")[:1]
    if not severity.vector:
        return []
    return [{"type": f"CVSS_V{version}" if version in "34" else "CVSS_V2", "score": severity.vector}]


def _severity(record: Mapping[str, Any], places: tuple[dict[str, Any], ...], name: str) -> Severity:
    """A word of the source counts before what follows from the vector: it knows where the vector does not fit."""
    said = {
        fields.word(row, "type"): fields.word(row, "score") for row in fields.mappings(record, "severity")
    }
    original = said.get("Ubuntu", "") or _word(places)
    vector = next((said[kind] for kind in _TYPES if said.get(kind)), "")
    if not original and not vector:
        return Severity()
    score = base_score(vector)
    level = level_of(original)
    if level is Level.UNKNOWN and score is not None:
        level = level_of_score(score)
    return Severity(level, score or 0.0, vector, _origin(name), original)


def _word(places: tuple[dict[str, Any], ...]) -> str:
    """What is there may also be a list or a number, which is no word."""
    said = (place.get(key) for place in places for key in _WORDS)
    return next((fields.checked(value, "severity") for value in said if isinstance(value, str) and value), "")


def _origin(name: str) -> str:
    first = name.partition("-")[0]
    return _ORIGINS.get(first, first.lower())
