"""Plan a build, or do it: recipe in, image in the store out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from slipway.build.assemble import Builder, Built, configuration, settled
from slipway.build.basecontents import LayersNeededError
from slipway.build.decide import changed_settings, decide, previous_layers
from slipway.build.early import ahead_of
from slipway.build.layers import clamp_for, layer_specs, takes_directories
from slipway.build.model import Action, Options, Plan, Result
from slipway.build.pythonparts import compiling, is_made_here
from slipway.build.resolve import Inputs, resolve
from slipway.errors import UsageError
from slipway.oci import compress
from slipway.oci.digest import canonical
from slipway.oci.fragment import FragmentCache
from slipway.oci.store import INDEX_TYPE, Descriptor, Store
from slipway.python.model import CompilingNeeded
from slipway.recipe.checks import PLATFORMS
from slipway.recipe.model import Platform, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slipway.build.basecontents import Contents
    from slipway.build.engines.export import Exported
    from slipway.build.model import LayerSpec
    from slipway.events import Reporter
    from slipway.settings import Settings

T = TypeVar("T")


def plan(
    recipe: Recipe, settings: Settings, reporter: Reporter, options: Options | None = None
) -> list[Plan]:
    """What `build` would do, for each platform. Resolves (reads indexes and sources) but downloads no package and makes nothing but the context that is asked for."""
    options = options or Options()
    settings = settings.with_(proxies=recipe.proxy)
    _check_engine(recipe, options)
    store = Store(settings.store)
    cache = _cache(settings, options)
    plans = []
    with store.shared():
        options = _prepared(recipe, store, cache, settings, reporter, options)
        for platform in platforms_of(recipe):
            try:
                inputs = resolve(recipe, platform, settings, store, reporter, options)
                inputs = compiling(inputs, cache, settings, options.epoch)
                plans.append(_plan(inputs, store, cache, settings, options))
            except LayersNeededError as needed:
                plans.append(_unfinished(needed, platform, full_tag(options.tag or recipe.tag)))
                continue
            _lay_out(inputs, cache, settings, reporter, options)
    return [replace(p, engine=options.engine) for p in plans]


def build(recipe: Recipe, settings: Settings, reporter: Reporter, options: Options | None = None) -> Result:
    """Build the image, keep it in the store, and give it its tag."""
    options = replace(options or Options(), fetch=True)
    settings = settings.with_(proxies=recipe.proxy)
    _check_engine(recipe, options)
    started = time.monotonic()
    store = Store(settings.store)
    cache = _cache(settings, options)
    tag = full_tag(options.tag or recipe.tag)
    with store.shared():
        options = _prepared(recipe, store, cache, settings, reporter, options)
        before = _tagged(store, tag)
        built = []
        for platform in platforms_of(recipe):
            with ahead_of(recipe, cache, settings, reporter) as ahead:
                inputs = resolve(recipe, platform, settings, store, reporter, options, ahead=ahead)
                inputs = compiling(inputs, cache, settings, options.epoch)
                builder = Builder(inputs, store, cache, settings, reporter, options, ahead)
                built.append(_built(builder, tag))
            _lay_out(inputs, cache, settings, reporter, options)
        image = _together(store, built)
        attached = _attached(store, image, settings, reporter, options)
        if tag:
            if before is None or before.digest != image.digest:
                store.tag(tag, image)
        else:
            store.add(image)
    return Result(
        image=image,
        tag=tag,
        image_id=built[0].image_id,
        layers=tuple(layer for b in built for layer in b.layers),
        changed=before is None or before.digest != image.digest,
        seconds=time.monotonic() - started,
        uncovered=tuple(dict.fromkeys(line for b in built for line in b.uncovered)),
        overlaps=tuple(dict.fromkeys(line for b in built for line in b.overlaps)),
        attached=attached,
    )


def _attached(
    store: Store, image: Descriptor, settings: Settings, reporter: Reporter, options: Options
) -> tuple[dict[str, Any], ...]:
    """Before the image has a name, so that whoever finds it by that finds all of it."""
    if not options.sbom:
        return ()
    from slipway.scan.sbom.attach import attach_sboms

    made = attach_sboms(store, image, options.sbom, settings, reporter)
    return tuple(referrer.as_json() | {"subject": referrer.subject} for referrer in made)


def _check_engine(recipe: Recipe, options: Options) -> None:
    if options.engine != "native" and len(platforms_of(recipe)) > 1:
        raise UsageError(
            f"{options.engine} builds for one platform at a time",
            hint="choose one with --platform, or build all with `--engine native`",
        )


def _built(builder: Builder, tag: str) -> Built:
    if (engine := builder.options.engine) == "native":
        return _compiling(builder, Builder.build)
    from slipway.build.engines.build import build_with

    return _compiling(builder, lambda b: build_with(engine, b, tag))


def _compiling(builder: Builder, do: Callable[[Builder], T]) -> T:
    """What `do` gives; it is done again as often as packages are found that have to be compiled, which changes keys."""
    while True:
        try:
            return do(builder)
        except CompilingNeeded as needed:
            builder = builder.compiling(needed)


def export_dockerfile(
    recipe: Recipe,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    directory: Path,
    *,
    force: bool = False,
) -> Exported:
    """Write what an engine would be given to `directory`, for people; see `slipway.build.engines.export`."""
    from slipway.build.engines.export import check_place, export

    options = replace(options, fetch=True)
    settings = settings.with_(proxies=recipe.proxy)
    platforms = platforms_of(recipe)
    if len(platforms) > 1:
        raise UsageError("a Dockerfile is written for one platform", hint="choose one with --platform")
    check_place(directory, force=force)
    store = Store(settings.store)
    cache = _cache(settings, options)
    with store.shared():
        options = _prepared(recipe, store, cache, settings, reporter, options)
        with ahead_of(recipe, cache, settings, reporter) as ahead:
            inputs = resolve(recipe, platforms[0], settings, store, reporter, options, ahead=ahead)
            inputs = compiling(inputs, cache, settings, options.epoch)
            builder = Builder(inputs, store, cache, settings, reporter, options, ahead)
            tag = full_tag(options.tag or recipe.tag)
            return _compiling(builder, lambda b: export(b, tag, directory))


def full_tag(tag: str) -> str:
    """`hello` is `hello:latest`; empty stays empty."""
    return tag if not tag or ":" in tag.rpartition("/")[2] else f"{tag}:latest"


def host_platform() -> Platform:
    """This machine's platform; `UsageError` when images cannot be built for it."""
    from slipway.oci.reader import this_machine

    name = this_machine()
    if name not in PLATFORMS:
        raise UsageError(f"no default platform for a {name} machine", hint="name one with `platforms:`")
    return Platform(PLATFORMS[name])


