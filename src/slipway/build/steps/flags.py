"""Flags of instructions: `RUN --network`, `RUN --mount`, `COPY --chmod`. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from slipway.recipe.model import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_MODE: Final = re.compile(r"0?[0-7]{3,4}")
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ID: Final = re.compile(r"[\w.@-]+", re.ASCII)
_OTHER_WAYS: Final = {
    "bind": "what is copied into the image can be used by RUN: COPY it, or name it in `files`",
    "tmpfs": "write to a directory and remove it in the same RUN",
    "ssh": "give the key as a secret: --mount=type=secret,id=NAME",
}


class Refused(Exception):  # noqa: N818 - becomes a problem of the recipe, with its place
    """An instruction that cannot be carried out, and what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def network(flags: Iterable[tuple[str, str]]) -> bool:
    """Whether a RUN with these flags may use the network; refuses flags that are not known."""
    wired = True
    for name, text in flags:
        if name == "network":
            if text not in ("none", "default", "host"):
                raise Refused(f"{text!r} is no network", "write none, default or host")
            wired = text != "none"
        elif name == "security":
            raise Refused(
                "commands get no more privileges here than in any container", "leave --security out"
            )
        elif name != "mount":
            raise Refused(f"`RUN --{name}` is not known", "known are --network and --mount")
    return wired


def mounts(
    texts: Iterable[str], source: Callable[[str], str], workdir: str
) -> tuple[tuple[str, ...], tuple[Secret, ...]]:
    """Directories that are caches, and secrets, from the values of `--mount`; `source` tells where the secret of an id comes from.

    A cache is known by its path: `id` is not needed, and as caches belong to the command's user and are used by one command at a
    time, `uid`, `gid`, `mode` and `sharing` are neither.
    """
    caches: list[str] = []
    secrets: list[Secret] = []
    for text in texts:
        rest = dict(_fields(text))
        kind = rest.pop("type", "bind")
        target = _last(rest, "target", "dst", "destination")
        if kind == "cache":
            _only(rest, kind, ("id", "sharing", "uid", "gid", "mode"))
            if not target:
                raise Refused("a cache needs a `target`")
            place = posixpath.normpath(posixpath.join(workdir, target))
            if place == "/":
                raise Refused("the root cannot be a cache")
            caches.append(place)
        elif kind == "secret":
            secrets.append(_secret(rest, target, source, workdir))
        else:
            raise Refused(f"`RUN --mount=type={kind}` cannot be used here", _OTHER_WAYS.get(kind, ""))
    return tuple(dict.fromkeys(caches)), tuple(secrets)


def chmod(text: str) -> int:
    if not _MODE.fullmatch(text):
        raise Refused(f"{text!r} is no mode", "write it in octal digits: 0755")
    return int(text, 8)


def _secret(rest: dict[str, str], target: str, source: Callable[[str], str], workdir: str) -> Secret:
    _only(rest, "secret", ("id", "env", "required", "uid", "gid", "mode"))
    identity = rest.get("id") or posixpath.basename(target)
    variable = rest.get("env", "")
    if not _ID.fullmatch(identity):
        raise Refused("a secret needs an `id` of letters, digits, and `._-@`")
    if variable:
        if target or not _NAME.fullmatch(variable):
            raise Refused("a secret is either a file (`target`) or a variable (`env`)")
        return Secret(identity, source(identity), f"env:{variable}")
    place = posixpath.normpath(posixpath.join(workdir, target)) if target else f"/run/secrets/{identity}"
    return Secret(identity, source(identity), place)


def _fields(text: str) -> Iterable[tuple[str, str]]:
    for part in text.split(","):
        name, _, given = part.partition("=")
        yield name.strip().lower(), given.strip().strip("\"'")


def _last(rest: dict[str, str], *names: str) -> str:
    found = [rest.pop(name) for name in names if name in rest]
    return found[-1] if found else ""


def _only(rest: dict[str, str], kind: str, known: Sequence[str]) -> None:
    for name in rest:
        if name not in known:
            raise Refused(f"`{name}` of a {kind} is not known", f"known are target, {', '.join(known)}")
