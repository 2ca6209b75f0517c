"""Where Debian and Python packages come from on this machine, in forms that containers can use too."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from slipway.distro.mirror import find_mirror
from slipway.python import pipconf
from slipway.settings import load

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True, slots=True)
class Indexes:
    """Where pip looks on this machine, but directories are replaced by addresses of the benchmark's server.

    So everybody fetches the same packages in the same way. `served` are the directories by the name they have there.
    """

    options: Mapping[str, str]
    served: Mapping[str, Path]

    @classmethod
    def of_machine(cls, address: str, environ: Mapping[str, str]) -> Indexes:
        served: dict[str, Path] = {}

        def reachable(place: str) -> str:
            if "://" in place and not place.startswith("file:"):
                return place
            path = Path(unquote(urlsplit(place).path)) if place.startswith("file:") else Path(place)
            name = f"index{len(served)}"
            served[name] = path.parent  # links in an index may lead to the directory beside it
            return f"{address}/{name}/{path.name}/"

        given = pipconf.of_machine(environ)
        options = {
            key: " ".join(reachable(place) for place in given[key].split())
            for key in ("index-url", "extra-index-url", "find-links")
            if given.get(key)
        }
        return cls(options | {k: given[k] for k in ("no-index", "trusted-host") if given.get(k)}, served)

    def pip_conf(self) -> str:
        trusted = " ".join(["127.0.0.1", *self.options.get("trusted-host", "").split()])
        options = {**self.options, "trusted-host": trusted, "break-system-packages": "true"}
        return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())

    def uv_toml(self) -> str:
        """The same for uv (its documentation: Settings)."""
        lines = []
        if url := self.options.get("index-url"):
            lines.append(f'index-url = "{url}"')
        if extra := self.options.get("extra-index-url"):
            lines += [f"extra-index-url = {_listed(extra)}", 'index-strategy = "unsafe-best-match"']
        if links := self.options.get("find-links"):
            lines.append(f"find-links = {_listed(links)}")
        if trusted := self.options.get("trusted-host"):
            lines.append(f"allow-insecure-host = {_listed(trusted)}")
        return "".join(f"{line}\n" for line in lines)


def apt_sources(suite: str) -> str:
    """The mirror of this machine, for a container (sources.list(5))."""
    mirror = find_mirror(load())
    rows = [(mirror.archive, suite), (mirror.archive, f"{suite}-updates")]
    if mirror.security:
        rows.append((mirror.security, f"{suite}-security"))
    return "".join(f"deb [signed-by={_KEYRING}] {url} {name} main\n" for url, name in rows)


def certificates(environ: Mapping[str, str]) -> bytes:
    """The certificate authorities that programs on this machine trust."""
    named = [environ.get(name, "") for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    named.append(pipconf.of_machine(environ).get("cert", ""))
    return next((Path(n) for n in named if n and Path(n).is_file()), Path(_BUNDLE)).read_bytes()


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would tell pip, uv and Docker of other places than the benchmark's."""
    told = ("PIP_", "UV_", "SLIPWAY_", "DOCKER_", "BUILDKIT_", "BUILDX_", "BUILDAH_", "VIRTUAL_ENV", "PYTHON")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(told) or k == "PIP_CERT"}
    return kept | more


def _listed(words: str) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words.split()) + "]"
