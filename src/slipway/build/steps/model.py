"""Steps of a build as values: what is run or copied over the layers below, and what that determines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.values import value

if TYPE_CHECKING:
    from slipway.errors import Where
    from slipway.recipe.model import Secret


@value
class Step:
    """A command over everything below; what it changes is one layer.

    `name` is for people and unique in its image; `text` is the instruction as written. `env` is all of the
    environment, in order. `caches` and `secrets` are mounted while it runs and are not in the layer; a secret whose target
    is `env:NAME` is that variable instead of a file. `directories` (of WORKDIR) are made before, where they are missing.
    """

    name: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    text: str
    where: Where
    user: str = ""
    workdir: str = "/"
    network: bool = False
    caches: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    directories: tuple[str, ...] = ()


@value
class Copy:
    """COPY or ADD: paths of the build's files (relative to the workspace) that go to `dest`, an absolute path of the image.

    `dest` ends in `/` when it is a directory. `owner` is `UID:GID` in numbers or names of the image, or empty for root; `mode` is
    None to keep those of the sources. `directories` (of WORKDIR) are made where they are missing; without sources there is
    no more to it.
    """

    name: str
    sources: tuple[str, ...]
    dest: str
    text: str
    where: Where
    owner: str = ""
    mode: int | None = None
    directories: tuple[str, ...] = ()


@value
class Program:
    """What `cmds` and `run` amount to: steps before the Python packages, steps after them, and the settings at the end.

    The settings are those that instructions change: environment (only what was set), labels, ports, volumes, and user,
    directory, command, entrypoint (None: not touched).
    """

    pre: tuple[Step | Copy, ...] = ()
    post: tuple[Step | Copy, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    user: str | None = None
    workdir: str | None = None
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None


def variable_of(secret: Secret) -> str:
    """The variable that a secret is in its step; empty when it is a file."""
    kind, colon, name = secret.target.partition(":")
    return name if kind == "env" and colon else ""
