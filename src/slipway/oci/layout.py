"""Bring images in from, and write them out to, OCI image layouts on disk (image-spec: image-layout.md).

Blobs are shared with the other side where the file system can (copy-on-write clones, else hard links, as blobs
never change in place) and copied where not. Every byte that comes in is checked.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError, StoreError, UsageError
from slipway.files import disk, read_json, write_json
from slipway.oci import digest as dg
from slipway.oci.reader import INDEX_TYPES, MANIFEST_TYPES, choose, this_machine, walk
from slipway.oci.referrer import attached, family
from slipway.oci.store import CONFIG_TYPE, INDEX_TYPE, REF_NAME, Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.oci.store import Store

_FICLONE = 0x40049409  # ioctl_ficlone(2)
_LARGEST_DOCUMENT = 4 << 20  # what registries accept of a manifest, and more than any config needs
# containerd writes whole references under a name of its own beside the short one
_NAMES = (REF_NAME, "io.containerd.image.name")
_VERSION = "1.0.0"


def import_layout(path: Path, ref: str, platform: str, store: Store) -> Descriptor:
    """Copy one platform's image out of the layout at `path` into the store; the descriptor of its manifest.

    `ref` is a name of the layout's index or a digest; empty for the only image there is. `platform` is
    `os/arch[/variant]`. `UsageError` when there is no such image, `InputError` when the layout is malformed, incomplete
    or not what its digests say.
    """
    source = Layout(path)
    manifest = source.manifest(ref, platform)
    data = source.document(manifest)
    if not isinstance(data.get("layers"), list) or not isinstance(data.get("config"), dict):
        raise InputError(f"the manifest {manifest.digest} in {path} is not that of an image")
    for blob in [*data["layers"], data["config"]]:
        _take(source, _descriptor(blob, path), store)
    _take(source, manifest, store)
    return manifest


def export_layout(store: Store, image: Descriptor, directory: Path, ref: str) -> None:
    """Write an image (or index, with all its platforms) into a layout under the name `ref`.

    The layout is made when it is not there; other names in it stay. Everything that the name refers to is written
    before the name. What is attached to the image comes along, without names, as tools that know of referrers look for it.
    Hold `store.shared()` meanwhile.
    """
    with disk(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory):
        if not (directory / "oci-layout").exists():
            if any(directory.iterdir()):
                raise UsageError(
                    f"{directory} is not empty and no OCI layout",
                    hint="name another directory, or one that is not there yet",
                )
            write_json(directory / "oci-layout", {"imageLayoutVersion": _VERSION}, durable=True)
    target = directory / "blobs" / "sha256"
    with disk(directory):
        target.mkdir(parents=True, exist_ok=True)
    for blob in family(store, image).values():
        out = target / dg.hex_of(blob.digest)
        if not store.has(blob.digest):
            raise StoreError(f"the store lacks the blob {blob.digest}", hint="build the image again")
        if not (out.is_file() and out.stat().st_size == blob.size):
            with _staged(target) as staged:
                share(store.path(blob.digest), staged)
                staged.replace(out)
    with _locked(directory):
        index = _index(directory) if (directory / "index.json").exists() else {}
        others = [d for d in index.get("manifests", []) if (d.get("annotations") or {}).get(REF_NAME) != ref]
        there = {d.get("digest") for d in others}
        named = Descriptor(image.media_type, image.digest, image.size, image.platform, ref)
        along = [r.as_json() for r in attached(store, image) if r.manifest.digest not in there]
        index = {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            **index,
            "manifests": [*others, *along, named.as_json()],
        }
        write_json(directory / "index.json", index, durable=True)


class Layout:
    """A layout that is only read, and not trusted. `UsageError` when `path` is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        marker = read_json(path / "oci-layout") if path.is_dir() else None
        if not isinstance(marker, dict) or marker.get("imageLayoutVersion") != _VERSION:
            raise UsageError(
                f"{path} is not an OCI image layout",
                hint="it must hold `oci-layout`, `index.json` and `blobs`",
            )

    def manifest(self, ref: str, platform: str) -> Descriptor:
        """One platform's manifest; `ref` and errors as of `import_layout`. Without `platform` the only one, or this machine's."""
        candidates = [self.with_platform(d) for d in walk(self.find(ref), self.document)]
        if not platform and len(candidates) == 1:
            return candidates[0]
        return choose(candidates, platform or this_machine(), f"oci:{self.path}{ref and ':'}{ref}")

    def file(self, blob: Descriptor) -> Path:
        return self.path / "blobs" / "sha256" / dg.hex_of(blob.digest)

    def document(self, blob: Descriptor) -> dict[str, Any]:
        """A manifest or index, checked."""
        if blob.size > _LARGEST_DOCUMENT:
            raise InputError(f"{blob.digest} in {self.path} is too large for a manifest")
        data = self.data(blob)
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{blob.digest} in {self.path} is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise InputError(f"{blob.digest} in {self.path} is not a JSON object")
        return value

    def data(self, blob: Descriptor) -> bytes:
        try:
            with self.file(blob).open("rb") as file:
                data = file.read(blob.size + 1)
        except OSError as error:
            raise _missing(self.path, blob) from error
        if len(data) != blob.size or dg.of_bytes(data) != blob.digest:
            raise _damaged(self.path, blob)
        return data

    def find(self, ref: str) -> Descriptor:
        index = _index(self.path)
        rows = [
            (_descriptor(d, self.path), _names(d))
            for d in index["manifests"]
            if isinstance(d, dict)
            and d.get("artifactType") in (None, CONFIG_TYPE)  # others are attached to images
        ]
        rows = [(d, names) for d, names in rows if d.media_type in (*INDEX_TYPES, *MANIFEST_TYPES)]
        hits = [d for d, names in rows if ref in ("", d.digest) or ref in names]
        if len({d.digest for d in hits}) == 1:
            return hits[0]
        known = ", ".join(sorted(name for _, names in rows for name in names)) or "only images without a name"
        if hits:
            raise UsageError(
                f"{self.path} holds several images{f' named {ref}' if ref else ''}",
                hint=f"write oci:{self.path}:NAME; there are: {known}",
            )
        raise UsageError(f"no image {ref!r} in {self.path}", hint=f"there are: {known}")

    def with_platform(self, manifest: Descriptor) -> Descriptor:
        """The descriptor with the platform that the config tells when the index does not."""
        if manifest.platform:
            return manifest
        config_blob = self.document(manifest).get("config")
        if not isinstance(config_blob, dict):
            raise InputError(f"the manifest {manifest.digest} in {self.path} has no config")
        config = self.document(_descriptor(config_blob, self.path))
        words = (config.get("os"), config.get("architecture"), config.get("variant"))
        platform = "/".join(w for w in words if isinstance(w, str) and w)
        return Descriptor(manifest.media_type, manifest.digest, manifest.size, platform)


