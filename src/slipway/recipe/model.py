"""What a recipe says, as values. Made by `slipway.recipe.load`; nothing here reads or writes."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from slipway.values import value

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.errors import Where


@value
class DebianBase:
    """A base made from Debian packages: `{debian: bookworm, variant: minbase, packages: [...]}`.

    `suite` is a codename or a moving name such as `stable`.
    """

    suite: str = "stable"
    packages: tuple[str, ...] = ()
    variant: Literal["essential", "apt", "minbase"] = "minbase"
    where: Where | None = None


@value
class LayoutBase:
    """A base image in an OCI layout on disk: `oci:DIR[:TAG]`; `path` is absolute, `written` as in the recipe."""

    path: Path
    tag: str = ""
    where: Where | None = None
    written: str = field(default="", compare=False)


@value
class ScratchBase:
    """Nothing at all below."""

    where: Where | None = None


@value
class RegistryBase:
    """A base image in a registry, as written (`python:3.12-slim`)."""

    reference: str
    where: Where | None = None


Base = DebianBase | LayoutBase | ScratchBase | RegistryBase


@value
class FileItem:
    """One item of `files`: bring `source` in as `dest` (relative to the workspace, normalised, never upward).

    `source` is as written: a path (relative ones are against the recipe's directory) or a URL. `sha256` (hex) is what its
    content must have, or empty. `mode` is that of the file, or None to keep the source's; `owner` is `UID[:GID]`, or
    empty for root. With `extract` the source is an archive (tar, zip) whose content is put at `dest`.
    """

    dest: str
    source: str
    where: Where
    sha256: str = ""
    mode: int | None = None
    owner: str = ""
    extract: bool = False


@value
class Repository:
    """One source tree from git, without its history, brought in at `dest` (relative to the workspace, never upward).

    `commit` is a branch, a tag, or a commit id that may be shortened; empty for the branch that the repository calls
    its own. `url` is as written: it may hold a login, and relative paths are against the recipe's directory. `ssh_key`
    is the text of a private key. `verify_tls` is False where certificates are not to be checked.
    With `requirements` the tree's requirements.txt is installed too.
    """

    dest: str
    url: str
    where: Where
    commit: str = ""
    requirements: bool = False
    ssh_key: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    verify_tls: bool = True
    submodules: bool = False
    lfs: bool = False


@value
class Secret:
    """Something a run step may read and no image may hold.

    `source` is `env:NAME` (a variable of whoever builds) or the absolute path of a file; in the step it is the file `target`
    (absolute; default `/run/secrets/ID`).
    """

    id: str
    source: str
    target: str


@value
class RunStep:
    """One item of `run`: a command run in the assembled image; what it changes becomes a layer.

    `command` is an argument list (a line of text is `("/bin/sh", "-c", line)`, several lines have `-ec`). `cache` are directories of the step
    (absolute) that survive between builds and are not in the image.
    """

    command: tuple[str, ...]
    where: Where
    name: str = ""
    env: tuple[tuple[str, str], ...] = ()
    network: bool = False
    cache: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    user: str = ""
    workdir: str = ""


@value
class Instruction:
    r"""One Dockerfile instruction of `cmds` (Docker's Dockerfile reference).

    `keyword` is in capitals. `words`: RUN, CMD and ENTRYPOINT give an argument list (shell form: the SHELL in force is put
    before it later, and the list is the one line); ENV, LABEL and ARG `NAME=value` each (an ARG without default: `NAME`);
    COPY and ADD the sources, then the destination; others what follows. Quotes and backslashes are gone from words that are
    not for a shell; variables are still in them, and `\$` is a dollar sign that stands for none. A here-document of RUN is
    part of its line, and is the line where there is nothing else. `shell` says that RUN, CMD or ENTRYPOINT was in
    shell form. `flags` are `--name=value` in order. `text` is the instruction as written, on one line.
    """

    keyword: str
    words: tuple[str, ...]
    where: Where
    text: str
    shell: bool = False
    flags: tuple[tuple[str, str], ...] = ()


@value
class Discovery:
    """What to look for in the workspace: names that match a regular expression, glob patterns, and exact paths."""

    match: tuple[str, ...] = ()
    glob: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@value
class Requirement:
    """One Python requirement as written: PEP 508, a path, an address, or `-e` and one of these; with its place."""

    text: str
    where: Where


@value
class Healthcheck:
    """Docker's health check: `test` as Docker writes it (`["CMD", …]`), times in nanoseconds, 0 means default."""

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    retries: int = 0


@value
class Platform:
    """`linux/amd64`: `arch` is the OCI name (Go's GOARCH)."""

    arch: str
    os: str = "linux"
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(p for p in (self.os, self.arch, self.variant) if p)


@value
class Recipe:
    """A whole recipe. `path` is the file (absolute) and `directory` what relative sources are against.

    `packages` holds those of the snapshot first, and `repositories` its trees. `requirements` tells which requirement files of
    the workspace are installed too, `jobfiles` which files of it are pyATS jobs. `proxy` (upper-case names, as HTTP_PROXY)
    holds while building only. `pre` and `post` are run before and after the Python packages are there, then `run`.
    `snapshot` is the text of the snapshot file, or empty.

    `platforms` is empty when the recipe names none (then: this machine's). `pip_config` is the text for pip.conf, or
    empty. `entrypoint` and `cmd` are None when the recipe leaves them to the default, () when it wants none.
    """

    path: Path
    directory: Path
    text: str = field(repr=False)
    base: Base
    tag: str = ""
    platforms: tuple[Platform, ...] = ()
    apt: tuple[str, ...] = ()
    packages: tuple[Requirement, ...] = ()
    files: tuple[FileItem, ...] = ()
    repositories: tuple[Repository, ...] = ()
    snapshot: str = field(default="", repr=False)
    requirements: Discovery = Discovery()
    jobfiles: Discovery = Discovery()
    proxy: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    pre: tuple[Instruction, ...] = ()
    post: tuple[Instruction, ...] = ()
    run: tuple[RunStep, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    pip_config: str = ""
    workspace: str = "/pyats"
    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: Healthcheck | None = None
