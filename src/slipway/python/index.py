"""Where Python packages come from, and how uv is told without anybody else hearing the passwords.

The first of these that names a place is taken whole: the setting `python_index`, the recipe's `pip-config`, this
machine (pip's configuration, and over it uv's own variables). When none does, uv's default is left alone.
Addresses of indexes may hold credentials. They go to uv in environment variables (argument lists are public on a
machine, files outlive a killed process) and to the downloader in the URL; everything that is kept or shown goes
through `scrub`.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from slipway.patterns import pattern
from slipway.python import pipconf
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slipway.events import Reporter
    from slipway.settings import Settings

_USERINFO = pattern(r"(?<=://)[^/@\s\"'?#]*@")
_NAMED = pattern(r"([A-Za-z0-9_.-]+)=(?=[A-Za-z/.])")


@value
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

    def configuration(self, default: str, max_age: int) -> str:
        """The text of the uv.toml that names the indexes; `default` is uv's own, for when none is configured.

        Many indexes forbid to keep their answers, so that each run would ask for all of them again. `max_age`
        (seconds) is kept with the answers instead, as for everything else that is asked; 0 says nothing of it.
        Files of an index never change.
        """
        control = f'cache-control = {{ api = "max-age={max_age}", files = "max-age=31536000, immutable" }}\n'
        first = [] if self.no_index else [self.default or default]
        return "".join(
            f"[[index]]\nname = {_quoted(_name(n))}\nurl = {_quoted(_without_login(url)[0])}\n"
            f"default = {'true' if n == 0 else 'false'}\n{control if max_age else ''}"
            for n, url in enumerate([*first, *self.extra], start=1 - len(first))
            if url
        )

    def env(self) -> dict[str, str]:
        """The environment variables that tell uv what its configuration file does not."""
        logins = {}
        for n, url in enumerate([self.default, *self.extra]):
            user, password = _without_login(url)[1]
            logins[f"UV_INDEX_{_name(n).upper()}_USERNAME"] = user
            logins[f"UV_INDEX_{_name(n).upper()}_PASSWORD"] = password
        out = logins | {
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


def _name(number: int) -> str:
    return f"slipway{number}"


def _quoted(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text)


def _without_login(url: str) -> tuple[str, tuple[str, str]]:
    """`url` without its user and password, and these two (decoded; empty where there are none)."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, ("", "")
    user, _, password = login.partition(":")
    return parts._replace(netloc=host).geturl(), (unquote(user), unquote(password))


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
