"""Images made by hand for tests: a store, layers as one likes them, and images, indexes and names around them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.oci import compress
from slipway.oci.digest import Digest
from slipway.oci.fragment import Component, FragmentCache
from slipway.oci.fragmentwriter import FragmentWriter
from slipway.oci.layer import assemble, directories
from slipway.oci.reader import Slice
from slipway.oci.store import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE, Descriptor, Store
from slipway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Member = tuple[tarfile.TarInfo, bytes]


def member(path: str, content: bytes = b"", **attributes: Any) -> Member:
    """A tar entry exactly as told, however odd."""
    info = tarfile.TarInfo(path)
    info.size = len(content)
    info.mode = 0o644
    for name, value in attributes.items():
        setattr(info, name, value)
    return info, content


def folder(path: str, mode: int = 0o755, **attributes: Any) -> Member:
    return member(path, type=tarfile.DIRTYPE, mode=mode, **attributes)


def symlink(path: str, target: str) -> Member:
    return member(path, type=tarfile.SYMTYPE, linkname=target, mode=0o777)


def hardlink(path: str, target: str) -> Member:
    return member(path, type=tarfile.LNKTYPE, linkname=target)


def tar(members: Iterable[Member]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@dataclass
class Maker:
    root: Path

    def __post_init__(self) -> None:
        self.settings = Settings(store=self.root / "store", cache=self.root / "cache")
        self.store = Store(self.settings.store)

    def layer(self, *members: Member) -> Slice:
        return self.raw(tar(members))

    def raw(self, plain: bytes, blob: bytes | None = None, suffix: str = "+gzip") -> Slice:
        """A layer from the bytes of its tar; compressed here unless `blob` is given."""
        blob = gzip.compress(plain, 1, mtime=0) if blob is None else blob
        descriptor = self.store.put(blob, LAYER_TYPE + suffix)
        return Slice(descriptor, Digest("sha256:" + hashlib.sha256(plain).hexdigest()))

    def built(self, files: Mapping[str, tuple[bytes, int]], links: Mapping[str, str] | None = None) -> Slice:
        """A layer from files (content, mode) and symlinks, put together as a build does it."""
        compression = compress.get("gzip")
        cache = FragmentCache(self.settings.cache / "fragments", compression)

        def fill(writer: FragmentWriter) -> None:
            writer.directory("tmp", mode=0o1777)
            for path, (content, mode) in files.items():
                writer.file(path, content, mode=mode)
            for path, target in (links or {}).items():
                writer.symlink(path, target)

        digests = [(p, hashlib.sha256(c).hexdigest(), m) for p, (c, m) in files.items()]
        key = cache.key(digests, links or {})
        fragment = cache.make(key, Component("file", "test"), fill)
        layer = assemble(self.store, [fragment], directories([fragment]), compression)
        return Slice(Descriptor(layer.media_type, layer.digest, layer.size), layer.diff_id)

    def image(
        self,
        *layers: Slice,
        tag: str = "",
        platform: str = "linux/amd64",
        manifest_type: str = MANIFEST_TYPE,
        **config: Any,
    ) -> Descriptor:
        os_name, arch = platform.split("/")[:2]
        whole = {
            "architecture": arch,
            "os": os_name,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        }
        config_blob = self.store.put(json.dumps(whole).encode(), CONFIG_TYPE)
        manifest = {
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": config_blob.as_json(),
            "layers": [layer.blob.as_json() for layer in layers],
        }
        image = self.store.put(json.dumps(manifest).encode(), manifest_type)
        if tag:
            self.store.tag(tag, image)
        return image

    def index(self, images: Sequence[tuple[str, Descriptor]], tag: str = "") -> Descriptor:
        rows = [Descriptor(i.media_type, i.digest, i.size, platform).as_json() for platform, i in images]
        data = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": rows}
        index = self.store.put(json.dumps(data).encode(), INDEX_TYPE)
        if tag:
            self.store.tag(tag, index)
        return index
