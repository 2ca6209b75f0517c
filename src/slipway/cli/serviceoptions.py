"""The settings of the service as options: what is secret has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slipway.errors import UsageError
from slipway.service.settings import ServiceSettings, env_name, load
from slipway.settings import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_FORMS: dict[str, dict[str, Any]] = {
    "int": {"type": int, "metavar": "N"},
    "float": {"type": float, "metavar": "N"},
    "str": {"type": str, "metavar": "TEXT"},
}


def options_for(names: Collection[str] = ()) -> Callable[[click.Command], click.Command]:
    """Give a command an option for each setting, or for those of `names`."""

    def add(command: click.Command) -> click.Command:
        for f in declared(ServiceSettings):
            if not f.metadata["secret"] and (not names or f.name in names):
                command.params.append(_option(f.name, str(f.type), str(f.metadata["help"]), f.default))
        return command

    return add


def _option(name: str, kind: str, text: str, default: Any) -> click.Option:
    flag = f"--{name.replace('_', '-')}"
    said = f"{text[0].upper()}{text[1:]}."
    if kind == "bool":
        off = f"{flag}/--no-{flag[2:]}" if default else flag
        return click.Option([off], default=None, is_flag=True, help=said)
    shown = f" Default: {default}." if default != "" else ""
    return click.Option([flag], help=said + shown, **_FORMS[kind])


def service_settings(given: Mapping[str, Any]) -> tuple[ServiceSettings, tuple[str, ...]]:
    """Settings from file, environment and options, and variables that mean nothing. `UsageError` for a password on the command line."""
    database = given.get("database")
    if database and _password(database):
        raise UsageError(
            "a password on a command line can be read by everyone on the machine",
            hint=f"put the address into {env_name('database')}, or into a file that {env_name('database')}_FILE names",
        )
    settings, ignored = load()
    return settings.with_(**given), ignored


def _password(address: str) -> bool:
    from urllib.parse import parse_qs, urlsplit

    try:
        parts = urlsplit(address)
        return bool(parts.password) or "password" in parse_qs(parts.query)
    except ValueError:
        return False  # whoever opens it says what is wrong
