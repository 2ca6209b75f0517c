"""os-release(5): which system this is."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern
from slipway.scan.model import System

if TYPE_CHECKING:
    from slipway.scan.model import Kind

_WORD = pattern(r"[a-z0-9._-]{1,64}")
_CODENAME: Final = ("VERSION_CODENAME", "UBUNTU_CODENAME")
# Systems by the kind of their packages; most others say in ID_LIKE which of these they follow.
_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("debian", "ubuntu"), "deb"),
    **dict.fromkeys(("alpine", "wolfi", "chainguard"), "apk"),
    **dict.fromkeys(
        ("fedora", "rhel", "centos", "rocky", "almalinux", "amzn", "ol", "suse", "opensuse", "sles"), "rpm"
    ),
    **dict.fromkeys(("azurelinux", "mariner", "photon", "mageia", "openeuler"), "rpm"),
}


def fields(text: str) -> dict[str, str]:
    """Assignments as a shell reads them; what is none is passed over."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        try:
            words = shlex.split(value)
        except ValueError:
            continue
        found[name] = words[0] if words else ""
    return found


def system(said: dict[str, str]) -> System:
    """Identifiers that are none by os-release(5) count as not said."""
    codename = next((said[key] for key in _CODENAME if said.get(key)), "")
    name = said.get("PRETTY_NAME", "")
    return System(
        _identifier(said.get("ID", "")),
        _identifier(said.get("VERSION_ID", "")),
        _identifier(codename),
        name if name.isprintable() else "",
    )


def kind(said: dict[str, str]) -> Kind | None:
    """Which packages such a system consists of; None for one that is not known."""
    names = [said.get("ID", ""), *said.get("ID_LIKE", "").split()]
    return next((_KINDS[name] for name in names if name in _KINDS), None)


def _identifier(text: str) -> str:
    return text if _WORD.fullmatch(text) else ""
