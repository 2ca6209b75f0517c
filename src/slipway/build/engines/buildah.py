"""Build with buildah: no daemon, and no root where the user has a range of ids (subuid(5)).

Commands run in a chroot, which works inside containers too, but gives every command the network.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from slipway import proc
from slipway.build.engines.context import BASE, write
from slipway.build.engines.secretfiles import write_secrets
from slipway.build.engines.watch import Watch
from slipway.oci.unarchive import import_archive
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from slipway.build.engines.order import Order
    from slipway.events import Reporter
    from slipway.oci.compress import Compression
    from slipway.oci.store import Descriptor, Store
    from slipway.oci.unarchive import Imported

_HEADING = pattern(r"^STEP (\d+)/(\d+): ([A-Z]+)")
_HINT = "apt-get install buildah, or build without it: `--engine native`"
_CHUNK = 1 << 20


def build_with_buildah(order: Order, scratch: Path, store: Store, reporter: Reporter) -> str:
    """Build and give the image its tag in buildah's storage; returns its id there. `scratch` is an empty directory.

    `ToolError` when buildah is missing and when a command fails: then with what that said.
    """
    buildah = proc.find("buildah", purpose="`--engine buildah`", hint=_HINT)
    env = {**os.environ, **order.proxies}
    context = scratch / "context"
    write(order.context, store, context)
    if order.context.base is not None:
        proc.run([buildah, "pull", "--quiet", f"docker-archive:{context / BASE}"], env=env)
    secrets = write_secrets(order.steps, order.directory, scratch)
    with reporter.step("buildah", "build") as progress:
        watch = Watch(_HEADING, order.steps, progress, reporter, order.mask(secrets.texts))
        argv = [buildah, "build", *arguments(order, secrets.flags, scratch / "id"), str(context)]
        done = proc.run_group(argv, env=env, heard=watch.pieces, both=True)
        if done.returncode:
            raise watch.error("the build in buildah failed")
    return (scratch / "id").read_text().strip()


def arguments(order: Order, secrets: Sequence[str], identity: Path) -> list[str]:
    """Those after `buildah build`. Docker's format, as OCI's has no health checks."""
    return [
        "--isolation=chroot",
        "--network=host",
        "--layers",
        "--force-rm",
        "--format=docker",
        "--identity-label=false",
        f"--iidfile={identity}",
        f"--platform={order.platform}",
        *(["--no-cache"] if order.no_cache else []),
        *(["--tls-verify=false"] if order.plain_http else []),
        *([f"--tag={order.tag}"] if order.tag else []),
        *(
            f"--build-arg={name}={text}"
            for name, text in order.arguments.items()
            if name not in order.proxies
        ),
        *(f"--secret={secret}" for secret in secrets),
    ]


def fetch(
    image: str,
    scratch: Path,
    store: Store,
    compression: Compression,
    known: Mapping[str, Descriptor],
    reporter: Reporter,
) -> Imported:
    """Bring an image of buildah's storage into the store (`slipway.oci.unarchive`)."""
    buildah = proc.find("buildah", purpose="`--engine buildah`", hint=_HINT)
    archive = scratch / "image.tar"
    with reporter.step("take over", image[:19], unit="bytes") as step:
        proc.run([buildah, "push", "--quiet", image, f"docker-archive:{archive}"])

        def watched() -> Iterator[bytes]:
            with archive.open("rb") as file:
                while piece := file.read(_CHUNK):
                    yield piece
                    step.advance(len(piece))

        return import_archive(store, watched(), compression, known)
