"""Whom to trust and as whom to log in, by the files of this machine."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import FetchError
from slipway.values import value

if TYPE_CHECKING:
    import ssl

REGISTRY_CERTIFICATES = ("/etc/docker/certs.d", "/etc/containers/certs.d")


@value
class Certificates:
    """PEM files: further `authorities`, and `own` pairs of a certificate and its key to show to servers that ask."""

    authorities: tuple[str, ...] = ()
    own: tuple[tuple[str, str], ...] = ()


def registry_certificates(host: str) -> Certificates:
    """What is in a registry's directory: authorities in `*.crt`, own certificates in `*.cert` with `*.key`.

    `host` is `HOST[:PORT]`. The layout is Docker's (manual: "Verify repository client with certificates"), the second
    place that of podman and skopeo (containers-certs.d(5)).
    """
    authorities: list[str] = []
    own: list[tuple[str, str]] = []
    for place in REGISTRY_CERTIFICATES:
        directory = Path(place) / host
        authorities += sorted(map(str, directory.glob("*.crt")))
        own += [(str(c), str(c.with_suffix(".key"))) for c in sorted(directory.glob("*.cert"))]
    return Certificates(tuple(authorities), tuple(own))


def trust(certificates: Certificates) -> ssl.SSLContext:
    """The authorities in SSL_CERT_FILE and SSL_CERT_DIR, or those of the machine when none is set; and the given ones."""
    places = (os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))
    try:
        return _context(*places, certificates)
    except OSError as error:
        files = [*certificates.authorities, *(name for pair in certificates.own for name in pair)]
        raise FetchError(
            f"the certificate authorities cannot be read: {error}",
            details="\n".join(files),
            hint="check SSL_CERT_FILE and SSL_CERT_DIR" + (", and the files above" if files else ""),
        ) from error


@functools.cache
def _context(file: str, directory: str, certificates: Certificates) -> ssl.SSLContext:
    import ssl

    import httpx2

    if file or directory:
        context = ssl.create_default_context(cafile=file or None, capath=directory or None)
    else:
        context = httpx2.create_ssl_context(trust_env=False)
    for authority in certificates.authorities:
        context.load_verify_locations(authority)
    for certificate, key in certificates.own:
        context.load_cert_chain(certificate, key)
    return context


def netrc_login(host: str) -> tuple[str, str] | None:
    """User and password for exactly this host; a `default` entry is for no download of ours."""
    import netrc

    path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")  # noqa: PTH111 - never fails without a home
    try:
        login = netrc.netrc(path).hosts.get(host)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, netrc.NetrcParseError) as error:
        raise FetchError(
            f"{path} cannot be read: {error}", hint="correct it, or name another file in NETRC"
        ) from error
    return (login[0], login[2] or "") if login else None
