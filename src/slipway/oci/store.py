"""The image store: an OCI image layout (image-spec: image-layout.md) that many processes may use at once.

    store/
      oci-layout, index.json, blobs/sha256/…   the layout; any OCI tool can read it
      layers/<key>.json                        what a layer was made from -> the blob that came of it
      layers/<key>.dirs.json                   the directories of that layer, needed only to make layers above it
      builds/<manifest hex>.json               how an image was built (for reasons, diffs and bills of materials)
      origins/<blob hex>.json                  which registry repositories have a blob (`slipway.oci.origins`)
      referrers/<manifest hex>/<hex>.json      what is attached to an image (`slipway.oci.referrer`)
      scans/<image>/<platform>/…               what scans of an image found over time (`slipway.scan.history.files`)
      lock                                     shared while a build runs, exclusive while garbage is collected
      index.lock                               held for the moments in which index.json changes

Everything appears by rename, referenced things before what refers to them, so a process killed at any point
leaves a valid store and at worst some garbage.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slipway.errors import StoreError, UsageError
from slipway.files import atomic, disk, new_beside, read_json, write_json
from slipway.oci import digest as dg
from slipway.oci.digest import Digest
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

REF_NAME = "org.opencontainers.image.ref.name"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


@value
class Descriptor:
    """An OCI content descriptor (image-spec: descriptor.md); `platform` is `os/arch[/variant]` or empty."""

    media_type: str
    digest: Digest
    size: int
    platform: str = ""
    name: str = ""

    def as_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.platform:
            os_name, arch, *variant = self.platform.split("/")
            out["platform"] = {"architecture": arch, "os": os_name}
            if variant:
                out["platform"]["variant"] = variant[0]
        if self.name:
            out["annotations"] = {REF_NAME: self.name}
        return out

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Descriptor:
        """`StoreError` when the fields that the specification demands are missing or malformed."""
        try:
            p = data.get("platform") or {}
            platform = "/".join(x for x in (p.get("os"), p.get("architecture"), p.get("variant")) if x)
            name = (data.get("annotations") or {}).get(REF_NAME, "")
            return cls(data["mediaType"], dg.parse(data["digest"]), int(data["size"]), platform, name)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise StoreError(f"malformed descriptor: {error}") from error


class BlobWriter:
    """Hashes what is written on its way to the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)
        self.size += len(data)

    @property
    def digest(self) -> Digest:
        return Digest("sha256:" + self._hash.hexdigest())