def _prepared(
    recipe: Recipe,
    store: Store,
    cache: FragmentCache,
    settings: Settings,
    reporter: Reporter,
    options: Options,
) -> Options:
    if options.lock is None:
        return options
    from slipway.build.locked import prepared

    return prepared(recipe, options.lock, platforms_of(recipe), store, cache, settings, reporter, options)


def _lay_out(
    inputs: Inputs, cache: FragmentCache, settings: Settings, reporter: Reporter, options: Options
) -> None:
    if options.context is not None:
        from slipway.build.context import write_context
        from slipway.build.missing import bring_files

        inputs = bring_files(inputs, cache, settings, reporter, prefix="")
        write_context(inputs, cache, options.context)


def platforms_of(recipe: Recipe) -> tuple[Platform, ...]:
    """Those that the recipe names, or this machine's."""
    return recipe.platforms or (host_platform(),)


def _cache(settings: Settings, options: Options) -> FragmentCache:
    compression = compress.get(settings.compression)
    return FragmentCache(settings.cache / "fragments", compression, fresh=options.no_cache)


def _plan(inputs: Inputs, store: Store, cache: FragmentCache, settings: Settings, options: Options) -> Plan:
    known = settled(inputs, settings, cache)
    drops, overlaps = known or ({}, ())
    layers = layer_specs(inputs, cache, options.epoch, drops)
    tag = full_tag(options.tag or inputs.recipe.tag)
    before = _tagged(store, tag)
    record = _record_of(store, before, str(inputs.platform)) if before else None
    actions = decide(
        layers,
        have_layer=lambda key: store.layer_record(key) is not None,
        have_part=cache.has,
        previous=previous_layers(record),
        no_cache=options.no_cache,
        settings=changed_settings(
            record.get("config") if record else None, configuration(inputs, [], 0)["config"]
        ),
    )
    missing = _missing(inputs, settings, cache, options)
    if image := inputs.image:
        looks = takes_directories(inputs.recipe) and any(a.kind == "assemble" for a in actions)
        absent = image.contents.absent() if looks else ()
        if any(a.kind == "run" for a in actions):  # a command sees all that is below it
            absent = tuple(layer for layer in image.layers if not store.has(layer.digest))
        missing |= {layer.digest: layer.size for layer in absent}
        actions = (_keep(image.contents, len(absent)), *actions)
    warnings = [*inputs.notes, *_uncovered(inputs, store, cache, layers, options), *overlaps]
    return Plan(inputs.platform, tag, actions, len(missing), sum(missing.values()), tuple(warnings))


