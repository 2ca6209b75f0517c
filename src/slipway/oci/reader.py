"""Read an image that is in the store: its manifests, its config and its layers as values.

Docker's own media types (distribution: Image Manifest Version 2, Schema 2) mean the same as OCI's and are accepted.
"""

from __future__ import annotations

import platform as host
from typing import TYPE_CHECKING, Any

from slipway.errors import StoreError, UsageError
from slipway.oci import digest as dg
from slipway.oci.store import INDEX_TYPE, MANIFEST_TYPE, Descriptor
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.oci.digest import Digest
    from slipway.oci.store import Store

INDEX_TYPES = (INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST_TYPES = (MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v2+json")
_DEPTH = 4  # indexes in indexes are allowed, but nobody needs more
_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
# what an architecture's machines can run without help, and the variant that a name without one stands for
_DEFAULT_VARIANT = {"arm64": "v8", "arm": "v7"}


@value
class Slice:
    """A layer of an image: its blob, and the DiffID that the image's config promises."""

    blob: Descriptor
    diff_id: Digest


@value
class Image:
    """One platform's image. `config` is the whole config blob (image-spec: config.md)."""

    manifest: Descriptor
    config_blob: Descriptor
    config: dict[str, Any]
    layers: tuple[Slice, ...]
    annotations: dict[str, str]

    @property
    def settings(self) -> dict[str, Any]:
        """The execution parameters: `Env`, `Cmd`, `Entrypoint`, `User`, `WorkingDir`, ..."""
        value = self.config.get("config")
        return value if isinstance(value, dict) else {}

    @property
    def platform(self) -> str:
        parts = (self.config.get("os"), self.config.get("architecture"), self.config.get("variant"))
        return "/".join(p for p in parts if isinstance(p, str) and p)

    @property
    def blobs(self) -> list[Descriptor]:
        return [layer.blob for layer in self.layers]


def this_machine() -> str:
    """The platform of this machine, such as `linux/amd64`."""
    machine = host.machine()
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"


def read_image(store: Store, manifest: Descriptor) -> Image:
    """The image of a manifest (not an index). `StoreError` when blobs are missing, damaged or malformed."""
    return image_of(manifest, lambda d: store.read_json(d.digest))


def image_of(manifest: Descriptor, read: Callable[[Descriptor], dict[str, Any]]) -> Image:
    """`read_image` for wherever `read` reads from."""
    data = read(manifest)
    try:
        config_blob = Descriptor.from_json(data["config"])
        blobs = [Descriptor.from_json(d) for d in data["layers"]]
        config = read(config_blob)
        diff_ids = [dg.parse(d) for d in config["rootfs"]["diff_ids"]]
        annotations = {str(k): str(v) for k, v in (data.get("annotations") or {}).items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"the image {manifest.digest} is malformed", details=repr(error)) from error
    if len(blobs) != len(diff_ids):
        raise StoreError(
            f"the image {manifest.digest} is malformed",
            details=f"its manifest has {len(blobs)} layers, its config {len(diff_ids)}",
        )
    layers = tuple(Slice(b, d) for b, d in zip(blobs, diff_ids, strict=True))
    return Image(manifest, config_blob, config, layers, annotations)


def manifests(store: Store, image: Descriptor) -> list[Descriptor]:
    """The manifests of an image: itself, or those of an index in its order; platforms as the index tells them."""
    return walk(image, lambda d: store.read_json(d.digest))


def walk(image: Descriptor, read: Callable[[Descriptor], dict[str, Any]], depth: int = 0) -> list[Descriptor]:
    """`manifests` for wherever `read` reads from. What is neither index nor manifest (attestations) is passed over."""
    if image.media_type in MANIFEST_TYPES:
        return [image]
    if image.media_type not in INDEX_TYPES:
        return []
    if depth == _DEPTH:
        raise StoreError(f"the index {image.digest} is nested too deeply")
    inner = read(image).get("manifests")
    if not isinstance(inner, list):
        raise StoreError(f"the index {image.digest} is malformed")
    return [found for d in inner for found in walk(Descriptor.from_json(d), read, depth + 1)]


def platforms(store: Store, image: Descriptor) -> tuple[str, ...]:
    """What an image runs on; attestations, which lie beside images as `unknown/unknown`, run nowhere."""
    found = (m.platform or read_image(store, m).platform for m in manifests(store, image))
    return tuple(p for p in found if not p.startswith("unknown"))


def choose(candidates: list[Descriptor], platform: str, what: str) -> Descriptor:
    """The one for a platform; a single one that says no platform is taken. `UsageError` names what there is."""
    real = [d for d in candidates if not d.platform.startswith("unknown")]
    if len(real) == 1 and not real[0].platform:
        return real[0]
    os_arch, variant = _split(platform)
    fits = [d for d in real if _split(d.platform)[0] == os_arch]
    exact = [d for d in fits if _split(d.platform)[1] == variant]
    if exact or (fits and platform.count("/") < 2):
        return (exact or fits)[0]
    there = ", ".join(sorted({d.platform for d in real if d.platform})) or "none"
    raise UsageError(f"{what} is not there for {platform}", hint=f"it is there for: {there}")


def select(store: Store, image: Descriptor, platform: str = "") -> Descriptor:
    """The manifest for a platform; without one, the only manifest, or that for this machine."""
    found = manifests(store, image)
    if not platform and len(found) == 1:
        return found[0]
    return choose(found, platform or this_machine(), image.name or image.digest[:19])


def every_blob(store: Store, image: Descriptor) -> dict[Digest, Descriptor]:
    """All that an image consists of, indexes and manifests included; what is referred to before what refers to it."""
    found: dict[Digest, Descriptor] = {}
    _collect(store, image, found, 0)
    return found


def _collect(store: Store, blob: Descriptor, found: dict[Digest, Descriptor], depth: int) -> None:
    if blob.digest in found:
        return
    inner: list[dict[str, Any]] = []
    if blob.media_type in INDEX_TYPES:
        inner = store.read_json(blob.digest).get("manifests") or []
    elif blob.media_type in MANIFEST_TYPES:
        data = store.read_json(blob.digest)
        inner = [*(data.get("layers") or []), *([data["config"]] if data.get("config") else [])]
    if inner and depth > _DEPTH:
        raise StoreError(f"the index {blob.digest} is nested too deeply")
    for each in inner:
        _collect(store, Descriptor.from_json(each), found, depth + 1)
    found[blob.digest] = blob


def _split(platform: str) -> tuple[str, str]:
    os_name, _, rest = platform.partition("/")
    arch, _, variant = rest.partition("/")
    return f"{os_name}/{arch}", variant or _DEFAULT_VARIANT.get(arch, "")
