"""A Dockerfile and what it needs beside it, as a directory for people or as a stream for a daemon.

    Dockerfile
    .dockerignore          keeps `base.tar` out of what is sent to a daemon
    layers/01-NAME.tar.gz  layers as Slipway puts them together; ADD unpacks them
    files/01/              what belongs to somebody, and comes after a command that may have made the user
    base.tar               the base image, where that is not in a registry: to be loaded first

A base image from an OCI layout is loaded and not unpacked by ADD: its layers may remove files of each other, which ADD
does not understand, and engines keep the layers that they know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.engines.dockerfile import Files, Tar, dockerfile
from slipway.build.engines.files import directory_of, entries, unpack
from slipway.build.steps.model import Step
from slipway.files import atomic
from slipway.oci.archive import docker_archive
from slipway.oci.digest import hex_of
from slipway.oci.entry import END_OF_ARCHIVE, Entry, padding
from slipway.oci.layerindex import layer_index, plain, verified
from slipway.oci.layout import share
from slipway.oci.reader import this_machine
from slipway.patterns import pattern
from slipway.recipe.model import RegistryBase
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from slipway.build.engines.material import Material
    from slipway.build.model import LayerSpec
    from slipway.oci.store import Descriptor, Store

BASE = "base.tar"
_UNFIT = pattern(r"[^a-z0-9.]+")
_DIGITS = 12  # of a digest, enough to tell bases on one machine apart


@value
class Context:
    """`layers` are blobs of the store by their place in the context, `files` those whose content is to be there, below a path of
    its own; `base` is the name and manifest of what must be loaded first.
    """

    dockerfile: str
    layers: tuple[tuple[str, Descriptor], ...]
    files: tuple[tuple[str, Descriptor], ...] = ()
    base: tuple[str, Descriptor] | None = None


def context_of(material: Material, store: Store, head: Iterable[str], mirror: str = "") -> Context:
    """`head` are comments for the top of the Dockerfile; a base of Docker Hub is taken from `mirror` (`HOST[:PORT]`), if given."""
    source, base, below = _source(material, mirror)
    # from its cache Docker's own builder would take a layer of another platform, unless something is written differently
    foreign = source == "scratch" and str(material.inputs.platform) != this_machine()
    root = "/./" if foreign else "/"
    items: list[Tar | Files | Step] = []
    layers = []
    files = []
    for number, (layer, blob) in enumerate(material.layers, 1):
        if layer.step is not None:
            items.append(layer.step)
        elif blob is not None and layer.copy and layer.copy.owner and _has_step(items):
            place = f"files/{number:02}"
            items.append(
                Files(
                    layer.name, place, f"/{directory_of(store, blob)}/".replace("//", "/"), layer.copy.owner
                )
            )
            files.append((place, blob))
        elif blob is not None:
            place = f"layers/{number:02}-{_UNFIT.sub('-', layer.name.lower()).strip('-')}.{_suffix(blob)}"
            items.append(Tar(layer.name, place, _content(layer), root))
            layers.append((place, blob))
    text = dockerfile(source, items, material.settings, below, tuple(head))
    return Context(text, tuple(layers), tuple(files), base)


def write(context: Context, store: Store, directory: Path) -> None:
    """Into `directory`, which is made if need be; blobs are shared with the store where the file system can."""
    (directory / "layers").mkdir(parents=True, exist_ok=True)
    for place, blob in context.layers:
        if place.endswith(".tar"):
            _write(directory / place, plain(store, blob))
        else:
            share(store.path(blob.digest), directory / place)
    for place, blob in context.files:
        unpack(entries(store, blob, place), directory)
    if context.base is not None:
        name, manifest = context.base
        _write(directory / BASE, docker_archive(store, manifest, [name]))
        _write(directory / ".dockerignore", [f"{BASE}\n".encode()])
    _write(directory / "Dockerfile", [context.dockerfile.encode()])


def stream(context: Context, store: Store) -> Iterator[bytes]:
    """The same as one tar, without the base image. Hold `store.shared()` meanwhile."""
    text = context.dockerfile.encode()
    yield from _file("Dockerfile", [text], len(text))
    for place, blob in context.layers:
        if place.endswith(".tar"):
            yield from _file(place, plain(store, blob), layer_index(store, blob).raw_size)
        else:
            yield from _file(place, verified(store, blob), blob.size)
    for place, blob in context.files:
        yield from entries(store, blob, place)
    yield END_OF_ARCHIVE


def _source(material: Material, mirror: str) -> tuple[str, tuple[str, Descriptor] | None, dict[str, object]]:
    """What FROM names, what has to be loaded for it, and which settings it brings."""
    image = material.inputs.image
    if image is None:
        return "scratch", None, {}
    below = dict(image.config.get("config") or {})
    if isinstance(material.inputs.recipe.base, RegistryBase):
        from slipway.registry.reference import HUB, parse

        reference = parse(material.inputs.recipe.base.reference)
        host = mirror if mirror and reference.registry == HUB else reference.registry
        # not every engine takes a tag beside the digest
        return f"{host}/{reference.repository}@{image.manifest.digest}", None, below
    name = f"localhost/slipway-base:{hex_of(image.manifest.digest)[:_DIGITS]}"
    return name, (name, image.manifest), below


def _has_step(items: Iterable[object]) -> bool:
    return any(isinstance(item, Step) for item in items)


def _content(layer: LayerSpec) -> tuple[str, ...]:
    return tuple(f"{part.name} {part.version}".strip() for part in layer.parts)


def _suffix(blob: Descriptor) -> str:
    """ADD unpacks gzip everywhere, but zstd only in newer builders."""
    return "tar.gz" if blob.media_type.endswith("gzip") else "tar"


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with atomic(path) as file:
        for piece in pieces:
            file.write(piece)


def _file(name: str, content: Iterable[bytes], size: int) -> Iterator[bytes]:
    yield Entry(name, size=size).header()
    yield from content
    yield padding(size)
