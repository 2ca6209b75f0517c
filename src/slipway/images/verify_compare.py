"""Hold an image against the one that was made anew from its lock: bytes first, then content, then what differs."""

from __future__ import annotations

import json
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

from slipway.images.verify_entries import layer_differences
from slipway.images.verify_model import Difference
from slipway.oci.layerindex import Counter, layer_index, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slipway.oci.digest import Digest
    from slipway.oci.reader import Image
    from slipway.oci.store import Descriptor, Store

_LONGEST = 120  # characters of a value that a person is shown
_MOST = 1000  # differences of one layer: who replaced all of it need not see more


class Comparison:
    """`packaging` and `differences` of two images whose manifests are not equal; see `Verified`.

    `bring(store, layer)` is called before a layer is read.
    """

    def __init__(
        self,
        ours: tuple[Store, Image],
        theirs: tuple[Store, Image],
        names: Sequence[str],
        bring: Callable[[Store, Descriptor], None],
    ) -> None:
        self._ours, self._image = ours
        self._theirs, self._rebuilt = theirs
        self._bring = bring
        self.packaging: list[str] = []
        self.differences: list[Difference] = []
        self._layers(names)
        self._configuration()
        self._manifest()
        if not self.packaging and not self.differences:
            self.packaging.append("the manifest is written differently")

    def _layers(self, names: Sequence[str]) -> None:
        """`names` are those of the topmost layers; the others belong to a base image."""
        count = max(len(self._image.layers), len(self._rebuilt.layers))
        titles = ["base"] * (len(self._rebuilt.layers) - len(names)) + list(names)
        titles += [""] * (count - len(titles))
        pairs = zip_longest(self._image.layers, self._rebuilt.layers)
        for number, (title, (ours, theirs)) in enumerate(zip(titles, pairs, strict=True), 1):
            where = f"layer {number}" + (f" ({title})" if title else "")
            if ours is None or theirs is None:
                self.differences.append(Difference(where, "", "missing" if ours is None else "extra"))
            elif ours.blob.digest != theirs.blob.digest:
                self._layer(where, ours.blob, theirs.blob, theirs.diff_id)

    def _layer(self, where: str, ours: Descriptor, theirs: Descriptor, diff_id: Digest) -> None:
        self._bring(self._ours, ours)
        counter = Counter()
        for _ in counter.watch(plain(self._ours, ours)):
            pass
        # what the image's configuration says of its layers proves nothing: the bytes count
        if counter.digest == diff_id:
            self.packaging.append(f"{where} is compressed differently")
            return
        self._bring(self._theirs, theirs)
        found = layer_differences(where, layer_index(self._ours, ours), layer_index(self._theirs, theirs))
        self.differences.extend(islice(found, _MOST))

    def _configuration(self) -> None:
        if self._image.config_blob.digest == self._rebuilt.config_blob.digest:
            return
        before = len(self.differences)
        known = bool(before)
        for key, ours, theirs in _changes(self._image.config, self._rebuilt.config):
            if not (known and key == "rootfs.diff_ids"):  # follows from the layers
                self.differences.append(Difference("configuration", key, "value", ours, theirs))
        if not known and len(self.differences) == before:
            self.packaging.append("the configuration is written differently")

    def _manifest(self) -> None:
        ours, theirs = self._image, self._rebuilt
        for key, told, wanted in _changes(ours.annotations, theirs.annotations):
            self.differences.append(Difference("manifest", f"annotations.{key}", "value", told, wanted))
        if ours.manifest.media_type != theirs.manifest.media_type:
            self.packaging.append(f"the manifest is of the type {ours.manifest.media_type}")


def _changes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Keys (with dots) whose values differ, and the values as text; nothing for what is not there."""
    a, b = dict(_flat(ours)), dict(_flat(theirs))
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            yield key, _shown(a, key), _shown(b, key)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        key = f"{prefix}{name}"
        if name == "Env" and isinstance(inner, list):
            inner = dict(str(line).partition("=")[::2] for line in inner)  # noqa: PLW2901 - the same thing by name
        if isinstance(inner, dict) and inner:
            yield from _flat(inner, f"{key}.")
        else:
            yield key, inner


def _shown(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return ""
    text = json.dumps(values[key], ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
