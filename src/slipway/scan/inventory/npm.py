"""Packages of Node.js: what is in `node_modules`, or what a lock file of npm says would be (npm's documentation:
package.json, package-lock.json).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.scan.inventory.model import FileFacts, Package
from slipway.scan.inventory.words import json_object, licences, optional, public_url, word

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 100  # levels of dependencies in a lock file of the first version


def package(data: bytes) -> FileFacts:
    """`package.json`. One without a name or version was never published: a fixture, or a mark of a module's kind."""
    value = json_object(data)
    if not value.get("name") or not value.get("version"):
        return FileFacts()
    row = Package(
        "npm", word(value["name"], "name"), word(value["version"], "version"), licenses=_licences(value)
    )
    return FileFacts((row,))


def locked(data: bytes) -> FileFacts:
    """`package-lock.json` and `npm-shrinkwrap.json`, lockfileVersion 1 to 3; each package and version once."""
    return FileFacts(of_lock(json_object(data)))


def of_lock(value: dict[str, Any]) -> tuple[Package, ...]:
    """As `locked`, of what is read already."""
    packages = value.get("packages")
    rows = _tree(value.get("dependencies"), 0) if packages is None else _installed(_object(packages))
    return tuple(dict.fromkeys(rows))


def _object(value: object) -> dict[str, Any]:
    """What is left out because it is something else would not be missed by anybody."""
    if not isinstance(value, dict):
        raise InputError("its packages are not told as objects")
    return value


def _installed(packages: dict[str, Any]) -> Iterator[Package]:
    for place, given in packages.items():
        item = _object(given)
        # the project itself, its workspaces, and links to them are not from a registry
        if "node_modules/" not in place or item.get("link"):
            continue
        name = item.get("name") or place.rpartition("node_modules/")[2]
        yield _row(name, item, _licences(item))


def _tree(dependencies: object, depth: int) -> Iterator[Package]:
    if dependencies is None:
        return
    if depth > _DEEPEST:
        raise InputError("its dependencies are nested too deeply")
    for name, given in _object(dependencies).items():
        item = _object(given)
        yield _row(name, item, ())
        yield from _tree(item.get("dependencies"), depth + 1)


def _row(name: object, item: dict[str, Any], licenses: tuple[str, ...]) -> Package:
    version = optional(item.get("version"), "version")
    origin = str(item.get("resolved") or version)
    # the first version of the format has the address where the version belongs
    aliased = version.removeprefix("npm:") if version.startswith("npm:") else ""
    address = "://" in version or version.startswith("file:")
    if aliased:
        name, _, version = aliased.rpartition("@")
    elif address:
        origin, version = version, version.partition("#")[2] or "0"
    url = public_url(origin)
    elsewhere = address or url.startswith(("git", "file:"))
    return Package(
        "npm",
        word(name, "name"),
        word(version, "version"),
        licenses=licenses,
        direct_url=url if elsewhere else "",
    )


def _licences(value: dict[str, Any]) -> tuple[str, ...]:
    """`license` as text, as the older objects with `type`, and the older list `licenses` of such."""
    stated = value.get("license") or value.get("licenses")
    rows = stated if isinstance(stated, list) else [stated]
    return licences(*(row.get("type") if isinstance(row, dict) else row for row in rows))
