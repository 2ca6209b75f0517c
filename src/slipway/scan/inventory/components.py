"""From what is seen in the layers to the inventory: the system, its components, and what could not be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.scan.inventory import osrelease
from slipway.scan.inventory.interest import format_of
from slipway.scan.inventory.owners import Owners
from slipway.scan.inventory.purl import purl
from slipway.scan.model import Component

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.inventory.merge import Found, Merged
    from slipway.scan.inventory.model import Package
    from slipway.scan.model import System

_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")  # the first one counts: os-release(5)


def components(merged: Merged) -> tuple[System, tuple[Component, ...], tuple[str, ...]]:
    """The system, the components in their order, and a line for each thing that could not be read."""
    release = next((hit[1].facts.text for p in _OS_RELEASE if (hit := merged.find(p))), "")
    said = osrelease.fields(release)
    system = osrelease.system(said)
    owners = Owners(merged, system)
    superseded = _superseded(merged)
    found = [
        _component(merged, path, file, package, system, owners)
        for path, file in merged.files.items()
        if path not in superseded
        for package in file.facts.packages
    ]
    unread = sorted(_shown(line) for line in (*_problems(merged, superseded), *_absent(merged, said)))
    return system, tuple(sorted(found, key=_order)), tuple(unread)


def _component(
    merged: Merged, path: str, file: Found, package: Package, system: System, owners: Owners
) -> Component:
    if package.kind == "pypi" and (origin := merged.files.get(f"{path.rpartition('/')[0]}/direct_url.json")):
        package = replace(package, direct_url=origin.facts.text)
        layer = file.layer
    else:
        layer = file.origins[package]
    return Component(
        package.kind,
        package.name,
        package.version,
        purl(package, system),
        package.source_name,
        package.source_version,
        package.arch,
        path,
        layer,
        owners.of(path, package),
        package.licenses,
        package.direct_url,
    )


def _order(component: Component) -> tuple[str, ...]:
    c = component
    return c.kind, c.name, c.version, c.path, c.arch, c.layer


def _shown(line: str) -> str:
    """Paths and texts from an image may hold anything; a line for people holds what can be printed."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def _superseded(merged: Merged) -> frozenset[str]:
    """Lock files say what would be installed: where `node_modules` is, that says what is. Likewise RPM's old databases."""
    installed = {f"/{p}".partition("/node_modules/")[0] for p in merged.files if format_of(p) == "npm"}
    found = set()
    for path in merged.files:
        directory, slash, name = path.rpartition("/")
        kind = format_of(path)
        if kind == "npm-lock":
            shrunk = name == "package-lock.json" and f"{directory}{slash}npm-shrinkwrap.json" in merged.files
            if shrunk or f"{slash}{directory}" in installed:
                found.add(path)
        elif kind in ("rpm-bdb", "rpm-ndb") and f"{directory}/rpmdb.sqlite" in merged.files:
            found.add(path)
    return frozenset(found)


def _problems(merged: Merged, superseded: frozenset[str]) -> Iterator[str]:
    for path, found in merged.files.items():
        if path not in superseded:
            yield from (f"{path}: {problem}" for problem in found.facts.problems)
        if format_of(path) == "rpm-wal" and found.facts.text:
            database = merged.files.get(path.removesuffix("-wal"))
            if database is None or database.layer != found.layer:
                yield f"{path}: it changes a database that is in another layer"
    for path, target in merged.dangling():
        yield f"{path}: it is a symlink to {target}, which is not there or not read"


def _absent(merged: Merged, said: dict[str, str]) -> Iterator[str]:
    """Databases that must be there: an image from which one was removed is not an image without packages."""
    kinds = {format_of(path) for path in merged.files}
    if "dpkg-list" in kinds and "dpkg-status" not in kinds:
        yield "var/lib/dpkg/status: it is not there, but dpkg's lists of files are"
        return
    expected = osrelease.kind(said)
    there = {"deb": {"dpkg-status"}, "apk": {"apk"}, "rpm": {"rpm-sqlite", "rpm-bdb", "rpm-ndb"}}
    if expected and not there[expected] & kinds and not merged.dangling():
        name = said.get("PRETTY_NAME") or said.get("ID", "")
        yield f"the system is {name}, but there is no database of its packages"
