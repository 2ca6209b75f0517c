"""What a build from a lock has to read and is not on this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.build.installation.init import init_key
from slipway.build.layers import clamp_for, dist_key, layer_specs
from slipway.build.overlaps import settled
from slipway.build.pythonparts import is_made_here
from slipway.distro.keys import deb_key
from slipway.errors import FetchError
from slipway.inputs.address import is_remote
from slipway.inputs.download import Download
from slipway.inputs.kept import path_of
from slipway.inputs.pinned import file_key
from slipway.inputs.pool import EMPTY
from slipway.inputs.promised import is_here, keep_promises
from slipway.inputs.repository import SHORT, repository_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.build.model import Options
    from slipway.build.resolve import Inputs
    from slipway.events import Reporter
    from slipway.inputs.repository import PinnedRepository
    from slipway.oci.fragment import FragmentCache
    from slipway.oci.store import Store
    from slipway.settings import Settings

_NAMED = 8  # of what is missing


def missing_downloads(
    inputs: Inputs, store: Store, cache: FragmentCache, settings: Settings, options: Options
) -> dict[str, Download]:
    """The packages and files that the build will have to download, by sha256: only layers that the store lacks are made."""
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
    if inputs.init and inputs.init.deb and "init" in names:
        deb = inputs.init.deb
        yield init_key(cache, deb), Download(deb.url, deb.sha256, deb.size, deb.name)
    if inputs.debian and any(part.kind == "deb" for layer in todo for part in layer.parts):
        clamp = clamp_for(inputs, options.epoch)
        for deb in inputs.debian.debs if "apt" in names else inputs.debian.base:
            key = deb_key(cache, deb.sha256, clamp=clamp)
            yield key, Download(deb.url, deb.sha256, deb.size, deb.name)
    if inputs.python and (known is None or any(name.startswith("python") for name in names)):
        for dist in inputs.python.dists:
            if is_made_here(dist, settings):
                continue
            yield dist_key(inputs, cache, dist), Download(dist.url, dist.sha256, dist.size, dist.filename)
    if "workspace" in names or "installation" in names or any(layer.copy for layer in todo):
        prefix = inputs.recipe.workspace.strip("/")
        yield from _remote_files(inputs, cache, prefix)
        for tree in inputs.repositories:
            if not _is_tree_here(tree):
                size, name = tree.tree.size, f"{tree.url} {tree.commit[:SHORT]}"
                yield repository_key(cache, tree, prefix), Download("", tree.tree.sha256, size, name)


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
) -> Inputs:
    """Bring in the files and repositories of locked inputs that come from elsewhere and are not here, to go below `prefix`.

    `inputs` with what was not known of them before. `VerifyError` when a source, or a commit, is something else than what was
    locked.
    """
    missing = {
        number: (item, file)
        for number, (item, file) in enumerate(zip(inputs.recipe.files, inputs.files, strict=True))
        if is_remote(item.source) and not is_here(file) and not cache.has(file_key(cache, file, prefix))
    }
    files = list(inputs.files)
    if missing:
        found = keep_promises(list(missing.values()), settings, reporter)
        for number, file in zip(missing, found, strict=True):
            files[number] = file
    trees = _bring_trees(inputs, cache, settings, reporter, prefix)
    return replace(inputs, files=tuple(files), repositories=trees)


def _bring_trees(
    inputs: Inputs, cache: FragmentCache, settings: Settings, reporter: Reporter, prefix: str
) -> tuple[PinnedRepository, ...]:
    recipe = inputs.recipe
    trees = dict(enumerate(inputs.repositories))
    missing = [
        number
        for number, tree in trees.items()
        if not _is_tree_here(tree) and not cache.has(repository_key(cache, tree, prefix))
    ]
    if missing:
        from slipway.inputs.git import pin_commits

        items, promises = [recipe.repositories[n] for n in missing], [trees[n] for n in missing]
        found = pin_commits(items, promises, settings, reporter, directory=recipe.directory)
        trees.update(zip(missing, found, strict=True))
    return tuple(trees.values())


def _is_tree_here(tree: PinnedRepository) -> bool:
    return bool(tree.tree.listing) or tree.tree.sha256 == EMPTY


def _remote_files(inputs: Inputs, cache: FragmentCache, prefix: str) -> Iterator[tuple[str, Download]]:
    for item, file in zip(inputs.recipe.files, inputs.files, strict=True):
        if is_remote(item.source):
            sha256 = file.sha256 if is_here(file) else file.archive or file.sha256
            yield file_key(cache, file, prefix), Download("", sha256, file.size, file.source)
