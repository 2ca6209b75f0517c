"""Carry out a plan for one platform: make what is missing, put layers together, write the image into the store."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slipway.build import config
from slipway.build.below import Below
from slipway.build.installation.entrypoint import argv
from slipway.build.layers import (
    Drops,
    clamp_for,
    dist_key,
    layer_specs,
    system_context,
)
from slipway.build.model import LayerResult
from slipway.build.steps.keys import identity
from slipway.build.steps.stack import program_of
from slipway.files import read_json, write_json
from slipway.lock.kept import FIELD as LOCK
from slipway.lock.kept import kept
from slipway.oci.digest import Digest, canonical, key_of
from slipway.oci.entry import NO_TIME
from slipway.oci.store import CONFIG_TYPE, MANIFEST_TYPE, Descriptor
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager
    from pathlib import Path

    from slipway.build.fragments import Workshop
    from slipway.build.model import LayerSpec, Options
    from slipway.build.resolve import Inputs
    from slipway.build.toolchain import Toolchain
    from slipway.events import Reporter
    from slipway.oci.entry import Entry
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.layer import Layer
    from slipway.oci.store import Store
    from slipway.python.ahead import Ahead
    from slipway.python.compiled import Root
    from slipway.python.model import CompilingNeeded
    from slipway.settings import Settings

_FEW = 2  # layers


@value
class Built:
    """One platform's image: its manifest, configuration digest, layers, and what a person should know."""

    manifest: Descriptor
    image_id: Digest
    layers: tuple[LayerResult, ...]
    uncovered: tuple[str, ...]
    overlaps: tuple[str, ...]


def settled(inputs: Inputs, settings: Settings, cache: FragmentCache) -> tuple[Drops, tuple[str, ...]] | None:
    """What is remembered of overlapping wheels: paths that parts give up, and a line for each; None if not known yet."""
    if inputs.python is None:
        return {}, ()
    data = read_json(_settled_path(inputs, settings, cache))
    if not isinstance(data, dict):
        return None
    return {k: tuple(v) for k, v in data["drops"].items()}, tuple(data["overlaps"])


def configuration(inputs: Inputs, layers: Sequence[tuple[str, str]], created: int) -> dict[str, Any]:
    """The image configuration for these inputs; `layers` are (name, DiffID) above the base image's."""
    base = inputs.image
    return config.image_config(
        inputs.recipe,
        inputs.platform,
        layers,
        created=created,
        base=base.config if base else None,
        venv=inputs.python is not None,
        default_entrypoint=argv(inputs.recipe, inputs.init),
        default_shell=lambda: base.facts.shell if base else "bash" if inputs.debian else "",
        program=program_of(inputs),
    )


