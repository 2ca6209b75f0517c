"""Release files: the signed list of a suite's indexes (Debian repository format, '"Release" files')."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from slipway.distro.deb822 import read_fields
from slipway.distro.mirror import is_rolling
from slipway.errors import VerifyError
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.events import Reporter

_FILE = pattern(r"^\s*([0-9a-f]{64})\s+(\d+)\s+(\S+)\s*$", re.MULTILINE)
_SAFE = pattern(r"[a-z][a-z0-9./-]*\Z")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the Release file promises it; `path` is below `dists/{suite}`, `size` in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """A verified Release file. Times are Unix seconds; `valid_until` is 0 when it never expires."""

    suite: str
    codename: str
    version: str
    date: int
    valid_until: int
    architectures: tuple[str, ...]
    components: tuple[str, ...]
    by_hash: bool
    files: Mapping[str, Listed]


def read_release(text: str, name: str) -> Release:
    """Read the text that was signed; `name` is for errors. `VerifyError` when it is not a usable Release file."""
    fields = read_fields(text)
    files = {
        path: Listed(path, sha, int(size)) for sha, size, path in _FILE.findall(fields.get("sha256", ""))
    }
    if not files:
        raise VerifyError(
            f"{name} lists no SHA-256 hashes", details="Weaker hashes (MD5, SHA-1) are not accepted."
        )
    codename = fields.get("codename", "")
    if not _SAFE.match(codename) or ".." in codename:
        raise VerifyError(f"{name} has no usable codename")
    return Release(
        suite=fields.get("suite", ""),
        codename=codename,
        version=fields.get("version", ""),
        date=_time(fields.get("date", ""), name),
        valid_until=_time(fields["valid-until"], name) if "valid-until" in fields else 0,
        architectures=tuple(fields.get("architectures", "").split()),
        components=tuple(fields.get("components", "").split()),
        by_hash=fields.get("acquire-by-hash", "").lower() == "yes",
        files=files,
    )


def check_release(release: Release, suite: str, now: float, reporter: Reporter, name: str) -> None:
    """`VerifyError` unless the file is for the `suite` that was asked for and still valid.

    An expired one is only worth a warning for unstable, where mirrors that stand still are common.
    """
    if suite not in (release.suite, release.codename):
        raise VerifyError(
            f"{name} is for {release.codename} ({release.suite}), not for {suite}",
            hint="the mirror serves the wrong suite",
        )
    if release.valid_until and now > release.valid_until:
        days = (now - release.valid_until) / 86400
        brief = f"{name} expired {days:.1f} days ago"
        if not (is_rolling(release.codename) or is_rolling(release.suite)):
            raise VerifyError(
                brief,
                hint="the mirror is out of date, or the clock of this machine is wrong: try another mirror",
            )
        reporter.warn(f"{brief}: the mirror stands still, newer packages exist elsewhere")


def _time(text: str, name: str) -> int:
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError) as error:
        raise VerifyError(f"{name} has a malformed date: {text!r}") from error
    return int(parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp())
