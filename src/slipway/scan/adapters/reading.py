"""Reports of other programs as JSON that is bounded, and their fields of the types they should have.

An `InputError` names the place: `Results[3].Vulnerabilities[17].Severity`.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, TypeVar

from slipway.errors import InputError, UsageError
from slipway.scan.advisories import fields
from slipway.scan.advisories.osv import is_bulletin
from slipway.scan.model import Level, Severity
from slipway.scan.severity import level_of, level_of_score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

T = TypeVar("T")
MOST_BYTES: Final = 256 << 20
# Each value takes memory that its few bytes do not tell. What a report has of text has fewer commas than that.
_MOST_VALUES: Final = 20_000_000
_LONGEST_URL: Final = 1000
_MOST_URLS: Final = 100
# Under which names severity.py knows those who rate.
_ORIGINS: Final = {
    "ghsa": "github",
    "alma": "almalinux",
    "suse-cvrf": "suse",
    "sles": "suse",
    "rhel": "redhat",
    "nvd@nist.gov": "nvd",
    "security-advisories@github.com": "github",
}
# Names of one weakness each; other numbers of vendors may be of bulletins, which are about many.
_WEAKNESSES: Final = (
    "CVE-",
    "GHSA-",
    "PYSEC-",
    "GO-",
    "RUSTSEC-",
    "DEBIAN-CVE-",
    "UBUNTU-CVE-",
    "ALPINE-CVE-",
)


def document(path: Path) -> Any:
    """The JSON at `path`; `UsageError` when there is no such file, `InputError` when it is damaged or too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} is larger than any report ({MOST_BYTES >> 20} MiB)")
    if data.count(b",") + data.count(b"[") + data.count(b"{") > _MOST_VALUES:
        raise InputError(f"{path} holds more values than any report ({_MOST_VALUES})")
    if not data.strip():
        raise InputError(f"{path} is empty", hint="the scanner that should have written it may have failed")
    try:
        return json.loads(data, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}:{error.colno}: it is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise InputError(f"{path} is nested too deeply") from error
    except ValueError as error:  # bytes that are no text, numbers that are none
        raise InputError(f"{path} is not JSON: {str(error)[:200]}") from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def each(record: Mapping[str, Any], name: str, read: Callable[[dict[str, Any]], Iterable[T]]) -> list[T]:
    """What `read` makes of each object in the list of that name."""
    found: list[T] = []
    for number, row in enumerate(fields.rows(record, name)):
        if not isinstance(row, dict):
            raise InputError(f"{name}[{number}] is not an object")
        try:
            found += read(row)
        except InputError as error:
            raise InputError(f"{name}[{number}].{error.brief}") from error
    return found


def number(record: Mapping[str, Any], name: str) -> float:
    """0 when it is not there; a number may be written as text."""
    value = record.get(name)
    if value is None or value == "":
        return 0.0
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise InputError(f"{name} is not a number: {str(value)[:60]!r}")
    return found


def score(record: Mapping[str, Any], name: str) -> float:
    """CVSS's score."""
    found = number(record, name)
    if not 0 <= found <= 10:
        raise InputError(f"{name} is not a score from 0 to 10: {found!r}")
    return found


def urls(*values: object) -> tuple[str, ...]:
    """Those that can be addresses of pages, without repetitions; one too strange to show is no reason to fail."""
    kept = (
        value
        for value in values
        if isinstance(value, str)
        and value.startswith(("https://", "http://"))
        and len(value) <= _LONGEST_URL
        and value.isprintable()
    )
    return tuple(dict.fromkeys(kept))[:_MOST_URLS]


def severity(word: str, score: float = 0.0, vector: str = "", origin: str = "") -> Severity:
    """The level is what the word says, or follows from the score."""
    level = level_of(word)
    if level is Level.UNKNOWN and score:
        level = level_of_score(score)
    return Severity(level, score, vector, _ORIGINS.get(origin.lower(), origin.lower()), word)


def aliases(name: str, others: Iterable[str]) -> tuple[str, ...]:
    """Those that are names of this weakness, or of bulletins."""
    return tuple(sorted({o for o in others if o.startswith(_WEAKNESSES) or is_bulletin(o)} - {name}))


def weaknesses(name: str, related: Iterable[str]) -> tuple[str, ...]:
    """What a report is about: a bulletin means each of its CVEs, anything else itself."""
    cves = [other for other in related if other.startswith("CVE-")] if is_bulletin(name) else []
    return tuple(dict.fromkeys(cves)) or (name,)


def kept(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Fields for which our model has no place, as they are."""
    return {name: record[name] for name in names if record.get(name)}


def named(record: Mapping[str, Any], name: str) -> str:
    """A word that has to be there."""
    found = fields.word(record, name)
    if not found:
        raise InputError(f"{name} is missing")
    return found
