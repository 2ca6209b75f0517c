"""Make the layers that the store lacks, and keep a record of each."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from slipway.build.below import Below
from slipway.build.layerparts import layer_parts
from slipway.build.steps.make import Maker, layer_directories
from slipway.oci.entry import NO_TIME
from slipway.oci.store import Descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slipway.build.assemble import Builder
    from slipway.build.layers import Drops
    from slipway.build.model import LayerSpec
    from slipway.oci.entry import Entry
    from slipway.oci.fragment import Fragment
    from slipway.oci.layer import Layer

T = TypeVar("T")
Record = dict[str, Any]

_FEW = 2  # layers


class LayerMaking:
    """Of one image: one layer after the other, as each may need those below it; what can be is written side by side."""

    def __init__(self, builder: Builder, drops: Drops) -> None:
        self.builder = builder
        self.below = Below(builder.store, builder.inputs.image)
        self._drops = drops
        self._parts: dict[str, list[Fragment]] = {}  # of layers that are not made yet, by their keys

    def records(self, layers: Sequence[LayerSpec], known: Sequence[Record | None]) -> list[Record]:
        """The record of each layer, from below upward; those that are `known` need not be made."""
        missing = [layer for layer, record in zip(layers, known, strict=True) if record is None]
        if self.builder.inputs.image:
            self._finished(*self.builder.inputs.image.layers)
        maker = Maker(self)
        maker.check(missing)
        found: list[Callable[[], Record]] = []
        with _writers(len(missing)) as write:
            for layer, record in zip(layers, known, strict=True):
                if record is not None:
                    found.append(_given(record))
                elif layer.step or layer.copy:
                    # nothing has to be fetched any more when commands run
                    self._make_parts(missing[missing.index(layer) :])
                    found.append(_given(maker.make(layer, [wait() for wait in found])))
                else:
                    found.append(write(self._writing(layer)))
            return [wait() for wait in found]

    def assembled(self, layer: LayerSpec, fragments: Sequence[Fragment], dirs: Mapping[str, Entry]) -> Record:
        """Put a layer together; its record."""
        from slipway.oci.layer import assemble

        builder = self.builder
        with builder.reporter.step(f"layer {layer.name}", f"{len(fragments)} parts") as step:
            done = assemble(builder.store, fragments, dirs, builder.cache.compression)
            step.detail = f"{done.raw_size / 1e6:.1f} MB" if done.raw_size > 1e5 else f"{done.raw_size} bytes"
        return self.kept(layer, done, fragments, dirs)

    def kept(
        self, layer: LayerSpec, done: Layer, fragments: Sequence[Fragment], dirs: Mapping[str, Entry]
    ) -> Record:
        """The record of a layer that has come into the store; it stays there."""
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
        self.builder.store.put_layer_record(layer.key, record, [e.pack() for e in dirs.values()])
        self.builder.made[layer.key] = record
        self._finished(Descriptor(done.media_type, done.digest, done.size))
        return record

    def _finished(self, *layers: Descriptor) -> None:
        if self.builder.options.finished:
            self.builder.options.finished(layers)

    def _make_parts(self, layers: Sequence[LayerSpec]) -> None:
        for layer in layers:
            if layer.key not in self._parts and not (layer.step or layer.copy):
                builder = self.builder
                self._parts[layer.key] = layer_parts(
                    builder.workshop, layer, self._drops, builder.options.epoch
                )

    def _writing(self, layer: LayerSpec) -> Callable[[], Record]:
        """What is left to do for a layer without a command, when its parts and those below are known."""
        self._make_parts([layer])
        parts = self._parts.pop(layer.key)
        dirs = layer_directories(layer, parts, self.below)
        return lambda: self.assembled(layer, parts, dirs)


@contextmanager
def _writers(layers: int) -> Iterator[Callable[[Callable[[], T]], Callable[[], T]]]:
    """Gives what begins a task and answers with what waits for it; a few layers are soon written, without threads."""
    if layers <= _FEW:
        yield lambda task: _given(task())
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield lambda task: pool.submit(task).result


def _given(value: T) -> Callable[[], T]:
    return lambda: value
