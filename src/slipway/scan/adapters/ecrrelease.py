"""Of which release of a system an image is, as a person says it."""

from __future__ import annotations

from slipway.errors import UsageError
from slipway.patterns import pattern
from slipway.scan.advisories.ubuntu import RELEASES
from slipway.scan.model import System
from slipway.scan.versions import debian
from slipway.scan.versions.ecosystems import codename

_FORM = pattern(r"([a-z][a-z0-9._-]*)[-: ]([0-9][0-9a-z.]*)")


def release(text: str) -> System:
    """`ubuntu-22.04`, `debian-12`, `alpine-3.20`, or the codename of a release of Debian or Ubuntu."""
    word = text.strip().lower()
    if word in RELEASES:
        return System("ubuntu", RELEASES[word], word)
    if ecosystem := debian(word):
        return System("debian", ecosystem.partition(":")[2], word)
    if found := _FORM.fullmatch(word):
        names = RELEASES.items() if found[1] == "ubuntu" else ()
        known = next((name for name, number in names if number == found[2]), "")
        return System(found[1], found[2], known or codename(System(found[1], found[2])))
    raise UsageError(
        f"{text[:60]!r} is no release",
        hint="write ID-VERSION as os-release has them (ubuntu-22.04), or a codename",
    )
