"""Where Debian packages come from, and which suites of it are read.

The setting `mirror` names the archive and, after a space, the security archive if there is one to use. Without
the setting both are those of this machine's APT. Read are, for a released or testing suite X: X and X-updates of
the archive, X-security of the security archive when one is known; for unstable (sid) only itself.
"""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from slipway.distro.aptsources import ETC, ask_apt, read_sources
from slipway.errors import UsageError
from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.distro.aptsources import Source
    from slipway.settings import Settings

COMPONENTS = ("main",)

_ROLLING = ("sid", "unstable")
_SUITE = pattern(r"[a-z][a-z0-9.-]*\Z")
_LIST = "mirror+file:"
_HINT = "set SLIPWAY_MIRROR to the http(s) address of a Debian mirror (and, after a space, of its security archive)"


@value
class Mirror:
    """`archive` and `security` (empty: none) are URIs without credentials and without a slash at the end."""

    archive: str
    security: str = ""
    _logins: tuple[tuple[str, str], ...] = field(
        default=(), repr=False
    )  # archive -> the same with credentials

    def address(self, url: str) -> str:
        """`url` as it has to be fetched: with the credentials that belong to its archive. For no log or lock."""
        for plain, full in self._logins:
            if url.startswith(plain + "/"):
                return full + url[len(plain) :]
        return url


@value
class SuitePlace:
    """A suite of an archive: its Release file is at `{archive}/dists/{name}`."""

    archive: str
    name: str


def find_mirror(settings: Settings, etc: Path = ETC) -> Mirror:
    """The mirror to use; `UsageError` when neither the settings nor APT know one."""
    if settings.mirror.strip():
        uris = settings.mirror.split()
        if len(uris) > 2:
            raise UsageError(
                "the setting mirror holds more than an archive and a security archive", hint=_HINT
            )
        return _mirror(*uris)
    for read in (read_sources(etc), ask_apt()):
        sources = [s for s in read if s.component in COMPONENTS]
        archive = next((s for s in sources if _is_archive(s)), None)
        if archive is not None:
            security = next((s for s in sources if _is_security(s)), None)
            return _mirror(_first_uri(archive), _first_uri(security) if security else "")
    raise UsageError("no Debian mirror is known: APT on this machine reads none", hint=_HINT)


def check_suite(suite: str) -> None:
    """`UsageError` unless `suite` can be the name of a suite (it becomes part of addresses and file names)."""
    if not _SUITE.match(suite) or ".." in suite:
        raise UsageError(
            f"{suite!r} is not the name of a Debian suite", hint="for example bookworm, stable or sid"
        )


def is_rolling(suite: str) -> bool:
    return suite in _ROLLING


def further_suites(mirror: Mirror, codename: str) -> Sequence[SuitePlace]:
    """What is read besides the suite itself."""
    if is_rolling(codename):
        return ()
    updates = SuitePlace(mirror.archive, f"{codename}-updates")
    return (updates, SuitePlace(mirror.security, f"{codename}-security")) if mirror.security else (updates,)


def _is_security(source: Source) -> bool:
    if source.origin:
        return (source.origin, source.label) == ("Debian", "Debian-Security")
    return source.suite.endswith("-security") and _looks_debian(source, "debian-security")


def _is_archive(source: Source) -> bool:
    if source.origin:
        return (source.origin, source.label) == ("Debian", "Debian")
    return (
        not source.suite.endswith("-security") and "/" not in source.suite and _looks_debian(source, "debian")
    )


def _looks_debian(source: Source, last: str) -> bool:
    """Without a Release file to ask: an archive is Debian's by its path or by the keyring it is signed with."""
    name = source.uri.rstrip("/").rpartition("/")[2].removesuffix(".list")
    return name == last or "debian-archive-" in source.signed_by


def _first_uri(source: Source) -> str:
    """The source's URI; of a list of mirrors (apt-transport-mirror(1)) the first."""
    if not source.uri.startswith(_LIST):
        return source.uri
    path = Path(source.uri.removeprefix(_LIST).rstrip("/"))
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        raise UsageError(
            f"the list of mirrors {path} cannot be read: {error.strerror}", hint=_HINT
        ) from error
    uris = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    if not uris:
        raise UsageError(f"the list of mirrors {path} is empty", hint=_HINT)
    return uris[0]


def _mirror(archive: str, security: str = "") -> Mirror:
    logins: list[tuple[str, str]] = []
    plain = [_plain(uri, logins) if uri else "" for uri in (archive, security)]
    return Mirror(plain[0], plain[1], tuple(logins))


def _plain(uri: str, logins: list[tuple[str, str]]) -> str:
    """`uri` without credentials; they are noted in `logins`."""
    parts = urlsplit(uri.rstrip("/"))
    host = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, host, parts.path, "", ""))
    if parts.scheme not in ("http", "https", "file") or bool(host) == (parts.scheme == "file"):
        raise UsageError(f"{plain or 'the mirror'} is not an http(s) address", hint=_HINT)
    if host != parts.netloc:
        logins.append((plain, urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))))
    return plain
