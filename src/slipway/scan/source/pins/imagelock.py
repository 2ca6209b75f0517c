"""The Debian packages of our own locks (`image.lock.yaml`); the Python distributions are in the pylock files beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import InputError, LockError
from slipway.lock.document import debian_of
from slipway.lock.fields import Fields
from slipway.lock.yamlread import parse
from slipway.scan.model import System
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Pin
from slipway.scan.versions import debian

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.distro.model import Deb


def read(text: str) -> Iterator[Pin]:
    """The packages for each platform, as they would be installed. `InputError` if the lock is damaged."""
    lines = Lines(text)
    try:
        for platform in Fields(parse(text.encode())).rows("platforms"):
            if "debian" not in platform:
                continue
            resolved = debian_of(platform.row("debian"))
            id_ = "debian" if debian(resolved.codename) else "ubuntu"
            system = System(id_, resolved.version, resolved.codename)
            yield from (_pin(deb, system, lines) for deb in (*resolved.base, *resolved.apt))
    except LockError as error:
        raise InputError(error.brief) from error


def _pin(deb: Deb, system: System, lines: Lines) -> Pin:
    return Pin(
        "deb",
        deb.name,
        deb.version,
        lines.of(f"name: {deb.name},") or lines.of(f'name: "{deb.name}",'),
        arch=deb.arch,
        source_name=deb.source or deb.name,
        source_version=deb.source_version or deb.version,
        system=system,
    )
