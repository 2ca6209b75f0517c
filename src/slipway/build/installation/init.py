"""The init of an image: tini, from the image's own distribution where it has it, else Debian's static one.

A container's process 1 gets no default handling of signals, and the children of others when they are orphaned; commands are
made for neither. tini (its README) starts the command as a child, passes signals on and reaps what is left.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from slipway.aside import aside
from slipway.build.installation.entrypoint import wanted
from slipway.build.installation.model import Init
from slipway.errors import InputError, StoreError, ToolError, UsageError
from slipway.recipe.model import DebianBase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slipway.build.base import BaseImage
    from slipway.build.model import Options
    from slipway.distro.model import Deb, DebianResolution
    from slipway.events import Reporter
    from slipway.lock.held import Held
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter
    from slipway.recipe.model import Platform, Recipe
    from slipway.settings import Settings

PACKAGE = "tini"
PATH = "/usr/bin/tini"
_SUITE = "stable"
_STATIC = "usr/bin/tini-static"
_NOTICE = "usr/share/doc/tini/copyright"
_VERSION = 1  # raise it when the same package gives another fragment
_MOST_BYTES = 16 << 20

Chosen = tuple[Init | None, tuple[str, ...]]  # and what a person should know


def needs_package(recipe: Recipe) -> bool:
    """Whether the Debian base that Slipway makes is to have the package of the init."""
    base = recipe.base
    if not isinstance(base, DebianBase) or not wanted(recipe):
        return False
    return PACKAGE not in (p.partition("=")[0] for p in (*base.packages, *recipe.apt))


def choose(
    recipe: Recipe,
    platform: Platform,
    debian: DebianResolution | None,
    image: BaseImage | None,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    held: Held,
) -> Callable[[], Chosen]:
    """How the image will start; the answer waits for what is asked of a mirror meanwhile.

    Errors of the answer are those of looking into the base image and of `slipway.distro.single.find_deb`; only without a mirror to
    ask there is just no init.
    """
    if not wanted(recipe) or (debian is None and image is None):
        return _answer(None)
    if debian is not None:
        there = any(deb.name == PACKAGE for deb in debian.debs)
        note = f"{PACKAGE} is not in this archive: the image starts without an init"
        return _answer(Init(PATH if there else ""), *(() if there else (note,)))
    if image is None or (image.config.get("config") or {}).get("Entrypoint"):
        return _answer(None)
    if held.init is not None:
        return _answer(held.init)
    search: Callable[[], Deb] | None = None
    # what is in the base may be known only when its layers are here: nobody waits for that to ask
    if image.contents.to_be_read() or (image.facts.shell and not image.facts.init):
        search = aside(partial(_search, platform, settings, reporter, options))
    return partial(_chosen, image, search)


def init_key(cache: FragmentCache, deb: Deb) -> str:
    return cache.key("init", _VERSION, deb.sha256)


def init_fragment(cache: FragmentCache, deb: Deb, path: Path) -> Fragment:
    """The static program of the package at `path` as `/usr/bin/tini`, with its notice; `InputError` when it is not in there."""
    from slipway.distro.ar import deb_parts, plain
    from slipway.distro.deb import purl
    from slipway.oci.fragment import Component
    from slipway.oci.tarread import Limits, read_tar

    what = f"package {deb.name}"

    def fill(writer: FragmentWriter) -> None:
        with path.open("rb") as file:
            found = {
                entry.path: content if isinstance(content, bytes) else b"".join(content)
                for entry, content in read_tar(
                    plain(file, deb_parts(file, what).data, what), limits=Limits(1000, _MOST_BYTES), what=what
                )
                if entry.kind == "file" and entry.path in (_STATIC, _NOTICE)
            }
        if _STATIC not in found:
            raise InputError(f"{what} has no /{_STATIC}")
        writer.file(PATH.strip("/"), found[_STATIC], mode=0o755)
        if _NOTICE in found:
            writer.file(_NOTICE, found[_NOTICE])

    component = Component("deb", deb.name, deb.version, purl(deb), deb.arch, deb.source or deb.name)
    try:
        return cache.make(init_key(cache, deb), component, fill)
    except FileNotFoundError as error:
        raise StoreError(f"the cache lost {path.name} while it was in use; build again") from error


def _answer(init: Init | None, *notes: str) -> Callable[[], Chosen]:
    return lambda: (init, notes)


def _chosen(image: BaseImage, search: Callable[[], Deb] | None) -> Chosen:
    facts = image.facts
    if not facts.shell:
        return None, ()
    if facts.init or search is None:
        return Init(facts.init), ()
    try:
        return Init(PATH, search()), ()
    except (UsageError, ToolError) as error:
        return Init(""), (f"the image starts without an init: {error.brief}",)


def _search(platform: Platform, settings: Settings, reporter: Reporter, options: Options) -> Deb:
    from slipway.distro.single import find_deb

    return find_deb(
        PACKAGE, _SUITE, platform.arch, settings, reporter, refresh=options.refresh, now=options.now
    )
