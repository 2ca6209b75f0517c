"""What was asked of Debian and what was chosen, as values; nothing here reads or writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

_PYTHON_MINIMAL = pattern(r"python(3\.\d+)-minimal\Z")
_EPOCH = pattern(r"\A\d+:")


@value
class Deb:
    """One chosen binary package, as its stanza in a Packages index says.

    `arch` is Debian's name (`amd64`, `arm64`, `all`), `filename` the path below the archive's root, `url` the
    whole address without credentials, `sha256` hexadecimal, `size` in bytes, `installed_size` in KiB. `source`
    and `source_version` are empty where they equal `name` and `version`.
    """

    name: str
    version: str
    arch: str
    filename: str
    url: str
    sha256: str
    size: int
    source: str = ""
    source_version: str = ""
    multi_arch: str = ""
    essential: bool = False
    priority: str = ""
    installed_size: int = 0


@value
class DebianRequest:
    """What to solve: `suite` may be a moving name (`stable`), `arch` is Debian's name.

    `packages` belong to the base, `apt` are extra packages for a layer of their own. Names may carry a pin
    (`name=version`). `optional` belong to the base where the suite has them.
    """

    suite: str
    arch: str
    variant: str
    packages: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


Sources = tuple[tuple[str, tuple[str, ...]], ...]


@value
class DebianResolution:
    """The answer: `base` and `apt` are disjoint and sorted by name.

    `version` is the release's number (`13.2`; empty for sid), `date` the Release file's Date in Unix seconds,
    `sources` the archives that were read, as (URI without credentials, suites), `manual` the names that were asked for (the rest came as
    dependencies or with the variant).
    """

    suite: str
    codename: str
    version: str
    date: int
    sources: Sources
    components: tuple[str, ...]
    base: tuple[Deb, ...]
    apt: tuple[Deb, ...]
    manual: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON shape; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DebianResolution:
        """Read back what `as_dict` gave; `KeyError` or `TypeError` when it is not that."""
        return cls(
            suite=data["suite"],
            codename=data["codename"],
            version=data["version"],
            date=data["date"],
            sources=tuple((uri, tuple(suites)) for uri, suites in data["sources"]),
            components=tuple(data["components"]),
            base=tuple(Deb(**d) for d in data["base"]),
            apt=tuple(Deb(**d) for d in data["apt"]),
            manual=tuple(data["manual"]),
        )

    @property
    def debs(self) -> tuple[Deb, ...]:
        return self.base + self.apt


@value
class SystemContext:
    """What the image is to remember of its making.

    `sources` are the archives for APT, as (URI without credentials, suites), `manual` the names of packages that were asked for,
    `epoch` the time of the generated files (Unix seconds).
    """

    codename: str
    sources: Sources
    components: tuple[str, ...]
    manual: tuple[str, ...]
    arch: str
    epoch: int


def upstream_version(version: str) -> str:
    """The upstream part of a Debian version: `1:3.13.5-2+deb13u1` gives `3.13.5`."""
    return _EPOCH.sub("", version).rpartition("-")[0] or _EPOCH.sub("", version)


def python_of(resolution: DebianResolution) -> tuple[str, str] | None:
    """Version and path of the image's `python3`, as (`3.13.5`, `/usr/bin/python3.13`); None without one.

    `python3-minimal` depends on the default interpreter's package, which carries its version in its name; the
    package `python3-minimal` itself has the series as its version.
    """
    debs = {d.name: d for d in resolution.debs}
    default = debs.get("python3-minimal")
    series = ".".join(upstream_version(default.version).split(".")[:2]) if default else ""
    for name, deb in sorted(debs.items()):
        match = _PYTHON_MINIMAL.match(name)
        if match and match[1] == series:
            return upstream_version(deb.version), f"/usr/bin/python{series}"
    return None


def glibc_of(resolution: DebianResolution) -> str:
    """The upstream version of the C library (`2.41`); empty when the set has none."""
    return next((upstream_version(d.version) for d in resolution.debs if d.name == "libc6"), "")
