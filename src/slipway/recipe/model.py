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

    `source` is as written: a path (relative ones are against the recipe's directory) or an http(s) URL.
    """

    dest: str
    source: str
    where: Where


@value
class Requirement:
    """One Python requirement as written (PEP 508), with its place."""

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

    `platforms` is empty when the recipe names none (then: this machine's). `pip_config` is the text for pip.conf, or
    empty. `entrypoint` and `cmd` are None when the recipe leaves them to the default, () when it wants none.
    """

    path: Path
    directory: Path
    text: str
    base: Base
    tag: str = ""
    platforms: tuple[Platform, ...] = ()
    apt: tuple[str, ...] = ()
    packages: tuple[Requirement, ...] = ()
    files: tuple[FileItem, ...] = ()
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