class Store:
    """A store at `root`; made when first written to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"

    # -- blobs -----------------------------------------------------------------------------------------------

    def path(self, digest: Digest) -> Path:
        return self._blobs / dg.hex_of(digest)

    def has(self, digest: Digest) -> bool:
        return self.path(digest).is_file()

    def read(self, digest: Digest) -> bytes:
        """A small blob (manifest, config), checked; `StoreError` when it is missing or damaged."""
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise StoreError(
                f"the store lacks the blob {digest}", hint="build or load the image again"
            ) from error
        if dg.of_bytes(data) != digest:
            raise StoreError(f"the blob {digest} is damaged", hint="remove the file and build again")
        return data

    def read_json(self, digest: Digest) -> dict[str, Any]:
        data = json.loads(self.read(digest))
        if not isinstance(data, dict):
            raise StoreError(f"the blob {digest} is not a JSON object")
        return data

    def put(self, data: bytes, media_type: str) -> Descriptor:
        digest = dg.of_bytes(data)
        if not self.has(digest):
            with atomic(self.path(digest), durable=True) as file:
                file.write(data)
        return Descriptor(media_type, digest, len(data))

    @contextmanager
    def writer(self) -> Iterator[BlobWriter]:
        """A blob of unknown digest; it is in the store when the block ends without an error."""
        with disk(self.root):
            handle, name = new_beside(self._blobs / "new")
            try:
                with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
                    os.fchmod(handle, 0o644)
                    out = BlobWriter(file)
                    yield out
                    file.flush()
                    os.fdatasync(handle)
                os.replace(name, self.path(out.digest))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    # -- records beside the layout ---------------------------------------------------------------------------

    def layer_record(self, key: str) -> dict[str, Any] | None:
        """What `put_layer_record` kept, if its blob is still here."""
        record = read_json(self.root / "layers" / f"{key}.json")
        return record if isinstance(record, dict) and self.has(Digest(record["digest"])) else None

    def put_layer_record(self, key: str, record: dict[str, Any], dirs: list[list[Any]]) -> None:
        """Keep what a layer is, with its packed directory entries (`oci.entry.Entry.pack`) in a file of their own."""
        root = self.root / "layers"
        write_json(root / f"{key}.dirs.json", {"digest": record["digest"], "dirs": dirs})
        write_json(root / f"{key}.json", record)

    def layer_dirs(self, key: str) -> list[list[Any]]:
        """The directory entries of a layer with a record; `StoreError` when they are lost."""
        data = read_json(self.root / "layers" / f"{key}.dirs.json")
        if not isinstance(data, dict):
            raise StoreError("the store lost a layer's directories", hint="build with --no-cache")
        return list(data["dirs"])

    def build_record(self, manifest: Digest) -> dict[str, Any] | None:
        record = read_json(self.root / "builds" / f"{dg.hex_of(manifest)}.json")
        return record if isinstance(record, dict) else None

    def put_build_record(self, manifest: Digest, record: dict[str, Any]) -> None:
        write_json(self.root / "builds" / f"{dg.hex_of(manifest)}.json", record)

    # -- names -----------------------------------------------------------------------------------------------

    def images(self) -> list[Descriptor]:
        """The top-level descriptors of index.json, in its order (`name` is empty for untagged ones)."""
        index = self.root / "index.json"
        if not index.exists():
            return []
        data = read_json(index)
        if not isinstance(data, dict) or not isinstance(data.get("manifests"), list):
            raise StoreError(f"{index} is damaged", hint="move the store away and build again")
        return [Descriptor.from_json(d) for d in data["manifests"]]

    def named(self, name: str) -> Descriptor | None:
        """The image of exactly this name."""
        return next((image for image in self.images() if image.name == name), None) if name else None

    def tag(self, name: str, image: Descriptor) -> None:
        """Let `name` point to the image; the image that had the name stays, untagged, until it is collected."""
        with self._index() as images:
            images[:] = [d for d in images if d.name != name and (d.name or d.digest != image.digest)]
            images.append(Descriptor(image.media_type, image.digest, image.size, image.platform, name))

    def add(self, image: Descriptor) -> None:
        """Keep an image without a name (nothing happens when it has one)."""
        with self._index() as images:
            if all(d.digest != image.digest for d in images):
                images.append(Descriptor(image.media_type, image.digest, image.size, image.platform))

    def remove(self, reference: str) -> list[Descriptor]:
        """Forget a name, or with a digest the image under all its names; returns what was removed."""
        target = self.find(reference)
        by_name = target.name in (reference, f"{reference}:latest")
        with self._index() as images:
            gone = [d for d in images if (d.name == target.name if by_name else d.digest == target.digest)]
            images[:] = [d for d in images if d not in gone]
        return gone

    def find(self, reference: str) -> Descriptor:
        """By name (`:latest` may be left out), digest or unique digest prefix of 6 or more hex digits."""
        images = self.images()
        names = (reference, f"{reference}:latest")
        for image in images:
            if image.name and image.name in names:
                return image
        prefix = reference.removeprefix("sha256:")
        if len(prefix) >= 6 and set(prefix) <= set("0123456789abcdef"):
            hits = {i.digest: i for i in images if dg.hex_of(i.digest).startswith(prefix)}
            if len(hits) == 1:
                return next(iter(hits.values()))
            if hits:
                raise UsageError(f"{reference} is the start of {len(hits)} images' digests; write more of it")
        known = sorted(i.name for i in images if i.name)
        raise UsageError(
            f"no image {reference!r} in the store",
            hint=f"there are: {', '.join(known[:10])}"
            if known
            else "the store is empty; see `slipway build --help`",
        )

    # -- locks -----------------------------------------------------------------------------------------------

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold while building or reading: nothing is collected meanwhile."""
        with self._flock("lock", fcntl.LOCK_SH):
            yield

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold while collecting garbage; `StoreError` at once when the store is in use."""
        try:
            with self._flock("lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield
        except BlockingIOError as error:
            raise StoreError("the store is in use by a build", hint="try again when it has ended") from error

    @contextmanager
    def _flock(self, name: str, how: int) -> Iterator[None]:
        with disk(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, how)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _index(self) -> Iterator[list[Descriptor]]:
        with self._flock("index.lock", fcntl.LOCK_EX):
            images = self.images()
            yield images
            if not (self.root / "oci-layout").exists():
                write_json(self.root / "oci-layout", {"imageLayoutVersion": "1.0.0"}, durable=True)
            index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [d.as_json() for d in images]}
            write_json(self.root / "index.json", index, durable=True)
