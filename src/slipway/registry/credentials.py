"""Logins for registries, from where Docker and podman keep them.

In this order: `config.json` of Docker (`$DOCKER_CONFIG` or `~/.docker`; its helpers before its `auths`), then
`auth.json` of the containers tools (containers-auth.json(5): `$REGISTRY_AUTH_FILE`, else
`$XDG_RUNTIME_DIR/containers`, else `~/.config/containers`). A helper is a program `docker-credential-NAME` that takes
the registry on standard input and answers in JSON (docker-credential-helpers: Development).
"""

from __future__ import annotations

import json
import os
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import FetchError, ToolError
from slipway.patterns import pattern
from slipway.registry.reference import HUB
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.events import Reporter

HUB_KEY = "https://index.docker.io/v1/"  # how Docker's configuration names Docker Hub
TOKEN_USER = "<token>"  # noqa: S105 - the user name that says: the secret is an identity token
_HELPER = pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_HELPER_PATIENCE = 60.0  # seconds; it may ask its user something


@value
class Login:
    """User and password, or an `identity_token` to be exchanged for access tokens. Never shown."""

    user: str
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def find_login(registry: str, repository: str, reporter: Reporter) -> Login | None:
    """The login for a repository of `registry` (`HOST[:PORT]`), None when there is none.

    `FetchError` when a file cannot be read; a helper that fails is no more than a warning, for many images need no login.
    """
    docker = read_config(docker_config())
    keys = list(_keys(registry, repository))
    if name := helper_for(docker, key_of(registry)):
        try:
            if login := ask_helper(name, key_of(registry)):
                return login
        except ToolError as error:
            reporter.warn(f"no login from docker-credential-{name}: {error.brief}")
    for config in (docker, *map(read_config, _containers_files())):
        if login := _from_auths(config, keys):
            return login
    return None


def docker_config() -> Path:
    """Docker's configuration file, whether it is there or not."""
    directory = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")  # noqa: PTH111 - never fails
    return Path(directory) / "config.json"


def key_of(registry: str) -> str:
    """How Docker's configuration and its helpers name a registry."""
    return HUB_KEY if registry == HUB else registry


def read_config(path: Path) -> dict[str, Any]:
    """The file's JSON object, empty when there is no such file."""
    try:
        data = json.loads(path.read_bytes() or b"{}")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise FetchError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise FetchError(f"{path} is not valid JSON: {error}", hint="correct it, or move it away") from error
    if not isinstance(data, dict):
        raise FetchError(f"{path} does not hold a JSON object", hint="correct it, or move it away")
    return data


def helper_for(config: Mapping[str, Any], key: str) -> str:
    """The helper that keeps the login of this registry, empty when the file itself does."""
    helpers = config.get("credHelpers")
    own = helpers.get(key) if isinstance(helpers, dict) else None
    name = own or config.get("credsStore") or ""
    return name if isinstance(name, str) and _HELPER.match(name) else ""


def run_helper(name: str, verb: str, text: str) -> bytes | None:
    """What the helper says to `text` on its standard input; None when it has no such login, `ToolError` when it fails.

    The protocol is that of docker-credential-helpers; verbs are `get`, `store` and `erase`.
    """
    from slipway.proc import run

    program = f"docker-credential-{name}"
    done = run([program, verb], stdin=text.encode(), timeout=_HELPER_PATIENCE, ok=range(256))
    if done.returncode == 0:
        return done.stdout
    said = done.stdout.decode(errors="replace").strip() or done.stderr.decode(errors="replace").strip()
    if verb != "store" and "credentials not found" in said:  # a fixed text of the protocol
        return None
    raise ToolError(f"{program} failed with status {done.returncode}", details=said[-500:])


def ask_helper(name: str, key: str) -> Login | None:
    """What the helper knows; `ToolError` when it is missing or fails, None when it has nothing for this registry."""
    told = run_helper(name, "get", key)
    if told is None:
        return None
    try:
        data = json.loads(told)
        user, secret = str(data["Username"]), str(data["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"docker-credential-{name} gave an answer that cannot be read") from error
    if user == TOKEN_USER:
        return Login("", identity_token=secret)
    return Login(user, secret) if user else None


def _containers_files() -> Iterator[Path]:
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
        return
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers/auth.json"
    home = os.path.expanduser("~")  # noqa: PTH111 - never fails without a home
    yield Path(os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config") / "containers/auth.json"


def names_of(registry: str) -> tuple[str, ...]:
    """The keys under which the files may hold a registry's login: today's, and those of old versions."""
    hub = (HUB_KEY, f"index.{HUB}") if registry == HUB else ()
    return (registry, *hub, f"https://{registry}", f"https://{registry}/v1/", f"https://{registry}/v2/")


def _keys(registry: str, repository: str) -> Iterator[str]:
    """A login may be for a part of the registry; the most specific comes first (containers-auth.json(5))."""
    parts = repository.split("/") if repository else []
    for count in range(len(parts), 0, -1):
        yield "/".join([registry, *parts[:count]])
    yield from names_of(registry)


def _from_auths(config: Mapping[str, Any], keys: list[str]) -> Login | None:
    auths = config.get("auths")
    if not isinstance(auths, dict):
        return None
    return next((login for key in keys if (login := _login(auths.get(key)))), None)


def _login(entry: Any) -> Login | None:
    if not isinstance(entry, dict):
        return None
    if token := entry.get("identitytoken"):
        return Login("", identity_token=str(token))
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if coded := entry.get("auth"):
        try:
            user, _, password = b64decode(str(coded), validate=True).decode().partition(":")
        except (Base64Error, UnicodeDecodeError):
            return None
    return Login(user, password.rstrip("\0")) if user else None  # old versions of Docker padded with zeros
