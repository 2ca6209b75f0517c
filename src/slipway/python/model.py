"""What the Python part speaks of, as values: the target, a distribution, and a whole resolution."""

from __future__ import annotations

import posixpath
from dataclasses import asdict
from typing import Any

from slipway.errors import UsageError
from slipway.patterns import pattern
from slipway.values import value

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
class Dist:
    """One file to install from: a wheel, or a source distribution that a wheel is to be built from.

    `name` is canonical; `url` has no credentials in it; `sha256` is hex; `size` is in bytes, 0 when the index does not say.
    """

    name: str
    version: str
    filename: str
    url: str
    sha256: str
    size: int = 0
    sdist: bool = False


@value
class PythonResolution:
    """All that gets installed: `dists` sorted by name, `requested` the canonical names that were asked for by name,
    `pylock` the text of a lock file (PyPA specification: pylock.toml).
    """

    dists: tuple[Dist, ...]
    requested: tuple[str, ...]
    pylock: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "dists": [asdict(d) for d in self.dists],
            "requested": list(self.requested),
            "pylock": self.pylock,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PythonResolution:
        return cls(tuple(Dist(**d) for d in data["dists"]), tuple(data["requested"]), data["pylock"])
