"""pnpm's lock file `pnpm-lock.yaml`, of the versions 5, 6 and 9 (pnpm's specification: lockfile).

Packages are the keys of `packages`, in the order of the versions: `/NAME/1.0.0_PEERS`, `/NAME@1.0.0(PEERS)`, `NAME@1.0.0`. Other
keys are of what is from elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.inventory.words import optional
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Loose, Pin
from slipway.scan.source.pins.strict import table, yaml_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION: Final = r"([0-9]+\.[0-9]+\.[0-9]+[\w.+-]*?)"
_KEYS: Final = {
    "5": pattern(rf"/((?:@[^/@]+/)?[^/@]+)/{_VERSION}(?:_.*)?"),
    "6": pattern(rf"/((?:@[^/@]+/)?[^/@]+)@{_VERSION}(?:\(.*)?"),
    "9": pattern(rf"((?:@[^/@]+/)?[^/@]+)@{_VERSION}(?:\(.*)?"),
}
_NAME = pattern(r"/?((?:@[\w.-]+/)?[\w.-]{1,60})")
_ELSEWHERE: Final = ("tarball", "repo", "directory", "path")


def read(text: str) -> Iterator[Pin | Loose]:
    """`InputError` if it is not YAML, or of a version that is not known here."""
    value = yaml_mapping(text)
    stated = str(value.get("lockfileVersion", ""))[:20]
    form = _KEYS.get(stated.partition(".")[0])
    if form is None:
        raise InputError(f"its version {stated!r} is not known here")
    lines = Lines(text)
    seen = set()
    for key, row in table(value, "packages").items():
        if not isinstance(row, dict):
            raise InputError("an entry of it is no package")
        line = lines.of(f"\n  '{key}':" if key.startswith("@") else f"\n  {key}:")
        line += bool(line)
        found = form.fullmatch(key)
        if not found or _is_elsewhere(table(row, "resolution")):
            yield Loose("unpinned", f"{_name(key, row)} is not from an index", line)
        elif (found[1], found[2]) not in seen:  # once for each set of peers
            seen.add((found[1], found[2]))
            yield Pin("npm", found[1], found[2], line)


def _is_elsewhere(resolution: dict[str, Any]) -> bool:
    """Whether it is from a repository, a directory or an archive; archives of a registry have a hash besides."""
    return "integrity" not in resolution and any(name in resolution for name in _ELSEWHERE)


def _name(key: str, row: dict[str, Any]) -> str:
    found = _NAME.match(key)
    return optional(row.get("name"), "name") or (found[1] if found else "a package")
