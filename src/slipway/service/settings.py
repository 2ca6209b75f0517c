"""How the service is set up: a second table of settings, made as the first (`slipway.settings`).

Order, later wins: default, `[service]` in `~/.config/slipway/config.toml`, the original's environment (`environment.py`),
`SLIPWAY_SERVICE_*` environment, command line. Secrets have no option; `SLIPWAY_SERVICE_*_FILE` names a file that holds one.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from slipway.errors import UsageError
from slipway.service.environment import understood
from slipway.settings import convert, declared, from_file, read_config, setting

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "SLIPWAY_SERVICE_"
_DAY = 86400
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Sizes in bytes, times in seconds. What may hold a password does not show in `repr`."""

    data: str = setting(
        "directory for the database and the artifacts; empty: `service` beside the store", default=""
    )
    database: str = setting(
        "address of the database, sqlite:///PATH or postgresql://USER@HOST/NAME; empty: SQLite in `data`",
        default="",
        repr=False,
    )
    artifacts: str = setting("directory of the artifacts, or s3; empty: in `data`", default="")
    host: str = setting("address to listen on", default="127.0.0.1")
    port: int = setting("port to listen on; 0 takes any that is free", default=9000)
    public_url: str = setting(
        "how clients reach the service, for the addresses it gives out; empty: by the address it listens on",
        default="",
    )
    tls_certificate: str = setting("PEM file with the certificate and its chain; empty: no TLS", default="")
    tls_key: str = setting("PEM file with the certificate's key", default="")
    s3_endpoint: str = setting("address of the S3 server; empty: Amazon's", default="")
    s3_access_key: str = setting("access key for S3", default="", secret=True, repr=False)
    s3_secret_key: str = setting("secret key for S3", default="", secret=True, repr=False)
    s3_region: str = setting("region of the S3 server", default="")
    s3_ca: str = setting("PEM file of authorities to trust for S3; empty: the usual", default="")
    s3_verify: bool = setting("check the certificate of the S3 server", default=True)
    s3_connect_timeout: float = setting("seconds to wait for a connection to S3", default=60.0)
    s3_read_timeout: float = setting("seconds to wait for an answer of S3", default=60.0)
    recipes_bucket: str = setting("bucket of recipes", default="ims")
    images_bucket: str = setting("bucket of images", default="boot-images")
    url_seconds: int = setting("seconds for which signed addresses of artifacts are good", default=432000)
    manifest_limit: int = setting("bytes that a manifest may have", default=1048576)
    deletion_wait: float = setting("seconds that a deletion waits for its objects to be moved", default=2.0)
    keep_deleted: float = setting(
        "seconds after which deleted records go for ever (0: when somebody says so)", default=0.0
    )
    keep_events: float = setting("seconds for which the audit trail is kept (0: for ever)", default=0.0)
    keep_uploads: float = setting(
        "seconds without a new part after which an upload in parts is given up (0: never; at least a day)",
        default=604800.0,
    )
    default_image_size: int = setting("GiB for the build of an image, unless the job says", default=60)
    default_job_memory: int = setting("GiB of memory for a job, unless the job says", default=8)
    job_namespace: str = setting("Kubernetes namespace in the records of jobs", default="ims")
    job_dkms: bool = setting("whether jobs that customize need DKMS, unless they say", default=True)
    customer_subnet: str = setting("subnet in the host names of SSH containers", default="cmn")
    customer_domain: str = setting("domain in the host names of SSH containers", default="shasta.local")
    issuer: str = setting(
        "OIDC issuer whose tokens let callers in; empty: everyone who reaches the service is admin",
        default="",
    )
    audience: str = setting("what the `aud` of a token has to name; needed with an issuer", default="")
    roles_claim: str = setting(
        "claim with the roles, with dots for claims in claims (realm_access.roles)", default="roles"
    )
    insecure_public: bool = setting("listen on a public address without an issuer", default=False)
    request_limit: int = setting("bytes that the body of a request may have, uploads apart", default=1 << 20)
    upload_limit: int = setting("bytes that an upload may have (0: any number)", default=0)
    rate: float = setting("requests in a second for each caller (0: as many as come)", default=0.0)
    connections: int = setting(
        "connections at a time; beyond it the one goes that has waited longest without asking anything",
        default=16000,
    )
    log_level: str = setting(f"what is logged: {', '.join(LOG_LEVELS)}", default="info")

    def __post_init__(self) -> None:
        if self.log_level not in LOG_LEVELS:
            raise UsageError(f"log_level is {', '.join(LOG_LEVELS)}, not {self.log_level[:20]!r}")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"{self.port} is not a port")
        if self.issuer and not self.audience:
            raise UsageError(
                "an issuer needs an audience",
                hint="without it, tokens that were made for other services would be good here",
            )
        if 0 < self.keep_uploads < _DAY:
            raise UsageError(
                "keep_uploads is less than a day",
                hint="a part that is still on its way shows in no list: uploads under way would be given up",
            )
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise UsageError("tls_certificate and tls_key go together")
        if wrong := [f.name for f in declared(type(self)) if _negative(getattr(self, f.name))]:
            raise UsageError(f"{wrong[0]} must not be negative")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def with_(self, **changes: Any) -> ServiceSettings:
        """A copy with the changes that are not None."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})


def env_name(name: str) -> str:
    return _PREFIX + name.upper()


def load(environ: Mapping[str, str] | None = None) -> tuple[ServiceSettings, tuple[str, ...]]:
    """Settings from file and environment, and the names of variables of the original that mean nothing here."""
    environ = os.environ if environ is None else environ
    types = get_type_hints(ServiceSettings)
    names = {f.name for f in declared(ServiceSettings)}
    place, data = read_config(environ)
    table = data.get("service", {})
    if not isinstance(table, dict):
        raise UsageError(f"{place}: service is not a table", hint="begin it with a line [service]")
    values = from_file(f"{place}: [service]", table, names, types)
    original = understood(environ)
    for name, (variable, text) in original.values.items():
        values[name] = convert(text, types[name], variable)
    for name in names:
        if own := _own(name, environ):
            values[name] = convert(own[0], types[name], own[1])
    return ServiceSettings(**values), original.ignored


def _own(name: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The text of our variable for that setting, or of the file that it names, and the variable."""
    variable = env_name(name)
    if (text := environ.get(variable)) is not None:
        return text, variable
    if not (path := environ.get(f"{variable}_FILE")):
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip(), f"{variable}_FILE"
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{variable}_FILE: {path} cannot be read: {reason}") from error


def _negative(value: object) -> bool:
    return isinstance(value, int | float) and value < 0
