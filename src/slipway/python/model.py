"""What the Python part speaks of, as values: the target, a distribution, and a whole resolution."""

from __future__ import annotations

import posixpath
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from slipway.errors import UsageError
from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.errors import SlipwayError

_VERSION = pattern(r"3\.\d+(\.\d+)?\Z")
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@value
class PythonTarget:
    """The interpreter that packages are for: CPython in an image.

    `version` is `3.13` or in full `3.13.5`; `executable` is its absolute path in the image; `arch` is the OCI name
    (amd64, arm64); `glibc` is the C library's version, None when it is not known (then 2.17 is taken, which is
    older than any in use). `UsageError` for what no packages can be chosen for.
    """

    version: str
    executable: str
    arch: str
    glibc: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not _VERSION.match(self.version):
            raise UsageError(f"{self.version!r} is not a version of Python such as 3.13 or 3.13.5")
        if self.arch not in _MACHINES:
            raise UsageError(
                f"no Python packages can be chosen for the architecture {self.arch!r}",
                hint=f"known: {', '.join(_MACHINES)}",
            )
        if not self.executable.startswith("/"):
            raise UsageError(f"the interpreter {self.executable!r} is not an absolute path")

    @property
    def pair(self) -> tuple[int, int]:
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def short(self) -> str:
        """`3.13`"""
        return "{}.{}".format(*self.pair)

    @property
    def full(self) -> str:
        """`3.13.5`; the first release of its line when the last number is not known."""
        return self.version if self.version.count(".") == 2 else f"{self.version}.0"

    @property
    def tag(self) -> str:
        """`cp313`"""
        return "cp{}{}".format(*self.pair)

    @property
    def machine(self) -> str:
        """The kernel's name of the architecture: `x86_64`, `aarch64`."""
        return _MACHINES[self.arch]

    @property
    def libc(self) -> tuple[int, int]:
        return self.glibc or (2, 17)

    def site_packages(self, prefix: str) -> str:
        return posixpath.join(prefix, "lib", f"python{self.short}", "site-packages")

    @property
    def markers(self) -> dict[str, str]:
        """The environment for markers (PyPA specification: dependency specifiers, Environment Markers)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.full,
            "python_version": self.short,
            "sys_platform": "linux",
        }


@value
class Origin:
    """Where a distribution comes from that was not asked for by name alone (PyPA specification: direct URL data structure).

    `url` is that of an archive, of a repository, or `file:///…` of something in the image; without credentials. `commit`
    is the full id where it is a repository, `revision` what was asked for, and `described` the tag near it that its build is told.
    `sha256` (hex) is of the archive at `url`.
    An `editable` one is imported from the tree at `url`, or for a repository from `$WORKSPACE/src/NAME`.
    """

    kind: Literal["archive", "directory", "vcs"]
    url: str
    sha256: str = ""
    commit: str = ""
    revision: str = ""
    subdirectory: str = ""
    editable: bool = False
    described: str = ""


@value
class Dist:
    """One file to install from: a wheel, or a source distribution that a wheel is to be built from.

    `name` is canonical; `url` has no credentials in it; `sha256` is hex; `size` is in bytes, 0 when the index does not say.
    `path` is that of an archive or source tree in the workspace, relative to it. A tree (of the workspace, of a directory,
    from a repository) counts as the source distribution that `slipway.python.archive` makes of it, and has no `url` of its own
    beside that in its `origin`. `root` stands for the layers over which it has to be compiled; it is empty for what
    is the same everywhere, and for what nobody has tried to build yet.
    """

    name: str
    version: str
    filename: str
    url: str
    sha256: str
    size: int = 0
    sdist: bool = False
    path: str = ""
    origin: Origin | None = None
    root: str = ""


class CompilingNeeded(Exception):  # noqa: N818 - tells the trunk to plan anew, and never leaves it
    """Distributions that cannot be built on this machine for all others: `reasons` says why, by name."""

    def __init__(self, reasons: Mapping[str, SlipwayError]) -> None:
        super().__init__(", ".join(sorted(reasons)))
        self.reasons = dict(reasons)


@value
class PythonResolution:
    """All that gets installed: `dists` sorted by name, `requested` the canonical names that were asked for by name,
    `pylock` the text of a lock file (PyPA specification: pylock.toml).

    `roots` are the requirements that people wrote, as `name[extras]` in their order; empty where they are those of the recipe alone.
    """

    dists: tuple[Dist, ...]
    requested: tuple[str, ...]
    pylock: str
    roots: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "dists": [asdict(d) for d in self.dists],
            "requested": list(self.requested),
            "pylock": self.pylock,
            "roots": list(self.roots),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PythonResolution:
        dists = tuple(_dist(d) for d in data["dists"])
        return cls(dists, tuple(data["requested"]), data["pylock"], tuple(data["roots"]))


def _dist(data: dict[str, Any]) -> Dist:
    origin = data["origin"]
    return Dist(**{**data, "origin": Origin(**origin) if origin else None})
