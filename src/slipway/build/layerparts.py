"""The parts of a layer, as fragments: in the order in which they lie in it, without what they give up to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.layers import Drops, clamp_for, system_context

if TYPE_CHECKING:
    from slipway.build.fragments import Workshop
    from slipway.build.model import LayerSpec
    from slipway.oci.fragment import Fragment


def layer_parts(workshop: Workshop, layer: LayerSpec, drops: Drops, epoch: int | None) -> list[Fragment]:
    """Made where the cache lacks them."""
    if layer.name == "workspace":
        return workshop.workspace()
    if layer.name == "installation":
        return workshop.installation()
    if layer.name == "init":
        return [workshop.init()]
    if layer.name.startswith("python"):
        return _python_parts(workshop, layer, drops)
    return _system_parts(workshop, epoch, apt=layer.name == "apt")


def _python_parts(workshop: Workshop, layer: LayerSpec, drops: Drops) -> list[Fragment]:
    made = [workshop.dists[part.key] for part in layer.parts if part.kind == "pypi"]
    given = [workshop.cache.without(f, drops[f.key]) if f.key in drops else f for f in made]
    return given if len(given) == len(layer.parts) else [workshop.environment(), *given]


def _system_parts(workshop: Workshop, epoch: int | None, *, apt: bool) -> list[Fragment]:
    from slipway.distro.settle import settle
    from slipway.distro.system import system_fragment

    inputs, cache = workshop.inputs, workshop.cache
    debian = inputs.debian
    if debian is None:
        raise ValueError("only a Debian base has system layers")
    wanted = debian.debs if apt else debian.base
    packages = workshop.debs(wanted, clamp_for(inputs, epoch))
    context = system_context(inputs, wanted)
    with workshop.reporter.step("system state", f"{len(packages)} packages"):
        state = system_fragment(cache, packages, context)
    generated = set(state.paths)
    lost = settle(packages)
    packages = [
        cache.without(f, lost.get(i, set()) | (generated & set(f.paths))) for i, f in enumerate(packages)
    ]
    return [*packages[len(debian.base) :], state] if apt else [*packages, state]