def _unfinished(needed: LayersNeededError, platform: Platform, tag: str) -> Plan:
    """All that can be said of a build on a base image that was never looked into."""
    absent = needed.contents.absent()
    return Plan(
        platform,
        tag,
        (_keep(needed.contents, len(absent)),),
        len(absent),
        sum(layer.size for layer in absent),
        (f"{needed.brief}, nor is the rest of this plan",),
    )


def _keep(base: Contents, absent: int) -> Action:
    count = len(base.documents.layers)
    fetched = f", {absent} to be fetched" if absent else ""
    return Action(
        "keep", base.name, f"{count} {'layer' if count == 1 else 'layers'} of the base image{fetched}"
    )


def _missing(inputs: Inputs, settings: Settings, cache: FragmentCache, options: Options) -> dict[str, int]:
    """Size by sha256 of what would have to be downloaded."""
    from slipway.build.installation.init import init_key
    from slipway.build.layers import dist_key
    from slipway.distro.keys import deb_key
    from slipway.inputs.kept import path_of

    clamp = clamp_for(inputs, options.epoch)
    debs = inputs.debian.debs if inputs.debian else ()
    wanted = {d.sha256: d.size for d in debs if not cache.has(deb_key(cache, d.sha256, clamp=clamp))}
    dists = [d for d in inputs.python.dists if not is_made_here(d, settings)] if inputs.python else []
    wanted |= {d.sha256: d.size for d in dists if not cache.has(dist_key(inputs, cache, d))}
    if (init := inputs.init and inputs.init.deb) and not cache.has(init_key(cache, init)):
        wanted[init.sha256] = init.size
    return {sha256: size for sha256, size in wanted.items() if not path_of(sha256, settings).exists()}


def _uncovered(
    inputs: Inputs, store: Store, cache: FragmentCache, layers: Sequence[LayerSpec], options: Options
) -> list[str]:
    """Packages whose scripts matter and are neither run nor covered, as far as the packages are known already."""
    if inputs.debian is None:
        return []
    records = [store.layer_record(layer.key) for layer in layers]
    known = [line for r in records if r for line in r["uncovered"]]
    if all(
        r for r, layer in zip(records, layers, strict=True) if layer.parts and layer.parts[0].kind == "deb"
    ):
        return known
    from slipway.distro.keys import deb_key
    from slipway.distro.system import uncovered
    from slipway.distro.world import World

    clamp = clamp_for(inputs, options.epoch)
    fragments = [cache.get(deb_key(cache, d.sha256, clamp=clamp)) for d in inputs.debian.debs]
    here = [f for f in fragments if f]
    lines = [f"{u['package']} {u['version']}: {u['why']}" for u in uncovered(World(here))]
    if away := len(fragments) - len(here):
        lines.append(
            f"{away} packages are not here yet: whether their scripts matter is known after the download"
        )
    return lines


def _tagged(store: Store, tag: str) -> Descriptor | None:
    return next((d for d in store.images() if d.name == tag), None) if tag else None


def _record_of(store: Store, image: Descriptor, platform: str) -> dict[str, Any] | None:
    from slipway.oci.reader import manifests

    image = next((d for d in manifests(store, image) if d.platform == platform), image)
    return store.build_record(image.digest)


def _together(store: Store, built: list[Built]) -> Descriptor:
    """The manifest itself, or an index over several (image-spec: image-index.md)."""
    if len(built) == 1:
        return built[0].manifest
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [b.manifest.as_json() for b in built]}
    return store.put(canonical(index), INDEX_TYPE)
