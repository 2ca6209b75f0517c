"""Advisories as rows of the database, and back.

head       JSON: what a report needs of every advisory, without its details
details    the text, compressed
ranges     `introduced TAB fixed TAB last_affected` by lines; versions: by lines
rest       JSON: severity, state of the fix and status, where there are any
"""

from __future__ import annotations

import hashlib
import json
import zlib
from functools import lru_cache
from typing import Any, NamedTuple, cast

from slipway.scan.model import Advisory, Affected, FixState, Level, Range, Severity


class AdvisoryRow(NamedTuple):
    id: str
    modified: str
    head: str
    details: bytes
    affected: tuple[tuple[str, str, str, str, str], ...]

    @property
    def mark(self) -> bytes:
        """Tells whether anything in it is different."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f"{self.modified}\n{self.head}\n".encode())
        digest.update(self.details)
        digest.update(repr(self.affected).encode())
        return digest.digest()


def packed(advisory: Advisory) -> AdvisoryRow:
    head = {
        "aliases": advisory.aliases,
        "upstream": advisory.upstream,
        "summary": advisory.summary,
        "severity": _severity(advisory.severity),
        "urls": advisory.urls,
        "published": advisory.published,
        "withdrawn": advisory.withdrawn,
    }
    return AdvisoryRow(
        advisory.id,
        advisory.modified,
        _json({k: v for k, v in head.items() if v}),
        zlib.compress(advisory.details.encode(), 6) if advisory.details else b"",
        tuple(_packed_affected(entry) for entry in advisory.affected),
    )


def advisory(
    feed: str, name: str, modified: str, head: str, details: bytes, affected: tuple[Affected, ...]
) -> Advisory:
    data: dict[str, Any] = json.loads(head)
    return Advisory(
        id=name,
        feed=feed,
        aliases=tuple(data.get("aliases", ())),
        summary=data.get("summary", ""),
        details=zlib.decompress(details).decode() if details else "",
        affected=affected,
        severity=_read_severity(data.get("severity")),
        urls=tuple(data.get("urls", ())),
        published=data.get("published", ""),
        modified=modified,
        withdrawn=data.get("withdrawn", ""),
        upstream=tuple(data.get("upstream", ())),
    )


def affected(ecosystem: str, name: str, ranges: str, versions: str, rest: str) -> Affected:
    severity, state, status = _read_rest(rest)
    return Affected(
        ecosystem,
        name,
        tuple([Range(*line.split("\t")) for line in ranges.split("\n")]) if ranges else (),
        tuple(versions.split("\n")) if versions else (),
        severity,
        state,
        status,
    )


@lru_cache(maxsize=4096)
def _read_rest(text: str) -> tuple[Severity, FixState, str]:
    """Thousands of rows have the same few."""
    row: list[Any] = json.loads(text) if text else [None, "unknown", ""]
    return _read_severity(row[0]), cast("FixState", row[1]), row[2]


def _packed_affected(entry: Affected) -> tuple[str, str, str, str, str]:
    rest = [_severity(entry.severity), entry.fix_state, entry.status]
    return (
        entry.ecosystem,
        entry.name,
        "\n".join(f"{r.introduced}\t{r.fixed}\t{r.last_affected}" for r in entry.ranges),
        "\n".join(entry.versions),
        _json(rest) if rest != [None, "unknown", ""] else "",
    )


def _severity(severity: Severity) -> list[Any] | None:
    if severity == Severity():
        return None
    return [int(severity.level), severity.score, severity.vector, severity.origin, severity.original]


def _read_severity(row: list[Any] | None) -> Severity:
    return Severity(Level(row[0]), *row[1:]) if row else Severity()


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
