"""Layers that were put together here: their facts come from the indexes of their fragments, and nothing is unpacked.

A build record tells the fragments of each layer. Only small files in them are read: what Debian packages hold of other
packagings, and what wheels bring beside their own metadata. Where anything is missing or odd, the layer itself is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.oci.compress import get
from slipway.oci.fragment import FragmentCache
from slipway.scan.inventory.dpkg import of_fields
from slipway.scan.inventory.interest import format_of, owned
from slipway.scan.inventory.model import FileFacts, LayerFacts
from slipway.scan.inventory.readers import LARGEST, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.oci.fragment import Fragment
    from slipway.oci.reader import Image
    from slipway.oci.store import Store
    from slipway.scan.inventory.model import Package
    from slipway.settings import Settings

_STATUS = "var/lib/dpkg/status"
_STATE = (
    "generated",
    "system state",
)  # the part of a layer that stands for dpkg's database, and is no fragment by this key


class BuiltLayers:
    """The layers of one image, by their number."""

    def __init__(self, store: Store, image: Image, settings: Settings) -> None:
        record = store.build_record(image.manifest.digest) or {}
        self._rows: dict[str, dict[str, Any]] = {row["digest"]: row for row in record.get("layers", ())}
        self._image = image
        self._cache = FragmentCache(settings.cache / "fragments", get(settings.compression))

    def facts(self, number: int) -> LayerFacts | None:
        """None when the layer has to be read: it was not made here, a command made it, or fragments are gone."""
        layer = self._image.layers[number]
        row = self._rows.get(layer.blob.digest)
        if row is None or not row["parts"] or "step" in row or len(row["parts"]) != len(row.get("keys", ())):
            return None
        parts = list(zip(row["parts"], row["keys"], strict=True))
        fragments = []
        for (kind, name, _), key in parts:
            if (kind, name) == _STATE:
                continue
            if (fragment := self._cache.get(key)) is None:
                return None
            fragments.append(fragment)
        files: dict[str, FileFacts] = {}
        if any((kind, name) == _STATE for (kind, name, _), _ in parts):
            debs = self._debs(number)
            if debs is None:
                return None
            files[_STATUS] = FileFacts(tuple(debs))
        found = _merged(fragments)
        if found is None:
            return None
        return LayerFacts(layer.diff_id, {**files, **found.files}, found.links, found.others)

    def _debs(self, number: int) -> list[Package] | None:
        """All that dpkg's database lists in this layer: its own packages, and those of the layers below."""
        rows = []
        for layer in self._image.layers[: number + 1]:
            row = self._rows.get(layer.blob.digest)
            if row is None or len(row["parts"]) != len(row.get("keys", ())):
                return None
            for (kind, _, _), key in zip(row["parts"], row["keys"], strict=True):
                if kind != "deb":
                    continue
                fragment = self._cache.get(key)
                if fragment is None:
                    return None
                fields = {name.lower(): value for name, value in fragment.extra["control"]}
                try:
                    rows.append(of_fields(fields))
                except InputError:
                    return None
        return sorted(rows, key=lambda p: (p.name, p.arch))


def _merged(fragments: Sequence[Fragment]) -> LayerFacts | None:
    """What the fragments have together; None when two have the same file, so that one of them gave it up."""
    files: dict[str, FileFacts] = {}
    links: dict[str, str] = {}
    others: set[str] = set()
    for fragment in fragments:
        for entry in fragment.entries:
            kind = format_of(entry.path)
            if kind and entry.path in others:
                return None
            others.add(entry.path)
            if kind and entry.kind == "symlink":
                links[entry.path] = entry.target
            elif kind and (entry.kind == "link" or kind.startswith("rpm-") or entry.size > LARGEST):
                return None
        files.update(_facts(fragment))
    return LayerFacts(files=files, links=links, others=frozenset(others))


def _facts(fragment: Fragment) -> dict[str, FileFacts]:
    """What the files of one fragment say, by path."""
    from slipway.python.wheel import INSTALLER

    files: dict[str, FileFacts] = {}
    wanted: list[str] = []
    wheel = fragment.component.kind == "pypi"
    for row in fragment.rows:
        path, form = row[0], row[1]
        kind = format_of(path)
        if not kind or form != "file":
            continue
        if kind == "dpkg-list":
            files[path] = FileFacts(paths=owned(fragment.paths))
        elif wheel and kind == "installer" and path.rpartition("/")[0] == _info(fragment):
            # the wheel's last file, written here: its first is its metadata, and no more needs to be unpacked
            files[path] = FileFacts(text=INSTALLER)
        else:
            wanted.append(path)
    for path, data in (fragment.read(*wanted) if wanted else {}).items():
        files[path] = read(format_of(path), path, data)
    return files


def _info(fragment: Fragment) -> str:
    """The wheel's own `.dist-info`, which no other that it brings along is above."""
    found = [p.rpartition("/")[0] for p in fragment.paths if p.endswith(".dist-info/METADATA")]
    return min(found, key=lambda path: (path.count("/"), path), default="")
