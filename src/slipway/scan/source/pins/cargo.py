"""Cargo's two files (Cargo's documentation: Cargo.toml vs Cargo.lock; Specifying Dependencies): what is asked for, and what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.patterns import pattern
from slipway.scan.inventory.words import optional, word
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.locks import packages
from slipway.scan.source.pins.model import Loose, Pin
from slipway.scan.source.pins.strict import table, toml
from slipway.scan.source.pins.wanted import remark

if TYPE_CHECKING:
    from collections.abc import Iterator

# The one registry of which advisories speak: others may have other packages under the same names.
_REGISTRY: Final = "registry+"
_INDEX: Final = "/rust-lang/crates.io-index"
_TABLES: Final = ("dependencies", "dev-dependencies", "build-dependencies")
_EXACT = pattern(r"=\s*([0-9]+\.[0-9]+\.[0-9]+(?:[-+][\w.+-]+)?)")
_OWN: Final = (
    "path",
    "workspace",
)  # a directory that is looked at by itself, and what the workspace's own file says
_ELSEWHERE: Final = ("git", "registry", "registry-index")


def read(text: str) -> Iterator[Pin | Loose]:
    """`Cargo.lock`. `InputError` if it is not TOML, or of another shape. What has no source is a part of the project itself."""
    lines = Lines(text)
    for row in packages(text):
        name, version = word(row.get("name"), "name"), word(row.get("version"), "version")
        source = optional(row.get("source"), "source")
        line = lines.of(f'\nname = "{name}"')
        line += bool(line)
        if source.startswith(_REGISTRY) and source.endswith(_INDEX):
            yield Pin("cargo", name, version, line)
        elif source:
            yield Loose("unpinned", f"{name} is not from crates.io", line)


def asked(text: str) -> Iterator[Pin | Loose]:
    """`Cargo.toml`. `InputError` if it is not TOML, or of another shape."""
    top = toml(text)
    lines = Lines(text)
    loose = []
    for name, row in _wanted(top):
        given = row if isinstance(row, dict) else {"version": row}
        if any(each in given for each in _OWN):
            continue
        at = lines.of(f"\n{name} =") or lines.of(f"\n{name}=") or lines.of(f".{name}]\n") - 1
        line = max(0, at + 1)
        found = _EXACT.fullmatch(optional(given.get("version"), "version"))
        if found and not any(each in given for each in _ELSEWHERE):
            yield Pin(
                "cargo", optional(given.get("package"), "package") or word(name, "name"), found[1], line
            )
        else:
            loose.append((name, line))
    yield from remark(loose)


def _wanted(top: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    targets = table(top, "target")
    places = [top, table(top, "workspace"), *(table(targets, name) for name in targets)]
    for place in places:
        for name in _TABLES:
            yield from table(place, name).items()
