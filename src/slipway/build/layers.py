"""Which layers an image has: split by how often their content changes, so that a change costs little.

From below: the base system; `apt` packages, or the init that a base image lacks; each big wheel alone; all other wheels
with the virtual environment, in one layer or several; the workspace with files and settings; and at last what the image
says of itself, which changes with every word of the recipe. Where commands are run, `slipway.build.steps.stack` says. Pure: inputs in, layer specifications out.
"""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING

from slipway.build import workspace
from slipway.build.installation import entrypoint, records, written
from slipway.build.installation.init import init_key
from slipway.build.model import LayerSpec, Part
from slipway.distro.keys import SYSTEM_VERSION, deb_key
from slipway.distro.model import SystemContext
from slipway.inputs.pinned import file_key
from slipway.inputs.repository import SHORT, repository_key
from slipway.oci.digest import key_of
from slipway.oci.entry import NO_TIME
from slipway.python.keys import venv_key, wheel_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slipway.build.resolve import Inputs
    from slipway.distro.model import Deb
    from slipway.oci.fragment import FragmentCache
    from slipway.python.model import Dist
    from slipway.recipe.model import Recipe

FORMAT = 2
BIG_WHEEL = 4 << 20  # compressed bytes; below it the cost of one more layer outweighs the gain
MOST_BIG_WHEELS = 12  # keeps an image at less than 20 layers
SHARE = 8 << 20  # compressed bytes of other wheels, of which each further layer should hold about as much
MOST_SHARES = 4

# Which paths a part gives up to another part, by the part's key.
Drops = dict[str, tuple[str, ...]]


def layer_specs(inputs: Inputs, cache: FragmentCache, epoch: int | None, drops: Drops) -> list[LayerSpec]:
    """The layers wanted above the base image (all layers, when there is none)."""
    layers: list[LayerSpec] = []
    if inputs.debian is not None:
        layers.extend(_system_layers(inputs, cache, clamp_for(inputs, epoch)))
    if inputs.init is not None and inputs.init.deb is not None and inputs.image is not None:
        deb = inputs.init.deb
        parts = [Part("deb", deb.name, deb.version, init_key(cache, deb))]
        layers.append(_layer("init", cache, parts, [inputs.image.manifest.digest]))
    below: list[str] = []
    if takes_directories(inputs.recipe):
        below = [layer.key for layer in layers] or ([inputs.image.manifest.digest] if inputs.image else [])
    python = list(_python_layers(inputs, cache, drops, below))
    own = _layer("workspace", cache, _workspace_parts(inputs, cache), below)
    recipe = inputs.recipe
    told = [
        Part("generated", "recipe", "", written.key(cache, recipe)),
        Part("generated", "installation", "", records.key(cache, inputs)),
    ]
    top = [_layer("installation", cache, told, below)]
    if not (recipe.pre or recipe.post or recipe.run):
        return [*layers, *python, own, *top]
    from slipway.build.steps.stack import stacked

    return stacked(inputs, cache, epoch, layers, python, own, top)


def takes_directories(recipe: Recipe) -> bool:
    """Whether directories outside the workspace are named, which take their attributes from below."""
    return "/" in recipe.workspace.strip("/")


def clamp_for(inputs: Inputs, epoch: int | None) -> int | None:
    """The latest time that packages' files may have: none are later than the release they are from."""
    return epoch if epoch is not None and inputs.debian is not None and epoch < inputs.debian.date else None


def system_context(inputs: Inputs, debs: Iterable[Deb]) -> SystemContext:
    """What the generated system state depends on beside the packages themselves."""
    debian = inputs.debian
    if debian is None:
        raise ValueError("only a Debian base has a system state")
    return SystemContext(
        codename=debian.codename,
        sources=debian.sources,
        components=debian.components,
        manual=tuple(sorted(set(debian.manual) & {d.name for d in debs})),
        arch=inputs.platform.arch,
        epoch=NO_TIME,
    )


def big_wheels(dists: Iterable[Dist]) -> list[Dist]:
    """The wheels that get a layer of their own, by name."""
    big = sorted((d for d in dists if d.size >= BIG_WHEEL), key=lambda d: (-d.size, d.name))
    return sorted(big[:MOST_BIG_WHEELS], key=lambda d: d.name)


