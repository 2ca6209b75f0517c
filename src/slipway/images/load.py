"""Load an image from the store into a Docker daemon, through its API.

The API takes whole archives only: it has no way to ask for, or leave out, layers that the daemon has. An image that
the daemon has already is only given its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.errors import ToolError
from slipway.images.daemon import client, platform_of
from slipway.images.names import full_name
from slipway.oci.archive import docker_archive
from slipway.oci.reader import read_image, select
from slipway.registry.lazy import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.events import Reporter, Step
    from slipway.oci.reader import Image
    from slipway.oci.store import Descriptor, Store
    from slipway.settings import Settings

_HINT = "start Docker, set DOCKER_HOST, or do without: `--output oci:DIR`, `--output docker-archive:FILE`, `slipway run IMAGE`"


def load(store: Store, image: Descriptor, tag: str, settings: Settings, reporter: Reporter) -> str:
    """Give the daemon the image under `tag`; returns its id there (`sha256:…`).

    Of an index, the daemon's platform is loaded. `ToolError` when there is no daemon, when it refuses (with its words), or
    when what it has afterwards is not the image.
    """
    name = full_name(tag)
    with client(settings, hint=_HINT) as api, store.shared():
        opened = read_image(store, select(store, image, platform_of(api)))
        if not _tag_known(api, opened, name):
            ensure(store, opened.manifest, settings, reporter)
            total = sum(layer.blob.size for layer in opened.layers)
            with reporter.step("load", name, total=total, unit="bytes") as step:
                _send(api, _watched(docker_archive(store, opened.manifest, [name]), step), reporter)
        return _verify(api, opened, name)


def _tag_known(api: Any, image: Image, name: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        there = api.inspect_image(image.config_blob.digest)
    except ImageNotFound:
        return False
    if there["Id"] != image.config_blob.digest:
        return False
    repository, _, tag = name.rpartition(":")
    return bool(api.tag(image.config_blob.digest, repository, tag))


def _send(api: Any, archive: Iterator[bytes], reporter: Reporter) -> None:
    for event in api.load_image(archive):
        if "error" in event:
            raise ToolError("the Docker daemon could not load the image", details=str(event["error"]).strip())
        if text := str(event.get("stream", "")).strip():
            reporter.log(text)


def _watched(pieces: Iterator[bytes], step: Step) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        step.advance(len(piece))


def _verify(api: Any, image: Image, name: str) -> str:
    """The daemon's id is the config's digest; where it keeps images in containerd, compare what they consist of."""
    there = api.inspect_image(name)
    layers = there.get("RootFS", {}).get("Layers") or []
    if there["Id"] != image.config_blob.digest and layers != [layer.diff_id for layer in image.layers]:
        raise ToolError(
            "the Docker daemon has another image than the one that was loaded",
            details=f"{name} is {there['Id']} there, and should be {image.config_blob.digest}",
        )
    return str(there["Id"])