class Builder:
    def __init__(
        self,
        inputs: Inputs,
        store: Store,
        cache: FragmentCache,
        settings: Settings,
        reporter: Reporter,
        options: Options,
        ahead: Ahead | None = None,
    ) -> None:
        self.inputs = inputs
        self.store = store
        self.cache = cache
        self.settings = settings
        self.reporter = reporter
        self.options = options
        self.ahead = ahead
        self._dists: dict[str, Fragment] | None = None
        self.done: dict[
            str, dict[str, Any]
        ] = {}  # layers made by this builder, some before others could be planned

    @cached_property
    def workshop(self) -> Workshop:
        # what converts packages is needed only where something is missing
        from slipway.build.fragments import Workshop

        return Workshop(self.inputs, self.cache, self.settings, self.reporter, self.ahead, self._root)

    def compiling(self, needed: CompilingNeeded) -> Builder:
        """A builder that compiles what was found to need it."""
        from slipway.build.pythonparts import compiling

        names = needed.reasons.keys()
        inputs = compiling(self.inputs, self.cache, self.settings, self.options.epoch, names)
        return Builder(inputs, self.store, self.cache, self.settings, self.reporter, self.options, self.ahead)

    def _root(self) -> AbstractContextManager[Root]:
        """The file system that Python packages are compiled in."""
        return self._toolchain.root()

    @cached_property
    def _toolchain(self) -> Toolchain:
        from slipway.build.toolchain import Toolchain

        return Toolchain(self)

    def build(self) -> Built:
        drops, overlaps = self._settle()
        layers = layer_specs(self.inputs, self.cache, self.options.epoch, drops)
        actions, records = self._layers(layers, drops)
        results = [
            LayerResult(layer.name, action, r["digest"], r["size"], r["raw_size"], str(self.inputs.platform))
            for layer, action, r in zip(layers, actions, records, strict=True)
        ]
        manifest, image_id = self._write(layers, records)
        uncovered = tuple(line for r in records for line in r["uncovered"])
        # the last system state covers all packages, so the base's own list is part of it
        uncovered = tuple(dict.fromkeys(uncovered))
        self._record(manifest, layers, records, uncovered, overlaps)
        return Built(manifest, image_id, tuple(results), uncovered, overlaps)

    def pure(self) -> tuple[list[LayerSpec], list[dict[str, Any] | None], tuple[str, ...]]:
        """All layers, the records of those for which nothing has to be run (made where missing), and the overlaps."""
        drops, overlaps = self._settle()
        layers = layer_specs(self.inputs, self.cache, self.options.epoch, drops)
        from slipway.build.steps.make import loose

        _, made = self._layers(loose(layers), drops)
        records = iter(made)
        return layers, [next(records) if layer.step is None else None for layer in layers], overlaps

    def layers(self, specs: Sequence[LayerSpec]) -> list[dict[str, Any]]:
        """The records of some of the lowest layers, made where they are missing."""
        return self._layers(specs, {})[1]

    # -- layers ----------------------------------------------------------------------------------------------

    def _layers(self, layers: Sequence[LayerSpec], drops: Drops) -> tuple[list[str], list[dict[str, Any]]]:
        """What was done for each layer, and its record. Layers are written side by side."""
        known = [self._known(layer.key) for layer in layers]
        if found := [record for record in known if record is not None and None not in known]:
            return [self._action(layer, there=True) for layer in layers], found
        from slipway.build.steps.make import Maker, layer_directories

        if self.inputs.image:
            self._finished(*self.inputs.image.layers)
        actions: list[str] = []
        records: list[dict[str, Any] | Callable[[], dict[str, Any]]] = []
        ready: dict[str, list[Fragment]] | None = None
        below = Below(self.store, self.inputs.image)
        maker = Maker(self, below)
        maker.check(layer for layer, record in zip(layers, known, strict=True) if record is None)
        with _threads(known.count(None)) as pool:
            for number, (layer, record) in enumerate(zip(layers, known, strict=True)):
                actions.append(self._action(layer, there=record is not None))
                if record is not None:
                    records.append(record)
                    continue
                if layer.step or layer.copy:
                    if ready is None:  # nothing has to be fetched any more when commands run
                        rest = zip(layers[number:], known[number:], strict=True)
                        wanted = [r for r, there in rest if not (there or r.step or r.copy)]
                        ready = {each.key: self._fragments(each, drops) for each in wanted}
                    done = [r() if callable(r) else r for r in records]
                    records.append(maker.make(layer, done))
                    continue
                fragments = self._fragments(layer, drops) if ready is None else ready[layer.key]
                dirs = layer_directories(layer, fragments, below)
                if pool is None:
                    records.append(self.assembled(layer, fragments, dirs))
                else:
                    records.append(pool.submit(self.assembled, layer, fragments, dirs).result)
            return actions, [r() if callable(r) else r for r in records]

    def _known(self, key: str) -> dict[str, Any] | None:
        """The record of a layer that need not be made, or has been just now."""
        return self.done.get(key) or (None if self.options.no_cache else self.store.layer_record(key))

    def _action(self, layer: LayerSpec, *, there: bool) -> str:
        made = "run" if layer.step else "assemble"
        return "reuse" if there and layer.key not in self.done else made

    def assembled(
        self, layer: LayerSpec, fragments: Sequence[Fragment], dirs: Mapping[str, Entry]
    ) -> dict[str, Any]:
        """Put a layer together; its record."""
        from slipway.oci.layer import assemble

        with self.reporter.step(f"layer {layer.name}", f"{len(fragments)} parts") as step:
            done = assemble(self.store, fragments, dirs, self.cache.compression)
            step.detail = f"{done.raw_size / 1e6:.1f} MB" if done.raw_size > 1e5 else f"{done.raw_size} bytes"
        return self.made(layer, done, fragments, dirs)

    def made(
        self, layer: LayerSpec, done: Layer, fragments: Sequence[Fragment], dirs: Mapping[str, Entry]
    ) -> dict[str, Any]:
        """The record of a layer that has come into the store; kept there."""
        record = {
            "media_type": done.media_type,
            "digest": done.digest,
            "size": done.size,
            "diff_id": done.diff_id,
            "raw_size": done.raw_size,
            "newest": max((row[5] for f in fragments for row in f.rows), default=NO_TIME),
            "uncovered": [
                f"{u['package']} {u['version']}: {u['why']}"
                for f in fragments
                for u in f.extra.get("uncovered", ())
            ],
        }
        self.store.put_layer_record(layer.key, record, [e.pack() for e in dirs.values()])
        self.done[layer.key] = record
        self._finished(Descriptor(done.media_type, done.digest, done.size))
        return record

    def _finished(self, *layers: Descriptor) -> None:
        if self.options.finished:
            self.options.finished(layers)

    def _fragments(self, layer: LayerSpec, drops: Drops) -> list[Fragment]:
        if layer.name == "workspace":
            return self.workshop.workspace()
        if layer.name == "installation":
            return self.workshop.installation()
        if layer.name == "init":
            return [self.workshop.init()]
        if layer.name.startswith("python"):
            known = self._all_dists()
            made = [known[p.key] for p in layer.parts if p.kind == "pypi"]
            given = [self.cache.without(f, drops[f.key]) if f.key in drops else f for f in made]
            return given if len(given) == len(layer.parts) else [self.workshop.environment(), *given]
        return self._system_fragments(apt=layer.name == "apt")

    def _system_fragments(self, *, apt: bool) -> list[Fragment]:
        from slipway.distro.settle import settle
        from slipway.distro.system import system_fragment

        debian = self.inputs.debian
        if debian is None:
            raise ValueError("only a Debian base has system layers")
        clamp = clamp_for(self.inputs, self.options.epoch)
        wanted = debian.debs if apt else debian.base
        packages = self.workshop.debs(wanted, clamp)
        context = system_context(self.inputs, wanted)
        with self.reporter.step("system state", f"{len(packages)} packages"):
            state = system_fragment(self.cache, packages, context)
        generated = set(state.paths)
        lost = settle(packages)
        packages = [
            self.cache.without(f, lost.get(i, set()) | (generated & set(f.paths)))
            for i, f in enumerate(packages)
        ]
        return [*packages[len(debian.base) :], state] if apt else [*packages, state]

    # -- wheels ----------------------------------------------------------------------------------------------

    def _all_dists(self) -> dict[str, Fragment]:
        if self._dists is None:
            python = self.inputs.python
            made = self.workshop.dists(python.dists) if python else []
            self._dists = {f.key: f for f in made}
        return self._dists

    def _settle(self) -> tuple[Drops, tuple[str, ...]]:
        known = settled(self.inputs, self.settings, self.cache)
        if known is not None:
            return known
        from slipway.python.overlap import settle

        if self.inputs.target is None:
            raise ValueError("no Python packages in these inputs")
        fragments = list(self._all_dists().values())
        lost, overlaps = settle(fragments, self.inputs.target, _roots(self.inputs))
        drops: Drops = {fragments[i].key: tuple(sorted(paths)) for i, paths in lost.items() if paths}
        lines = tuple(f"{o.path}: {o.winner} over {', '.join(o.losers)}" for o in overlaps)
        write_json(_settled_path(self.inputs, self.settings, self.cache), {"drops": drops, "overlaps": lines})
        return drops, lines

    # -- the image -------------------------------------------------------------------------------------------

    def _write(
        self, layers: Sequence[LayerSpec], records: Sequence[Mapping[str, Any]]
    ) -> tuple[Descriptor, Digest]:
        inputs, base = self.inputs, self.inputs.image
        created = max(r["newest"] for r in records)
        if base:
            created = max(created, config.seconds(base.config.get("created")))
        if self.options.epoch is not None:
            created = self.options.epoch
        named = [(_title(layer), r["diff_id"]) for layer, r in zip(layers, records, strict=True)]
        image = configuration(inputs, named, created)
        image[LOCK] = kept(inputs, self.cache.compression.name, self.options.epoch)
        descriptor = self.store.put(canonical(image), CONFIG_TYPE)
        blobs = [Descriptor(r["media_type"], Digest(r["digest"]), r["size"]) for r in records]
        annotations = {"org.opencontainers.image.created": config.iso_time(created)}
        if base:
            annotations["org.opencontainers.image.base.name"] = base.name
            annotations["org.opencontainers.image.base.digest"] = base.manifest.digest
        elif inputs.debian:
            annotations["org.opencontainers.image.base.name"] = f"debian:{inputs.debian.codename}"
        manifest = config.manifest(descriptor, [*(base.layers if base else ()), *blobs], annotations)
        stored = self.store.put(canonical(manifest), MANIFEST_TYPE)
        if self.store.build_record(stored.digest) is None:  # a new image, not named anywhere yet
            self._check_user(blobs)
        return replace(stored, platform=str(inputs.platform)), descriptor.digest

    def _check_user(self, layers: Sequence[Descriptor]) -> None:
        """A user or group written by name must exist in the image, or nothing in it can ever be started."""
        spec = self.inputs.recipe.user or program_of(self.inputs).user
        if not spec or all(part.isdigit() or part == "root" for part in spec.split(":")):
            return
        from slipway.images.account import find_user
        from slipway.oci.layerindex import read_files

        image = self.inputs.image
        files = {path: text.encode() for path, text in image.facts.accounts.items()} if image else {}
        files |= read_files(self.store, layers, ("etc/passwd", "etc/group"))
        find_user(files.get("etc/passwd", b""), files.get("etc/group", b""), spec)

    def _record(
        self,
        manifest: Descriptor,
        layers: Sequence[LayerSpec],
        records: Sequence[Mapping[str, Any]],
        uncovered: Sequence[str],
        overlaps: Sequence[str],
    ) -> None:
        """How this image was built; written once, for the same image is always built the same way."""
        if self.store.build_record(manifest.digest) is not None:
            return
        self.store.put_build_record(
            manifest.digest,
            {
                "platform": str(self.inputs.platform),
                "config": configuration(self.inputs, [], 0)["config"],
                "layers": [
                    {
                        "name": layer.name,
                        "key": layer.key,
                        "digest": r["digest"],
                        "size": r["size"],
                        "raw_size": r["raw_size"],
                        "parts": [[p.kind, p.name, p.version] for p in layer.parts],
                        "keys": [p.key for p in layer.parts],
                        **({"step": identity(item)} if (item := layer.step or layer.copy) else {}),
                    }
                    for layer, r in zip(layers, records, strict=True)
                ],
                "uncovered": list(uncovered),
                "overlaps": list(overlaps),
            },
        )


def _title(layer: LayerSpec) -> str:
    """What the history of the image calls a layer."""
    item = layer.step or layer.copy
    return f"{layer.name}: {item.text}" if item else layer.name


def _threads(layers: int) -> AbstractContextManager[Executor | None]:
    """What writes so many layers side by side; nothing for a few, which are soon written."""
    if layers <= _FEW:
        return nullcontext()
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(os.cpu_count() or 1)


def _settled_path(inputs: Inputs, settings: Settings, cache: FragmentCache) -> Path:
    if inputs.python is None:
        raise ValueError("no Python packages in these inputs")
    key = key_of([dist_key(inputs, cache, d) for d in inputs.python.dists], _roots(inputs))
    return settings.cache / "settled" / f"{key}.json"


def _roots(inputs: Inputs) -> list[str]:
    if inputs.python is not None and inputs.python.roots:
        return list(inputs.python.roots)
    return [r.text.partition(" #")[0] for r in inputs.recipe.packages]
