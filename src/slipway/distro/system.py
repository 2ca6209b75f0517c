"""The one generated fragment of a Debian image: what no package ships and its scripts would have left behind."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from slipway.distro import (
    alternatives,
    certs,
    defaults,
    diversions,
    dpkg,
    ldcache,
    modes,
    scripts,
    units,
    users,
)
from slipway.distro.keys import SYSTEM_VERSION
from slipway.distro.native import NativeFile
from slipway.distro.settle import settle
from slipway.distro.usrmerge import MERGED
from slipway.distro.world import World
from slipway.oci.entry import Entry
from slipway.oci.fragment import Component

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slipway.distro.model import SystemContext
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter

_KEYRING: Final = "usr/share/keyrings/debian-archive-keyring.gpg"
_LINKER_ARCHES: Final = ("amd64", "arm64")


def system_fragment(cache: FragmentCache, fragments: Sequence[Fragment], context: SystemContext) -> Fragment:
    """The system fragment for these package fragments (all of the image, in order); made again only when they change.

    `extra` holds `uncovered`: [{package, version, scripts, why}, ...], and `replaces`: paths that packages hold,
    too, and that this fragment provides in their stead (`settle` says so as well). `InputError` when two
    packages hold the same path and neither replaces the other.
    """
    key = cache.key("system", SYSTEM_VERSION, [f.key for f in fragments], asdict(context))
    if (known := cache.get(key)) is not None:
        return known
    world = World(fragments)
    entries, directories = _contents(world, context)
    extra = {
        "uncovered": uncovered(world),
        "replaces": sorted(path for path in entries if path in world.holders),
    }

    def fill(writer: FragmentWriter) -> dict[str, Any]:
        for made in directories:
            writer.directory(made.path, mode=made.mode, uid=made.uid, gid=made.gid, mtime=context.epoch)
        for path in sorted(entries):
            writer.add(*entries[path])
        return extra

    return cache.make(key, Component("generated", "system", context.codename, arch=context.arch), fill)


def uncovered(world: World) -> list[dict[str, Any]]:
    """The packages whose scripts would matter and are not done natively: package, version, scripts, why."""
    texts: dict[str, str] = {}
    for name in ("preinst", "postinst"):
        for package, text in world.scripts(name):
            texts[package.name] = texts.get(package.name, "") + "\n" + text
    out = []
    for package in world.packages.values():
        if found := package.extra["scripts"]:
            text = texts.get(package.name, "")
            unclear = [*users.calls_in(text).unclear, *alternatives.unclear_in(text)]
            verdict = scripts.verdict(package.name, found, unclear)
            if verdict.kind == "uncovered":
                row = {"package": package.name, "version": package.version}
                out.append({**row, "scripts": sorted(found), "why": verdict.why})
    return out


def _contents(
    world: World, context: SystemContext
) -> tuple[dict[str, tuple[Entry, bytes]], list[defaults.Directory]]:
    """The entries by path, and the directories."""
    files: dict[str, NativeFile] = {}
    directories = {path: defaults.Directory(path) for path in dpkg.DIRECTORIES}
    for made in defaults.made(world):
        if isinstance(made, NativeFile):
            files[made.path] = made
        else:
            directories[made.path] = made
    postinsts = {package.name: text for package, text in world.scripts("postinst")}
    for batch in (
        _merged_usr(world),
        users.accounts(world.read, world.packages.keys(), postinsts),
        certs.bundle(world.read, world.holders),
        alternatives.apply(
            [c for text in postinsts.values() for c in alternatives.calls_in(text)], world.kinds.keys()
        ),
        units.enabled(world),
        _apt(world, context),
        _dpkg(world, context, postinsts),
    ):
        files.update((file.path, file) for file in batch)
    files.update((file.path, file) for file in _linker(world, files.values(), context.arch))
    entries = {path: _entry(file, context.epoch) for path, file in files.items()}
    groups = files["etc/group"].content if "etc/group" in files else None
    entries.update((entry.path, (entry, data)) for entry, data in modes.changed(world, groups or b""))
    return entries, sorted(directories.values(), key=lambda d: d.path)


def _entry(file: NativeFile, mtime: int) -> tuple[Entry, bytes]:
    if file.content is None:
        return Entry(file.path, "symlink", 0o777, file.uid, file.gid, mtime=mtime, target=file.target), b""
    size = len(file.content)
    return Entry(file.path, "file", file.mode, file.uid, file.gid, size, mtime), file.content


def _merged_usr(world: World) -> Iterator[NativeFile]:
    """The symlinks of the merged /usr that no package ships, for the directories that are there."""
    there = {"/".join(path.split("/", 2)[:2]) for path in world.kinds}
    for link, target in MERGED.items():
        if target in there and link not in world.symlinks:
            yield NativeFile(link, target=target)


def _linker(world: World, made: Iterable[NativeFile], arch: str) -> Iterator[NativeFile]:
    libc = world.packages.get("libc-bin")
    if libc is None or arch not in _LINKER_ARCHES:
        return
    objects = [o for package in world.packages.values() for o in package.extra["elf"]]
    symlinks = {**world.symlinks, **{f.path: f.target for f in made if f.content is None}}
    conf = ldcache.search_dirs(world.read, world.holders)
    links = ldcache.soname_links(objects, symlinks, arch, conf)
    yield from links
    symlinks.update((link.path, link.target) for link in links)
    cached = ldcache.cache_file(objects, symlinks, arch, conf, libc_version=libc.version)
    yield NativeFile(ldcache.PATH, cached)


def _apt(world: World, context: SystemContext) -> Iterator[NativeFile]:
    if "apt" not in world.packages:
        return
    signed = f"Signed-By: /{_KEYRING}\n" if world.has(_KEYRING) else ""
    stanzas = [
        f"Types: deb\nURIs: {uri}\nSuites: {' '.join(suites)}\n"
        f"Components: {' '.join(context.components)}\n{signed}"
        for uri, suites in context.sources
    ]
    if stanzas:
        yield NativeFile("etc/apt/sources.list.d/debian.sources", "\n".join(stanzas).encode())
    # apt would offer to remove what nothing needs; what makes a system is there to stay
    automatic = (
        p.name
        for p in world.packages.values()
        if p.name not in ("apt", *context.manual)
        and p.fields.get("Essential") != "yes"
        and p.fields.get("Priority") != "required"
    )
    states = (f"Package: {n}\nArchitecture: {context.arch}\nAuto-Installed: 1\n\n" for n in sorted(automatic))
    yield NativeFile("var/lib/apt/extended_states", "".join(states).encode())


def _dpkg(world: World, context: SystemContext, postinsts: dict[str, str]) -> Iterator[NativeFile]:
    yield from dpkg.database(
        list(world.packages.values()),
        context.arch,
        diversions.registered(world),
        notes_native="arch-native" in postinsts.get("dpkg", ""),
    )
    # a package no longer owns what another has taken over
    packages = list(world.packages.values())
    debs = [n for n, f in enumerate(world.fragments) if f.component.kind == "deb"]
    for index, lost in settle(world.fragments).items():
        if index in debs:
            package = packages[debs.index(index)]
            path = f"{dpkg.ADMIN}/info/{package.info}.list"
            yield NativeFile(path, dpkg.without(world.text(path), lost).encode())
