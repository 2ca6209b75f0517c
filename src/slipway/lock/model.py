"""A lock as values: every input of an image, for each platform, pinned by its hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.build.installation.model import Init
    from slipway.distro.model import DebianResolution
    from slipway.python.model import PythonResolution, PythonTarget

FORMAT = 1


@value
class LockedBase:
    """A base image that exists: `reference` as in the recipe, `digest` of its manifest for the platform."""

    reference: str
    digest: str


@value
class LockedFile:
    """One item of `files`: `sha256` (hex) is of a file's content or of a tree's listing, `size` in bytes, `mode` a file's.

    `owner` is `UID[:GID]`, or empty for root; `archive` is the hash (hex) of what a tree was unpacked from, if it was.
    """

    dest: str
    source: str
    kind: Literal["file", "tree"]
    sha256: str
    size: int
    mode: int = 0o644
    owner: str = ""
    archive: str = ""


@value
class LockedRepository:
    """One item of `repositories`: `commit` is the full id, `sha256` (hex) of its tree's listing, `size` of its files in bytes.

    `heads` and `tags` were of just that commit: an image says so.
    """

    dest: str
    url: str
    commit: str
    sha256: str
    size: int
    heads: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@value
class LockedPlatform:
    """The inputs for one platform (`os/arch[/variant]`); `target` is set where `python` is.

    Without `init` the image has only the entrypoint of its recipe or base.
    """

    platform: str
    debian: DebianResolution | None = None
    base: LockedBase | None = None
    python: PythonResolution | None = None
    target: PythonTarget | None = None
    files: tuple[LockedFile, ...] = ()
    repositories: tuple[LockedRepository, ...] = ()
    init: Init | None = None


@value
class Lock:
    """`recipe` is the recipe as plain data (`slipway.recipe.plain`), without comments and passwords.

    `compression` names the compressor with its release and level, on which the bytes of layers depend;
    `epoch` is SOURCE_DATE_EPOCH, or None.
    """

    recipe: Mapping[str, Any]
    platforms: tuple[LockedPlatform, ...]
    compression: str
    epoch: int | None = None
