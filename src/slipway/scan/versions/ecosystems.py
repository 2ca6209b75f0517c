"""The names by which advisories know a component (OSV schema 1.7: affected[].package, "Defined ecosystems")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.scan.model import Component, System

_SCHEMES: Final = {
    **dict.fromkeys(("Debian", "Ubuntu", "Echo"), "dpkg"),
    **dict.fromkeys(("Alpine", "Alpaquita", "Chainguard", "MinimOS", "Wolfi"), "apk"),
    **dict.fromkeys(("AlmaLinux", "Azure Linux", "Mageia", "Photon OS", "Red Hat", "Rocky Linux"), "rpm"),
    **dict.fromkeys(("SUSE", "openEuler", "openSUSE"), "rpm"),
    "PyPI": "pep440",
    **dict.fromkeys(("Bitnami", "GitHub Actions", "Go", "Hex", "Julia", "Kubernetes", "Pub"), "semver"),
    **dict.fromkeys(("SwiftURL", "VSCode", "crates.io", "npm"), "semver"),
}
_PACKAGED: Final[dict[str, str]] = {"pypi": "PyPI", "npm": "npm", "cargo": "crates.io", "golang": "Go"}
# Where advisories name source packages only; a binary package may have the name of another source package.
_BY_SOURCE: Final = frozenset(
    ("Alpine", "Debian", "Mageia", "Rocky Linux", "SUSE", "Ubuntu", "openEuler", "openSUSE")
)
# Of RHEL and SUSE, advisories speak of product streams; these are in the images that they publish.
_RHEL_STREAMS: Final = ("baseos", "appstream", "crb")
_SUSE_MODULES: Final = ("Basesystem", "Development Tools", "Server Applications")

_DEBIAN: Final = {
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
    "duke": "15",
}

_MAJOR = pattern(r"[0-9]+")
_BRANCH = pattern(r"([0-9]+\.[0-9]+)(?:\.[0-9]+)*")
_MONTH = pattern(r"[0-9]{2}\.[0-9]{2}")
_SERVICE_PACK = pattern(r"SUSE Linux Enterprise .*?([0-9]+(?: SP[0-9]+)?)")


class Lookup(NamedTuple):
    """What to ask of advisories about a component: one about `name` in `ecosystem` means `version`."""

    ecosystem: str
    name: str
    version: str


def scheme_of(ecosystem: str) -> str:
    """How versions compare there (for `compare`), or empty when that is not known. `Debian:12` counts as `Debian`."""
    return _SCHEMES.get(ecosystem.partition(":")[0], "")


def ecosystems(component: Component, system: System) -> tuple[str, ...]:
    """The ecosystems in which advisories may know `component`; () when no feed can."""
    if component.kind in _PACKAGED:
        return (_PACKAGED[component.kind],)
    find = _SYSTEMS.get((component.kind, system.id))
    return find(component, system) if find else ()


def lookups(component: Component, system: System) -> tuple[Lookup, ...]:
    """All questions to ask: where advisories may name binary or source packages, both."""
    found: dict[Lookup, None] = {}
    for ecosystem in ecosystems(component, system):
        source = component.source_name or component.name
        by_source = Lookup(ecosystem, source, _source_version(component))
        if ecosystem.partition(":")[0] not in _BY_SOURCE:
            found[Lookup(ecosystem, component.name, _own_version(component))] = None
        if component.kind in ("deb", "apk", "rpm"):
            found[by_source] = None
    return tuple(found)


def _own_version(component: Component) -> str:
    """Advisories leave out the letter that every version of Go's modules begins with."""
    return component.version.removeprefix("v") if component.kind == "golang" else component.version


def _source_version(component: Component) -> str:
    """The name of a source RPM tells no epoch: it is that of what was built from it."""
    version = component.source_version or component.version
    epoch, colon, _ = component.version.partition(":")
    return f"{epoch}:{version}" if component.kind == "rpm" and colon and ":" not in version else version


