"""The file system that Python packages are compiled in: all that is below them in the image, and what compiling takes.

On a base that is made of Debian packages, a compiler and Python's headers are installed beside the rest, in layers that
no image ever has. Any other base has to bring them.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from slipway.build.layers import layer_specs
from slipway.oci.digest import Digest
from slipway.oci.reader import Slice, read_image
from slipway.oci.rootfs import held
from slipway.oci.store import Descriptor
from slipway.python.compiled import Root
from slipway.recipe.model import DebianBase
from slipway.registry.lazy import ensure
from slipway.sandbox.host import check_platform
from slipway.sandbox.inside import trees_for
from slipway.sandbox.users import find_users

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slipway.build.assemble import Builder
    from slipway.build.model import LayerSpec
    from slipway.build.resolve import Inputs

TOOLS = ("build-essential", "python3-dev")
_HINT_DEBIAN = "headers and libraries that it needs have to be in the image, too: add their packages to `apt`"
_HINT_IMAGE = (
    "the base image has to have what compiling takes: choose one with a compiler and Python's headers, or install"
    " them before the packages, with `cmds: {pre: RUN …}`"
)


class Toolchain:
    """Of one image: layers that are made when the first package is compiled."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._lock = threading.Lock()
        self._layers: list[Slice] | None = None

    @contextmanager
    def root(self) -> Iterator[Root]:
        """A file system of one's own. `ToolError` when this machine cannot run what the image is for."""
        builder = self._builder
        names = ", ".join(sorted(d.name for d in _dists(builder.inputs)))
        check_platform(str(builder.inputs.platform), f"what has to be compiled ({names})")
        users = find_users()
        trees = trees_for(users, builder.settings.cache / "trees")
        with ExitStack() as stack:
            with self._lock:
                self._layers = self._layers or self._made()
                lowers = trees.provide(builder.store, self._layers, builder.reporter)
            stack.enter_context(held(lowers))
            upper = stack.enter_context(trees.scratch())
            hint = _HINT_DEBIAN if builder.inputs.debian else _HINT_IMAGE
            image = builder.inputs.image
            env = (image.config.get("config") or {}).get("Env") or () if image else ()
            yield Root(lowers, trees.stage(), upper, users, dict(e.partition("=")[::2] for e in env), hint)

    def _made(self) -> list[Slice]:
        builder = self._builder
        inputs = builder.inputs
        specs = layer_specs(inputs, builder.cache, builder.options.epoch, {})
        below = list(takewhile(lambda layer: not layer.name.startswith("python"), specs))
        if inputs.image:
            ensure(builder.store, inputs.image.manifest, builder.settings, builder.reporter)
            bottom = list(read_image(builder.store, inputs.image.manifest).layers)
            return bottom + _slices(builder.layers(below))
        system = [layer for layer in below if _is_system(layer)]
        return _slices(self._with_tools()) + _slices(builder.layers(below)[len(system) :])

    def _with_tools(self) -> Sequence[Mapping[str, Any]]:
        """The records of the system's layers, with tools."""
        from slipway.build.assemble import Builder

        builder = self._builder
        inputs = _tooled(builder)
        own = replace(builder.session, options=replace(builder.options, finished=None))
        maker = Builder(own, inputs)
        maker.made = builder.made  # the base is the image's, too
        specs = layer_specs(inputs, builder.cache, builder.options.epoch, {})
        return maker.layers([layer for layer in specs if _is_system(layer)])


def _tooled(builder: Builder) -> Inputs:
    """The inputs of the system alone, its `apt` packages with tools. Versions stay where they can."""
    from slipway.build.resolve import debian_request
    from slipway.distro.resolve import resolve_debian

    inputs, recipe = builder.inputs, builder.inputs.recipe
    if inputs.debian is None or not isinstance(recipe.base, DebianBase):
        raise ValueError("only a Debian base is made of packages")
    found = inputs.debian
    if not {d.name for d in found.debs}.issuperset(TOOLS):
        request, _ = debian_request(recipe, recipe.base, inputs.platform)
        found = resolve_debian(
            replace(request, apt=(*request.apt, *TOOLS)),
            builder.settings,
            builder.reporter,
            now=builder.options.now,
            prefer={d.name: d.version for d in inputs.debian.debs},
        )
    bare = replace(recipe, pre=(), post=(), run=())
    return replace(inputs, recipe=bare, debian=found, python=None, target=None, init=None)


def _is_system(layer: LayerSpec) -> bool:
    return layer.name == "apt" or layer.name.startswith("debian ")


def _slices(records: Sequence[Mapping[str, Any]]) -> list[Slice]:
    return [
        Slice(Descriptor(r["media_type"], Digest(r["digest"]), r["size"]), Digest(r["diff_id"]))
        for r in records
    ]


def _dists(inputs: Inputs) -> list[Any]:
    return [d for d in inputs.python.dists if d.root] if inputs.python else []
