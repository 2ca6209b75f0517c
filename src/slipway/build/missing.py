"""What a build from a lock has to read and is not on this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.build.assemble import settled
from slipway.build.layers import clamp_for, dist_key, layer_specs
from slipway.distro.keys import deb_key
from slipway.errors import FetchError, VerifyError
from slipway.inputs.download import Download, download_all, path_of
from slipway.inputs.pinned import file_key
from slipway.recipe.plain import is_web

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.build.model import Options
    from slipway.build.resolve import Inputs
    from slipway.events import Reporter
    from slipway.oci.fragment import FragmentCache
    from slipway.oci.store import Store
    from slipway.settings import Settings

_NAMED = 8  # of what is missing


def missing_downloads(
    inputs: Inputs, store: Store, cache: FragmentCache, settings: Settings, options: Options
) -> dict[str, Download]:
    """The packages and web files that the build will have to download, by sha256: only layers that the store lacks are made."""
    wanted = _wanted(inputs, store, cache, settings, options)
    return {
        item.sha256: item
        for key, item in wanted
        if not cache.has(key) and not path_of(item.sha256, settings).exists()
    }


def _wanted(
    inputs: Inputs, store: Store, cache: FragmentCache, settings: Settings, options: Options
) -> Iterator[tuple[str, Download]]:
    """What the layers to be made are made of, with the keys of their fragments."""
    known = settled(inputs, settings, cache)
    layers = layer_specs(inputs, cache, options.epoch, known[0] if known else {})
    todo = [layer for layer in layers if options.no_cache or store.layer_record(layer.key) is None]
    names = [layer.name for layer in todo]
    if inputs.debian and any(part.kind == "deb" for layer in todo for part in layer.parts):
        clamp = clamp_for(inputs, options.epoch)
        for deb in inputs.debian.debs if "apt" in names else inputs.debian.base:
            key = deb_key(cache, deb.sha256, clamp=clamp)
            yield key, Download(deb.url, deb.sha256, deb.size, deb.name)
    if inputs.python and (known is None or any(name.startswith("python") for name in names)):
        for dist in inputs.python.dists:
            yield dist_key(inputs, cache, dist), Download(dist.url, dist.sha256, dist.size, dist.filename)
    if "workspace" in names:
        yield from _web_files(inputs, cache, inputs.recipe.workspace.strip("/"))


def refuse(missing: Sequence[Download]) -> None:
    """`FetchError` that tells how much is missing, if anything is."""
    if not missing:
        return
    names = [item.shown for item in missing[:_NAMED]]
    if more := len(missing) - len(names):
        names.append(f"and {more} more")
    size = sum(item.size for item in missing)
    what = "1 download is" if len(missing) == 1 else f"{len(missing)} downloads are"
    raise FetchError(
        f"{what} missing ({size / 1e6:.1f} MB), and nothing may be downloaded",
        details="\n".join(names),
        hint="build once with --locked instead of --offline; what it downloads stays in the cache",
    )


def bring_files(
    inputs: Inputs, cache: FragmentCache, settings: Settings, reporter: Reporter, prefix: str
) -> None:
    """Download the web files of locked inputs that are not here, to go below `prefix`.

    `VerifyError` when a server has something else than what was locked.
    """
    missing = [
        replace(item, url=source)
        for (key, item), source in zip(_web_files(inputs, cache, prefix), _web_sources(inputs), strict=True)
        if not cache.has(key) and not path_of(item.sha256, settings).exists()
    ]
    if not missing:
        return
    try:
        download_all(missing, settings, reporter, what="fetch")
    except VerifyError as error:
        error.hint = "the file changed on its server: `slipway lock --upgrade` takes the new one"
        raise


def _web_files(inputs: Inputs, cache: FragmentCache, prefix: str) -> Iterator[tuple[str, Download]]:
    for item, file in zip(inputs.recipe.files, inputs.files, strict=True):
        if is_web(item.source):
            yield file_key(cache, file, prefix), Download("", file.sha256, file.size, file.source)


def _web_sources(inputs: Inputs) -> list[str]:
    """Addresses as the recipe has them: what a lock keeps has no secrets."""
    return [item.source for item in inputs.recipe.files if is_web(item.source)]