def debian(codename: str) -> str:
    """The ecosystem of a release of Debian; empty for one that is not known, as sid, which is never released."""
    number = _DEBIAN.get(codename, "")
    return f"Debian:{number}" if number else ""


def codename(system: System) -> str:
    """The codename of a system's release; of Debian by its number, too, which images without a shell tell alone."""
    number = _MAJOR.match(system.version)
    if system.codename or system.id != "debian" or not number:
        return system.codename
    return next((name for name, major in _DEBIAN.items() if major == number[0]), "")


def ubuntu(version: str, *, pro: bool = False) -> str:
    """The ecosystem of a release of Ubuntu (`22.04`), or of its extended support; empty for what is no version.

    Every second April's release is supported for long.
    """
    if not _MONTH.fullmatch(version):
        return ""
    year, month = version.split(".")
    lts = ":LTS" if month == "04" and not int(year) % 2 else ""
    return f"Ubuntu:{'Pro:' if pro else ''}{version}{lts}"


def _debian(_: Component, system: System) -> tuple[str, ...]:
    """Testing has no number before its release; its advisories are those of the release to come."""
    number = _MAJOR.match(system.version)
    found = f"Debian:{number[0]}" if number else debian(system.codename)
    return (found,) if found else ()


def _ubuntu(component: Component, system: System) -> tuple[str, ...]:
    """What comes from extended support (`+esm1`) is known there alone."""
    found = ubuntu(system.version)
    extended = (ubuntu(system.version, pro=True),) if "esm" in component.version else ()
    return (*extended, found) if found else ()


def _alpine(_: Component, system: System) -> tuple[str, ...]:
    """The branch that moves (edge) calls itself `3.21_alpha...`, and has no advisories of its own."""
    branch = _BRANCH.fullmatch(system.version)
    return (f"Alpine:v{branch[1]}",) if branch else ()


def _rhel(_: Component, system: System) -> tuple[str, ...]:
    number = _MAJOR.match(system.version)
    return tuple(f"Red Hat:enterprise_linux:{number[0]}::{s}" for s in _RHEL_STREAMS) if number else ()


def _suse(_: Component, system: System) -> tuple[str, ...]:
    found = _SERVICE_PACK.fullmatch(system.name)
    if not found:
        return ()
    modules = (f"Linux Enterprise Module for {module} {found[1]}" for module in _SUSE_MODULES)
    return tuple(f"SUSE:{name}" for name in (system.name.removeprefix("SUSE "), *modules))


def _opensuse(_: Component, system: System) -> tuple[str, ...]:
    name = system.name.removeprefix("openSUSE ")
    return (f"openSUSE:{name}",) if name != system.name else ()


def _plain(name: str) -> Callable[[Component, System], tuple[str, ...]]:
    """One that has no releases."""
    return lambda _, __: (name,)


def _major(name: str) -> Callable[[Component, System], tuple[str, ...]]:
    """One whose releases are told by the first number of their versions."""

    def find(_: Component, system: System) -> tuple[str, ...]:
        number = _MAJOR.match(system.version)
        return (f"{name}:{number[0]}",) if number else ()

    return find


def _photon(_: Component, system: System) -> tuple[str, ...]:
    return (f"Photon OS:{system.version}",) if system.version else ()


_SYSTEMS: Final = {
    ("deb", "debian"): _debian,
    ("deb", "ubuntu"): _ubuntu,
    ("apk", "alpine"): _alpine,
    ("apk", "wolfi"): _plain("Wolfi"),
    ("apk", "chainguard"): _plain("Chainguard"),
    ("rpm", "rhel"): _rhel,
    ("rpm", "rocky"): _major("Rocky Linux"),
    ("rpm", "almalinux"): _major("AlmaLinux"),
    ("rpm", "azurelinux"): _major("Azure Linux"),
    ("rpm", "mageia"): _major("Mageia"),
    ("rpm", "photon"): _photon,
    ("rpm", "sles"): _suse,
    ("rpm", "opensuse-leap"): _opensuse,
    ("rpm", "opensuse-tumbleweed"): _opensuse,
}
