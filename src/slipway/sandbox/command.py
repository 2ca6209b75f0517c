"""What a command in an image is: argument list, environment, directory and user, as Docker derives them from a config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Command:
    """`user` is as in a config: empty, `name`, `uid`, and either with `:group`."""

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    user: str


def command(
    config: Mapping[str, Any],
    argv: Sequence[str],
    *,
    entrypoint: Sequence[str] | None = None,
    env: Mapping[str, str],
    workdir: str = "",
    user: str = "",
) -> Command:
    """Combine an image's settings (`config` of image-spec's config.md) with what the caller asks for.

    `argv` replaces Cmd and is given to Entrypoint; `entrypoint` replaces Entrypoint and drops Cmd. `UsageError` when there
    is nothing to run or the directory is not absolute.
    """
    head = list(config.get("Entrypoint") or []) if entrypoint is None else list(entrypoint)
    tail = list(argv) or (list(config.get("Cmd") or []) if entrypoint is None else [])
    whole = tuple(str(a) for a in (*head, *tail))
    if not whole:
        raise UsageError("the image names no command to run", hint="give one after --")
    if not whole[0] or any("\0" in a for a in whole):
        raise UsageError(f"{whole[0]!r} cannot be run")
    cwd = workdir or config.get("WorkingDir") or "/"
    if not cwd.startswith("/"):
        raise UsageError(f"the working directory {cwd!r} is not absolute")
    variables = {"PATH": _PATH}
    for line in config.get("Env") or []:
        name, _, value = str(line).partition("=")
        variables[name] = value
    variables.update(env)
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise UsageError(f"{name!r} cannot be an environment variable")
    return Command(whole, variables, cwd, user or str(config.get("User") or ""))
