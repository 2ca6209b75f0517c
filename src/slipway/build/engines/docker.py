"""Build with a Docker daemon, or whatever speaks its API (podman does), and bring the image back into the store.

The API builds as Docker did before BuildKit: step by step, without mounts for secrets and caches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.build.engines.context import stream
from slipway.build.engines.watch import Watch
from slipway.errors import ToolError
from slipway.images.daemon import client
from slipway.oci.archive import docker_archive
from slipway.oci.unarchive import import_archive
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.build.engines.order import Order
    from slipway.events import Reporter
    from slipway.oci.compress import Compression
    from slipway.oci.digest import Digest
    from slipway.oci.store import Descriptor, Store
    from slipway.oci.unarchive import Imported
    from slipway.settings import Settings

HINT = "start Docker, set DOCKER_HOST, or build without it: `--engine native`"
_HEADING = pattern(r"^Step (\d+)/(\d+) : ([A-Z]+)")
_DONE = pattern(r"^Successfully built ([0-9a-f]+)$")


def build_in_daemon(order: Order, store: Store, settings: Settings, reporter: Reporter) -> str:
    """Build and give the image its tag in the daemon; returns what identifies it there.

    `ToolError` when there is no daemon, when it refuses, and when a command fails: then with what that said.
    """
    with client(settings, hint=HINT) as api:
        load_base(api, order, store, reporter)
        events = api.build(
            fileobj=stream(order.context, store),
            custom_context=True,
            tag=order.tag or None,
            platform=order.platform,
            nocache=order.no_cache,
            rm=True,
            forcerm=True,
            network_mode=None if order.network else "none",
            buildargs=dict(order.arguments),
            decode=True,
        )
        return _follow(events, order, reporter)


def fetch(
    image: str,
    store: Store,
    compression: Compression,
    known: Mapping[str, Descriptor],
    settings: Settings,
    reporter: Reporter,
) -> Imported:
    """Bring an image of the daemon into the store (`slipway.oci.unarchive`)."""
    with client(settings, hint=HINT) as api, reporter.step("take over", image[:19], unit="bytes") as step:

        def watched() -> Iterator[bytes]:
            for piece in api.get_image(image):
                yield piece
                step.advance(len(piece))

        return import_archive(store, watched(), compression, known)


def config_of(image: str, settings: Settings) -> Digest:
    """The digest of the configuration of an image of the daemon (where it keeps images in containerd: another one)."""
    from slipway.oci.digest import parse

    with client(settings, hint=HINT) as api:
        return parse(api.inspect_image(image)["Id"])


def load_base(api: Any, order: Order, store: Store, reporter: Reporter) -> None:
    """Give the daemon the base image that no registry has, unless it has it."""
    from docker.errors import ImageNotFound

    if order.context.base is None:
        return
    name, manifest = order.context.base
    try:
        api.inspect_image(name)
    except ImageNotFound:
        with reporter.step("load", name):
            for event in api.load_image(docker_archive(store, manifest, [name])):
                if error := event.get("error"):
                    brief = "the Docker daemon could not load the base image"
                    raise ToolError(brief, details=str(error).strip()) from None


def _follow(events: Iterator[dict[str, Any]], order: Order, reporter: Reporter) -> str:
    """Report what the daemon says, to the end; the image that it names there."""
    image = ""
    with reporter.step("docker", "build") as progress:
        watch = Watch(_HEADING, order.steps, progress, reporter, order.mask())
        for event in events:
            if error := event.get("error"):
                raise watch.error("the build in Docker failed", str(error).strip())
            image = (event.get("aux") or {}).get("ID", image)
            for line in str(event.get("stream") or event.get("status") or "").splitlines():
                watch.line(line)
                if match := _DONE.search(line):
                    image = image or match[1]
        if not image:
            raise watch.error("Docker did not say which image it built")
    return image
