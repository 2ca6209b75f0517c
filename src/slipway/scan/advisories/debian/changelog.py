"""Debian changelogs: which CVEs each version repairs (deb-changelog(5))."""

from __future__ import annotations

import json
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from slipway.distro.version import key
from slipway.patterns import pattern
from slipway.scan.times import stamp

if TYPE_CHECKING:
    from slipway.scan.model import Completeness

_HEAD = pattern(
    r"^[a-z0-9][a-z0-9+.-]{0,200} \(([A-Za-z0-9.+:~-]{1,200})\)(?: [^\s;]{1,100}){1,20};", re.MULTILINE
)
_TRAILER = pattern(r"^ -- [^\n]*>  ?([^\n]{10,60})$", re.MULTILINE)
_CVE = pattern(r"\bCVE-[0-9]{4}-[0-9]{4,19}\b")
_MOST: Final = 100_000  # entries


class Entry(NamedTuple):
    """The CVEs that a version's entry names. `date` is RFC 3339, or empty."""

    version: str
    date: str
    ids: tuple[str, ...]


class Changelog(NamedTuple):
    """What is known of a source package up to `version`; `oldest` is the first version that it tells of.

    `oldest` is empty when there was no changelog to be read. Entries that name no CVE are left out.
    """

    version: str
    oldest: str = ""
    entries: tuple[Entry, ...] = ()

    def since(self, version: str) -> list[Entry]:
        """The entries of newer versions, the oldest first.

        Where a stable release got a new upstream version, its changelog has two branches: what was repaired in the old one
        is named again where upstream repaired it, and is left out there. Named again for the same upstream version, it was
        not repaired well.
        """
        mine, here = key(version), key(self.version)
        done = {name for entry in self.entries if key(entry.version) <= mine for name in entry.ids}
        newer = []
        for entry in self.entries:
            if mine < key(entry.version) <= here:
                old = done if _upstream(entry.version) != _upstream(version) else ()
                newer.append(entry._replace(ids=tuple(name for name in entry.ids if name not in old)))
        return sorted((entry for entry in newer if entry.ids), key=lambda e: key(e.version))

    def completeness(self, version: str) -> Completeness:
        """How much it tells of what came after `version`."""
        if not self.oldest:
            return "none"
        return "full" if key(self.oldest) <= key(version) else "truncated"

    def written(self) -> str:
        return json.dumps(self.entries, separators=(",", ":"))


def stored(version: str, oldest: str, entries: str) -> Changelog:
    """What `written` made."""
    return Changelog(
        version, oldest, tuple(Entry(v, date, tuple(ids)) for v, date, ids in json.loads(entries))
    )


def read(text: str, version: str) -> Changelog | None:
    """The changelog of a package; None when it is another's: it has no entry for its own version."""
    heads = list(_HEAD.finditer(text))[:_MOST]
    versions = [head[1] for head in heads]
    if version not in versions:
        return None
    ends = [head.start() for head in heads[1:]] + [len(text)]
    entries = []
    for head, end in zip(heads, ends, strict=True):
        said = text[head.end() : end]
        if ids := tuple(sorted(set(_CVE.findall(said)))):
            entries.append(Entry(head[1], _date(said), ids))
    return Changelog(version, min(versions, key=key), tuple(entries))


def _upstream(version: str) -> str:
    """Without Debian's own part (deb-version(7))."""
    return version.rpartition("-")[0] or version


def _date(said: str) -> str:
    trailer = _TRAILER.search(said)
    if trailer is None:
        return ""
    try:
        found = parsedate_to_datetime(trailer[1])
        return stamp(found.replace(tzinfo=found.tzinfo or UTC).timestamp())
    except (TypeError, ValueError, OverflowError, OSError):
        return ""  # people write them
