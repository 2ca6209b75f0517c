"""Images in docker-archives, be they files or what a daemon sends: layers are known by what they unpack to (DiffID)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.oci.compress import CHUNK
from slipway.oci.digest import of_bytes
from slipway.oci.unarchive import read_archive
from slipway.scan.inventory.layerfacts import read_layer, unpacked
from slipway.scan.inventory.opened import Opened, created, facts_cache, labels, platform_of
from slipway.scan.inventory.words import json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from slipway.events import Reporter, Step
    from slipway.oci.unarchive import Contents
    from slipway.scan.inventory.layerfacts import FactsCache
    from slipway.scan.inventory.model import LayerFacts
    from slipway.settings import Settings

_HINT = "start Docker, set DOCKER_HOST, or scan what `docker save` writes: docker-archive:FILE"

_NO_IMAGE = "the tar of a file system is no image: unpack it, and scan dir:DIR"


def from_archive(path: Path, settings: Settings, reporter: Reporter) -> Opened:
    """A docker-archive file, compressed or not. It is gone through for its listing, and again if it has layers that nobody
    has read yet. `InputError` when it is malformed.
    """
    cache = facts_cache(settings)
    with reporter.step("read", path.name, unit="bytes") as step:
        try:
            _, rows = read_archive(_file(path, step), lambda _, __: None).image()
        except InputError as error:
            raise InputError(error.brief, details=error.details, hint=error.hint or _NO_IMAGE) from error
        wanted = {place for place, diff_id in rows if cache.get(diff_id) is None}
        contents = read_archive(_file(path, step), _taker(wanted.__contains__))
    return _opened(contents, cache)


def from_daemon(name: str, settings: Settings, reporter: Reporter) -> Opened:
    """An image of a Docker daemon, by its name or id there. It is sent only if it has layers that nobody has read yet.

    `ToolError` when there is no daemon, or it does not have the image.
    """
    from slipway.images.daemon import client

    cache = facts_cache(settings)
    with client(settings, hint=_HINT) as api:
        there = api.inspect_image(name)
        layers = [str(d) for d in (there.get("RootFS") or {}).get("Layers") or ()]
        known = {digest: facts for digest in layers if (facts := cache.get(digest))}
        if layers and len(known) == len(set(layers)):
            config = {"os": there.get("Os"), "architecture": there.get("Architecture")}
            config |= {"variant": there.get("Variant"), "config": there.get("Config")}
            rows = tuple((digest, known[digest]) for digest in layers)
            return Opened(
                str(there["Id"]),
                platform_of(config),
                labels(config),
                rows,
                created({"created": there.get("Created")}),
            )
        places = {f"blobs/sha256/{digest.removeprefix('sha256:')}" for digest in known}
        with reporter.step("read", name, total=int(there.get("Size") or 0), unit="bytes") as step:
            stream = _told(api.get_image(name, chunk_size=CHUNK), step)
            contents = read_archive(stream, _taker(lambda place: place not in places))
    return _opened(contents, cache)


def _taker(wanted: Callable[[str], bool]) -> Callable[[str, Iterator[bytes]], LayerFacts | None]:
    """Makes facts of the layers that are wanted; nothing of others."""

    def take(place: str, pieces: Iterator[bytes]) -> LayerFacts | None:
        return read_layer(pieces, f"the file {place} in the archive") if wanted(place) else None

    return take


def _opened(contents: Contents[LayerFacts | None], cache: FactsCache) -> Opened:
    data, rows = contents.image()
    config: dict[str, Any] = json_object(data)
    layers = []
    for place, diff_id in rows:
        facts = contents.layers.get(place) or cache.get(diff_id)
        facts = facts or contents.layer(place, partial(read_layer, what=f"the file {place} in the archive"))
        if facts is None:
            raise InputError(f"the archive of the image lacks the layer {diff_id}")
        if facts.diff_id != diff_id:
            raise InputError(
                f"the layer {place} in the archive is not what the image's configuration says",
                details=f"unpacked it is {facts.diff_id}, and should be {diff_id}",
            )
        cache.put(diff_id, facts)
        layers.append((diff_id, facts))
    return Opened(of_bytes(data), platform_of(config), labels(config), tuple(layers), created(config))


def _file(path: Path, step: Step) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from unpacked(_told(iter(lambda: file.read(CHUNK), b""), step), str(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _told(chunks: Iterable[bytes], step: Step) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        step.advance(len(chunk))