def shares(dists: Sequence[Dist]) -> list[list[Dist]]:
    """Small wheels by the layer that they go into, in their order; the first list may be empty, the others are not.

    A wheel's layer follows from its name, so that a new one changes one layer. When the number of layers changes,
    no more wheels move than have to (rendezvous hashing).
    """
    count = min(MOST_SHARES, 1 + sum(d.size for d in dists) // SHARE)
    found: list[list[Dist]] = [[] for _ in range(count)]
    for dist in dists:
        weights = [sha256(f"{n} {dist.name}".encode()).digest() for n in range(count)]
        found[weights.index(max(weights))].append(dist)
    return [found[0], *(share for share in found[1:] if share)]


def dist_key(inputs: Inputs, cache: FragmentCache, dist: Dist) -> str:
    if inputs.python is None or inputs.target is None:
        raise ValueError("no Python packages in these inputs")
    prefix = inputs.recipe.workspace.strip("/")
    return wheel_key(cache, dist, inputs.target, prefix, dist.name in inputs.python.requested)


def _system_layers(inputs: Inputs, cache: FragmentCache, clamp: int | None) -> Iterable[LayerSpec]:
    debian = inputs.debian
    if debian is None:
        return
    base = [_deb_part(cache, d, clamp) for d in debian.base]
    name = f"debian {debian.codename}"
    base_layer = _layer(name, cache, [*base, _state(inputs, base, debian.base)], [])
    yield base_layer
    if debian.apt:
        apt = [_deb_part(cache, d, clamp) for d in debian.apt]
        state = _state(inputs, [*base, *apt], debian.debs)
        yield _layer("apt", cache, [*apt, state], [base_layer.key])


def _deb_part(cache: FragmentCache, deb: Deb, clamp: int | None) -> Part:
    return Part("deb", deb.name, deb.version, deb_key(cache, deb.sha256, clamp=clamp))


def _state(inputs: Inputs, parts: Iterable[Part], debs: Iterable[Deb]) -> Part:
    key = key_of(SYSTEM_VERSION, asdict(system_context(inputs, debs)), [p.key for p in parts])
    return Part("generated", "system state", "", key)


def _python_layers(
    inputs: Inputs, cache: FragmentCache, drops: Drops, below: list[str]
) -> Iterable[LayerSpec]:
    if inputs.python is None or inputs.target is None:
        return
    alone = big_wheels(inputs.python.dists)
    for dist in alone:
        yield _layer(f"python: {dist.name}", cache, [_dist_part(inputs, cache, dist)], below, drops)
    prefix = inputs.recipe.workspace.strip("/")
    environment = Part(
        "generated", "virtual environment", inputs.target.version, venv_key(cache, inputs.target, prefix)
    )
    for number, dists in enumerate(shares([d for d in inputs.python.dists if d not in alone])):
        parts = [_dist_part(inputs, cache, d) for d in dists]
        if number == 0:
            yield _layer("python", cache, [environment, *parts], below, drops)
        else:
            yield _layer(f"python {number + 1}", cache, parts, below, drops)


def _dist_part(inputs: Inputs, cache: FragmentCache, dist: Dist) -> Part:
    return Part("pypi", dist.name, dist.version, dist_key(inputs, cache, dist))


def _workspace_parts(inputs: Inputs, cache: FragmentCache) -> list[Part]:
    prefix = inputs.recipe.workspace.strip("/")
    parts = [Part("generated", "workspace", "", workspace.key(cache, inputs.recipe))]
    if entrypoint.possible(inputs.recipe):
        parts.append(Part("generated", "entrypoint", "", entrypoint.key(cache, inputs.recipe)))
    parts.extend(Part("file", f.dest, f.sha256[:12], file_key(cache, f, prefix)) for f in inputs.files)
    parts.extend(
        Part("git", r.dest, r.commit[:SHORT], repository_key(cache, r, prefix)) for r in inputs.repositories
    )
    parts.extend(Part("file", f.dest, f.sha256[:12], file_key(cache, f, prefix)) for f in inputs.sources)
    return parts


def _layer(
    name: str,
    cache: FragmentCache,
    parts: list[Part],
    below: list[str],
    drops: Mapping[str, tuple[str, ...]] | None = None,
) -> LayerSpec:
    given = {p.key: drops[p.key] for p in parts if p.key in drops} if drops else {}
    key = key_of("layer", FORMAT, cache.compression.name, [p.key for p in parts], below, given)
    return LayerSpec(name, key, tuple(parts), tuple(below))
