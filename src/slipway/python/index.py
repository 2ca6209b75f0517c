"""Where Python packages come from, and how uv is told without anybody else hearing the passwords.

The first of these that names a place is taken whole: the setting `python_index`, the recipe's `pip-config`, this
machine (pip's configuration, and over it uv's own variables). When none does, uv's default is left alone.
Addresses of indexes may hold credentials. They go to uv in environment variables (an argument list is
public on a machine) and to the downloader in the URL; everything that is kept or shown goes through `scrub`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from slipway.python import pipconf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slipway.events import Reporter
    from slipway.settings import Settings

_USERINFO = re.compile(r"(?<=://)[^/@\s\"'?#]*@")
_NAMED = re.compile(r"([A-Za-z0-9_.-]+)=(?=[A-Za-z/.])")


@dataclass(frozen=True, slots=True)
class Index:
    """Places to look in: `default` (empty: uv's own) and `extra` are indexes, `find_links` directories and pages.

    All are as configured, credentials included, and hidden from `repr`. `trusted` are hosts whose certificates
    are not checked, `cert` a file of certificate authorities.
    """

    default: str = field(default="", repr=False)
    extra: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = field(default=(), repr=False)
    no_index: bool = False
    trusted: tuple[str, ...] = ()
    cert: str = ""

    def env(self) -> dict[str, str]:
        """The environment variables that tell uv."""
        out = {
            "UV_DEFAULT_INDEX": self.default,
            "UV_INDEX": " ".join(self.extra),
            # pip's rule: all indexes are equal, the best version wins. Under it uv takes an index that refuses
            # the login for an empty one, so it is set only where there is a choice.
            "UV_INDEX_STRATEGY": "unsafe-best-match" if self.extra else "",
            "UV_FIND_LINKS": ",".join(self.find_links),
            "UV_INSECURE_HOST": " ".join(self.trusted),
            "SSL_CERT_FILE": self.cert,
        }
        return {k: v for k, v in out.items() if v}

    def arguments(self) -> list[str]:
        """What uv can be told only as an option."""
        return ["--no-index"] if self.no_index else []

    def public(self) -> list[Any]:
        """What tells this index from others, without credentials: for cache keys."""
        return [
            scrub_url(self.default),
            [scrub_url(u) for u in self.extra],
            [scrub_url(u) for u in self.find_links],
            self.no_index,
        ]

    def with_credentials(self, url: str) -> str:
        """`url` with the credentials that an index or page of the same host was configured with."""
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and "@" not in parts.netloc:
            for known in (self.default, *self.extra, *self.find_links):
                place = urlsplit(known)
                userinfo, at, host = place.netloc.rpartition("@")
                if at and (place.scheme, host.lower()) == (parts.scheme, parts.netloc.lower()):
                    return parts._replace(netloc=f"{userinfo}@{parts.netloc}").geturl()
        return url

    def scrub(self, text: str) -> str:
        """`text` without the credentials of any URL in it, and without this index's passwords wherever they stand."""
        text = scrub_url(text)
        for known in (self.default, *self.extra, *self.find_links):
            userinfo = urlsplit(known).netloc.rpartition("@")[0]
            secret = userinfo.rpartition(":")[2]
            for form in {secret, unquote(secret)}:
                if len(form) > 3:
                    text = text.replace(form, "***")
        return text


def scrub_url(text: str) -> str:
    """`text` (a URL, or one with URLs in it) without user names and passwords."""
    return _USERINFO.sub("", text)


def load(
    settings: Settings, reporter: Reporter, pip_config: str = "", environ: Mapping[str, str] | None = None
) -> Index:
    """The index to use; `pip_config` is the recipe's. Local directories that are not there are left out, as pip does."""
    environ = os.environ if environ is None else environ
    machine = pipconf.of_machine(environ)
    recipe = pipconf.of_text(pip_config, "pip-config") if pip_config else {}
    shared = {k: v for k, v in (machine | recipe).items() if k in ("trusted-host", "cert")}
    uv = _of_uv(environ)
    places: dict[str, str] = {}
    if settings.python_index:
        places = {"index-url": settings.python_index}
    else:
        for candidate in (recipe, machine | uv):
            if any(candidate.get(k) for k in pipconf.KEYS[:4]):
                places = candidate
                break
    return Index(
        default=places.get("index-url", ""),
        extra=_present(places.get("extra-index-url", "").split(), reporter),
        find_links=_present(places.get("find-links", "").split(), reporter),
        no_index=places.get("no-index", "").lower() in ("1", "true", "yes", "on", "y", "t"),
        trusted=tuple(shared.get("trusted-host", "").split()),
        cert=cert if (cert := shared.get("cert", "")) and Path(cert).exists() else "",
    )


def _of_uv(environ: Mapping[str, str]) -> dict[str, str]:
    """Uv's variables (uv documentation, Environment variables) in pip's words."""

    def plain(names: tuple[str, ...], separator: str | None = None) -> str:
        raw = next((environ[n] for n in names if environ.get(n)), "")
        return " ".join(_login(item, environ) for item in raw.split(separator))

    values = {
        "index-url": plain(("UV_DEFAULT_INDEX", "UV_INDEX_URL")),
        "extra-index-url": plain(("UV_INDEX", "UV_EXTRA_INDEX_URL")),
        "find-links": plain(("UV_FIND_LINKS",), ","),
    }
    return {k: v for k, v in values.items() if v}


def _login(item: str, environ: Mapping[str, str]) -> str:
    """An entry `name=URL` as a URL, with the login that uv keeps in variables of that name."""
    named = _NAMED.match(item)
    if not named:
        return item
    url = item[named.end() :]
    stem = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", named[1].upper())
    user, password = environ.get(f"{stem}_USERNAME", ""), environ.get(f"{stem}_PASSWORD", "")
    if (user or password) and "@" not in urlsplit(url).netloc:
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return url.replace("://", f"://{login}@", 1)
    return url


def _present(places: Iterable[str], reporter: Reporter) -> tuple[str, ...]:
    kept = []
    for place in places:
        local = _local(place)
        if local is not None and not local.exists():
            reporter.log(f"{place} is not there: left out")
            continue
        kept.append(place if local is None or place.startswith("file:") else str(local))
    return tuple(kept)


def _local(place: str) -> Path | None:
    """The path of a place on this machine, None for one that is elsewhere."""
    if place.startswith("file:"):
        return Path(unquote(urlsplit(place).path))
    return None if "://" in place else Path(os.path.abspath(Path(place).expanduser()))  # noqa: PTH100 - no symlink resolution