def _index(path: Path) -> dict[str, Any]:
    index = read_json(path / "index.json")
    if not isinstance(index, dict) or not isinstance(index.get("manifests"), list):
        raise InputError(f"{path / 'index.json'} is missing or malformed")
    return index


def _names(row: Mapping[str, Any]) -> list[str]:
    annotations = row.get("annotations") or {}
    return [annotations[key] for key in _NAMES if isinstance(annotations.get(key), str)]


def _descriptor(data: dict[str, Any], path: Path) -> Descriptor:
    try:
        return Descriptor.from_json(data)
    except StoreError as error:
        raise InputError(f"{path}: {error.brief}") from error


def _take(source: Layout, blob: Descriptor, store: Store) -> None:
    """Bring one blob into the store, checked; nothing happens when it is there."""
    target = store.path(blob.digest)
    if store.has(blob.digest):
        return
    if blob.size <= _LARGEST_DOCUMENT:
        store.put(source.data(blob), blob.media_type)
        return
    with disk(store.root):
        target.parent.mkdir(parents=True, exist_ok=True)
    with _staged(target.parent) as staged:
        try:
            share(source.file(blob), staged)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise _missing(source.path, blob) from error
        if staged.stat().st_size != blob.size or dg.of_file(staged) != blob.digest:
            raise _damaged(source.path, blob)
        staged.replace(target)


@contextmanager
def _staged(directory: Path) -> Iterator[Path]:
    """A name in `directory` for a file that is to be made and then renamed; what is left of it goes away."""
    with disk(directory), tempfile.TemporaryDirectory(dir=directory, prefix=".tmp-") as inner:
        yield Path(inner) / "blob"


def share(source: Path, target: Path) -> None:
    """`target`, which is not there yet, gets the content of `source`: a clone, a hard link or a copy."""
    with source.open("rb") as origin, target.open("xb") as out:
        try:
            fcntl.ioctl(out.fileno(), _FICLONE, origin.fileno())
        except OSError:
            cloned = False
        else:
            cloned = True
    target.chmod(0o644)
    if cloned:
        return
    target.unlink()
    try:
        os.link(source.resolve(), target)
    except OSError:
        # another file system, or somebody else's file
        shutil.copyfile(source, target)
        with target.open("rb") as done:
            os.fsync(done.fileno())


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Two writers of one layout take turns; the lock is on the directory itself and leaves nothing behind."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _missing(path: Path, blob: Descriptor) -> InputError:
    return InputError(f"{path} lacks the blob {blob.digest}")


def _damaged(path: Path, blob: Descriptor) -> InputError:
    return InputError(
        f"the blob {blob.digest} in {path} is damaged", details="its size or digest is not what it should be"
    )
