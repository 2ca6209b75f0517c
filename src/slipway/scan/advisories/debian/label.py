"""The name of a feed: a release, and the architecture whose packages it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from slipway.distro.mirror import check_suite, is_rolling
from slipway.errors import UsageError
from slipway.patterns import pattern
from slipway.scan.versions import codename, debian

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.scan.model import Component, Inventory

KIND: Final = "suites"
DEFAULT: Final = "amd64"  # the architecture of a feed that names none

_ARCH = pattern(r"[a-z][a-z0-9]{0,31}(?:-[a-z0-9]{1,31})*")
_SYSTEMS: Final = ("debian", "ubuntu")
_ANY: Final = ("", "all")  # of packages without machine code


class Label(NamedTuple):
    codename: str
    arch: str

    @property
    def feed(self) -> str:
        return f"{KIND}:{self.codename}" + (f"/{self.arch}" if self.arch != DEFAULT else "")

    @property
    def is_debian(self) -> bool:
        """All other releases are taken for Ubuntu's."""
        return bool(debian(self.codename))


def read_label(text: str) -> Label:
    """`bookworm` or `bookworm/arm64`; `UsageError` for what is no release."""
    name, _, arch = text.partition("/")
    check_suite(name)
    if is_rolling(name):
        raise UsageError(
            f"{name} is no release: its images name the next release",
            hint="name that one; slipway scan says which feeds an image needs",
        )
    if not _ARCH.fullmatch(arch or DEFAULT):
        raise UsageError(f"{arch!r} is not an architecture", hint=f"for example {KIND}:{name}/arm64")
    return Label(name, arch or DEFAULT)


def labels(inventory: Inventory) -> dict[Label, list[Component]]:
    """The packages of Debian's or Ubuntu's kind, by the feed that knows them; empty for other systems.

    What has no machine code is in the index of each architecture, so it is asked for with most of the others.
    """
    release = codename(inventory.system)
    debs = [c for c in inventory.components if c.kind == "deb" and not c.owner]
    if not release or inventory.system.id not in _SYSTEMS:
        return {}
    usual = _usual(c.arch for c in debs)
    found: dict[Label, list[Component]] = {}
    for component in debs:
        arch = usual if component.arch in _ANY else component.arch
        found.setdefault(Label(release, arch), []).append(component)
    return found


def _usual(archs: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for arch in archs:
        if arch not in _ANY:
            counts[arch] = counts.get(arch, 0) + 1
    return min(counts, key=lambda arch: (-counts[arch], arch), default=DEFAULT)
