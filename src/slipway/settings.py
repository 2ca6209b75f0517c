"""One table of settings: a field is declared once here; environment, file, command line and docs come from it.

Order, later wins: default, `~/.config/slipway/config.toml`, `SLIPWAY_*` environment, command line.
"""

from __future__ import annotations

import os
from dataclasses import field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from slipway.errors import UsageError
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import Field


_BOOLEANS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


def setting(help_text: str, *, secret: bool = False, **kw: Any) -> Any:
    """A field of a table of settings. What is `secret` has no option: command lines can be read by everyone on a machine."""
    return field(metadata={"help": help_text, "secret": secret}, **kw)


@value
class Settings:
    """What a run may vary without changing the recipe. All paths are absolute after `load`."""

    store: Path = setting("where images are kept (an OCI image layout)")
    cache: Path = setting("where downloads, fragments and package indexes are kept; safe to delete")
    workers: int = setting(
        "threads for downloads and conversions (0: four, or more on more cores)", default=0
    )
    compression: str = setting("compression of layers: gzip (every engine reads it) or zstd", default="gzip")
    max_age: int = setting(
        "seconds for which an answer of a mirror, index or web server is used again without asking (0: always ask)",
        default=86400,
    )
    mirror: str = setting("Debian mirror; empty: what APT on this machine uses", default="")
    keyring: str = setting("keyring for Debian indexes; empty: the Debian archive keyring", default="")
    python_index: str = setting("Python package index; empty: what pip on this machine uses", default="")
    registry_mirror: str = setting(
        "registry to ask instead of Docker Hub (HOST[:PORT], or http://HOST[:PORT])", default=""
    )
    plain_http: str = setting(
        "registries to talk to without TLS, as HOST[:PORT] with spaces between (loopback needs no mention)",
        default="",
    )
    offline: bool = setting("use no network; what is not here is an error", default=False)
    timeout: float = setting("seconds without a byte before a download is tried again", default=30.0)
    docker_host: str = setting(
        "Docker API address for --load and --engine docker; empty: DOCKER_HOST, then the usual socket",
        default="",
    )
    ssh_host_keys: str = setting(
        "keys of SSH servers (scp, sftp, git): strict (only those in known_hosts), accept-new (take a new server's "
        "key over into known_hosts), or off (any key: whoever is on the way can pretend to be the server)",
        default="strict",
    )
    advisories_max_age: int = setting(
        "days after which advisories are too old for a scan to be complete (0: never)", default=7
    )
    aws_role: str = setting(
        "ARN of a role to take on when Amazon's registry is asked for its findings; empty: none", default=""
    )
    server: str = setting(
        "address of the image service for the commands that ask one, where its paths begin",
        default="http://127.0.0.1:9000",
    )
    token_file: str = setting(
        "file with the token for the image service, read again when it changes; empty: SLIPWAY_TOKEN, or client "
        "credentials in OAUTH_CONFIG_DIR",
        default="",
    )
    # What the recipe at hand says on proxies, as (NAME, value): nobody sets it, so it is not in the table.
    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.compression not in ("gzip", "zstd"):
            raise UsageError(f"compression is gzip or zstd, not {self.compression!r}")
        if self.ssh_host_keys not in ("strict", "accept-new", "off"):
            raise UsageError(f"ssh_host_keys is strict, accept-new or off, not {self.ssh_host_keys!r}")
        if min(self.max_age, self.workers, self.advisories_max_age) < 0 or self.timeout <= 0:
            raise UsageError(
                "max_age, workers and advisories_max_age must not be negative, timeout must be positive"
            )

    @property
    def threads(self) -> int:
        return self.workers or max(4, (os.cpu_count() or 1) * 2)

    def with_(self, **changes: Any) -> Settings:
        """A copy with the changes that are not None."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})


def declared(table: type = Settings) -> list[Field[Any]]:
    """The settings: what options, variables, file and documentation are made from."""
    return [f for f in fields(table) if "help" in f.metadata]


def env_name(name: str) -> str:
    return "SLIPWAY_" + name.upper()


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the file and the environment; `UsageError` names the variable or key that is wrong."""
    environ = os.environ if environ is None else environ
    home = Path(environ.get("HOME") or Path.home())
    values: dict[str, Any] = {
        "store": Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / "slipway" / "store",
        "cache": Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "slipway",
    }
    types = get_type_hints(Settings)
    names = {f.name for f in declared()}
    place, data = read_config(environ)
    data.pop("service", None)  # has a table of its own: service/settings.py
    values.update(from_file(place, data, names, types))
    for name in names:
        if (text := environ.get(env_name(name))) is not None:
            values[name] = convert(text, types[name], env_name(name))
    for name in ("store", "cache"):
        values[name] = Path(os.path.abspath(Path(values[name]).expanduser()))  # noqa: PTH100 - no symlink resolution
    return Settings(**values)


def source_date_epoch(environ: Mapping[str, str] | None = None) -> int | None:
    """SOURCE_DATE_EPOCH (reproducible-builds.org): no time in an image shall be later; in Unix seconds."""
    text = (os.environ if environ is None else environ).get("SOURCE_DATE_EPOCH", "")
    if text and not text.isdigit():
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}, not a number of seconds")
    return int(text) if text else None


def read_config(environ: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The path of the configuration file, and what it says: nothing where there is none."""
    home = Path(environ.get("HOME") or Path.home())
    path = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "slipway" / "config.toml"
    if not path.is_file():
        return str(path), {}
    import tomllib

    try:
        return str(path), tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error


def from_file(
    place: str, data: Mapping[str, Any], names: set[str], types: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of one table of the file; `UsageError` names the key that is unknown or wrong."""
    for key in data:
        if key not in names:
            raise UsageError(f"{place}: unknown setting {key!r}", hint=f"known: {', '.join(sorted(names))}")
    return {k: convert(str(v), types[k], f"{place}: {k}") for k, v in data.items()}


def convert(text: str, kind: Any, name: str) -> Any:
    """The text as a value of that type; `UsageError` names what it was for."""
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise UsageError(f"{name}: {text!r} is not true or false")
        return _BOOLEANS[text.lower()]
    try:
        return kind(text)
    except ValueError as error:
        raise UsageError(f"{name}: {text!r} is not a valid {kind.__name__}") from error
