"""How bad: the words of those who say so, as levels, and whom to believe first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.scan.model import Level, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.scan.model import System

_LEVELS: Final = {
    **dict.fromkeys(("critical",), Level.CRITICAL),
    **dict.fromkeys(("high", "important"), Level.HIGH),
    **dict.fromkeys(("medium", "moderate"), Level.MEDIUM),
    **dict.fromkeys(("low", "minor"), Level.LOW),
    **dict.fromkeys(("negligible", "unimportant", "informational", "none"), Level.NEGLIGIBLE),
}
# Who knows best what a weakness means for a system's packages: those who build them.
_VENDORS: Final = {
    "debian": ("debian",),
    "ubuntu": ("ubuntu",),
    "alpine": ("alpine",),
    "rhel": ("redhat",),
    "rocky": ("rocky", "redhat"),
    "almalinux": ("almalinux", "redhat"),
    "sles": ("suse",),
    "opensuse-leap": ("suse",),
    "opensuse-tumbleweed": ("suse",),
}
_OTHERS: Final = ("github", "pypa", "nvd")


def level_of(word: str) -> Level:
    """The level that a source's own word means, whatever its case; Debian's `low**` (a guess of its tools) is low."""
    return _LEVELS.get(word.strip().rstrip("*").lower(), Level.UNKNOWN)


def level_of_score(score: float) -> Level:
    """CVSS 3.1, section 5: Qualitative Severity Rating Scale."""
    for least, level in ((9.0, Level.CRITICAL), (7.0, Level.HIGH), (4.0, Level.MEDIUM), (0.1, Level.LOW)):
        if score >= least:
            return level
    return Level.NEGLIGIBLE


def most_trusted(said: Iterable[Severity], system: System | None = None) -> Severity:
    """The one to believe: that of the system's vendor (None: there is none), then of databases, then of others.

    One that tells no level is believed last; of equals the worst.
    """
    order = (*(_VENDORS.get(system.id, ()) if system else ()), *_OTHERS)
    rank = {origin: place for place, origin in enumerate(order)}

    def trust(severity: Severity) -> tuple[bool, int, int, float, str, str]:
        unknown = severity.level is Level.UNKNOWN
        place = rank.get(severity.origin, len(rank))
        return unknown, place, -severity.level, -severity.score, severity.origin, severity.vector

    return min(said, key=trust, default=Severity())
