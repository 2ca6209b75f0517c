"""Keep and forget logins where Docker does: with its helper if one is configured, else in its `config.json`."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from slipway.errors import FetchError
from slipway.events import Reporter
from slipway.files import atomic
from slipway.registry.api import open_api
from slipway.registry.credentials import (
    docker_config,
    helper_for,
    key_of,
    names_of,
    read_config,
    run_helper,
)
from slipway.registry.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.settings import Settings


def check_login(registry: str, user: str, password: str, settings: Settings) -> bool:
    """Log in, and out again; `FetchError` when the registry refuses. False when it does not even ask for a login."""
    place = Reference(registry, "")
    with open_api(place, [], settings, Reporter(), push=True, login=(user, password)) as api:

        def attempt() -> bool:
            with api.request("GET", api.root, ok=(200,)):
                return api.challenged

        try:
            return api.retry(attempt)
        except FetchError as error:
            if error.status not in (401, 403):
                raise
            raise FetchError(
                f"{registry} refuses this user or password", details=error.details, status=error.status
            ) from error


def save_login(registry: str, user: str, password: str) -> str:
    """Keep the login, in place of another for the same registry; where it is now: a helper's program, or a file."""
    path, key = docker_config(), key_of(registry)
    config = read_config(path)
    if name := helper_for(config, key):
        entry = {"ServerURL": key, "Username": user, "Secret": password}
        run_helper(name, "store", json.dumps(entry))
        return f"docker-credential-{name}"
    coded = b64encode(f"{user}:{password}".encode()).decode()
    _write(path, {**config, "auths": {**_auths(config), key: {"auth": coded}}})
    return str(path)


def forget_login(registry: str) -> bool:
    """Forget what is kept for the registry; False when nothing was."""
    path, key = docker_config(), key_of(registry)
    config = read_config(path)
    gone = False
    if name := helper_for(config, key):
        gone = run_helper(name, "erase", key) is not None
    auths = _auths(config)
    if found := auths.keys() & set(names_of(registry)):
        _write(path, {**config, "auths": {k: v for k, v in auths.items() if k not in found}})
        gone = True
    return gone


def _auths(config: dict[str, Any]) -> dict[str, Any]:
    auths = config.get("auths")
    return auths if isinstance(auths, dict) else {}


def _write(path: Path, config: dict[str, Any]) -> None:
    path = path.resolve()  # people keep it elsewhere and have a link here
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with atomic(path, durable=True, mode=0o600) as file:
        file.write(json.dumps(config, indent="\t", ensure_ascii=False).encode() + b"\n")
