"""The plan of one platform: what a build would do, and why, from what the store and the cache have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.basecontents import LayersNeededError
from slipway.build.choices import name_of
from slipway.build.decide import changed_settings, decide, previous_layers
from slipway.build.image import configuration
from slipway.build.layers import clamp_for, layer_specs, takes_directories
from slipway.build.missing import missing_downloads
from slipway.build.model import Action, Plan
from slipway.build.overlaps import settled
from slipway.oci.reader import manifests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from slipway.build.basecontents import Contents
    from slipway.build.model import LayerSpec
    from slipway.build.resolve import Inputs
    from slipway.build.session import Session
    from slipway.recipe.model import Platform


def planned(session: Session, platform: Platform) -> Plan:
    """Inputs are resolved, and the context that is asked for is written."""
    try:
        inputs = session.inputs(platform)
        plan = _plan(session, inputs)
    except LayersNeededError as needed:
        return _unfinished(session, platform, needed)
    session.lay_out(inputs)
    return plan


def _plan(session: Session, inputs: Inputs) -> Plan:
    store, cache, options = session.store, session.cache, session.options
    drops, overlaps = settled(inputs, session.settings, cache) or ({}, ())
    layers = layer_specs(inputs, cache, options.epoch, drops)
    name = name_of(session.recipe, options)
    record = _previous(session, name, inputs.platform)
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
    downloads = missing_downloads(inputs, store, cache, session.settings, options)
    missing = {sha256: item.size for sha256, item in downloads.items()}
    if image := inputs.image:
        looks = takes_directories(inputs.recipe) and any(a.kind == "assemble" for a in actions)
        absent = image.contents.absent() if looks else ()
        if any(a.kind == "run" for a in actions):  # a command sees all that is below it
            absent = tuple(layer for layer in image.layers if not store.has(layer.digest))
        missing |= {layer.digest: layer.size for layer in absent}
        actions = (_keep(image.contents, len(absent)), *actions)
    warnings = (*inputs.notes, *_uncovered(session, inputs, layers), *overlaps)
    return Plan(inputs.platform, name, actions, len(missing), sum(missing.values()), warnings)


def _previous(session: Session, name: str, platform: Platform) -> Mapping[str, Any] | None:
    """How the image that has the name now was built for this platform."""
    store = session.store
    image = store.named(name)
    if image is None:
        return None
    image = next((m for m in manifests(store, image) if m.platform == str(platform)), image)
    return store.build_record(image.digest)


def _unfinished(session: Session, platform: Platform, needed: LayersNeededError) -> Plan:
    """All that can be said of a build on a base image that was never looked into."""
    absent = needed.contents.absent()
    return Plan(
        platform,
        name_of(session.recipe, session.options),
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


def _uncovered(session: Session, inputs: Inputs, layers: Sequence[LayerSpec]) -> list[str]:
    """Packages whose scripts matter and are neither run nor covered, as far as the packages are known already."""
    if inputs.debian is None:
        return []
    records = [session.store.layer_record(layer.key) for layer in layers]
    known = [line for r in records if r for line in r["uncovered"]]
    if all(
        r for r, layer in zip(records, layers, strict=True) if layer.parts and layer.parts[0].kind == "deb"
    ):
        return known
    from slipway.distro.keys import deb_key
    from slipway.distro.system import uncovered
    from slipway.distro.world import World

    cache, clamp = session.cache, clamp_for(inputs, session.options.epoch)
    fragments = [cache.get(deb_key(cache, d.sha256, clamp=clamp)) for d in inputs.debian.debs]
    here = [f for f in fragments if f]
    lines = [f"{u['package']} {u['version']}: {u['why']}" for u in uncovered(World(here))]
    if away := len(fragments) - len(here):
        lines.append(
            f"{away} packages are not here yet: whether their scripts matter is known after the download"
        )
    return lines
