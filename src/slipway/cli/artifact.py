"""`slipway artifact`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.lazy import Group
from slipway.cli.remote import command, connected, offered, pairs
from slipway.cli.remote_image import ARCH
from slipway.cli.text import Paint
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.cli.face import Face
    from slipway.client import Client, S3Access

EXAMPLES = """
slipway artifact upload compute --rootfs image.squashfs --kernel vmlinuz --initrd initrd
slipway artifact upload compute --rootfs image.squashfs --resume
slipway artifact list s3://boot-images/ID
slipway artifact get s3://boot-images/ID/manifest.json
"""
FILE = click.Path(path_type=Path)
_OFFERED = 100  # paths that a shell is given


def _paths(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    def words(client: Client) -> list[str]:
        # as long as the bucket is not all there, any may be meant
        whole = incomplete.startswith("s3://") and incomplete.count("/") > 2
        bucket, prefix = _place(incomplete if whole else "")
        found = islice(client.artifacts.each(bucket, prefix, _OFFERED), _OFFERED)
        return [each["path"] for each in found if each["path"].startswith(incomplete)]

    return offered(ctx, words)


def _place(path: str) -> tuple[str, str]:
    """Bucket and beginning of keys; of nothing both are empty, which means all."""
    from slipway.client.artifacts import beginning

    return beginning(path) if path else ("", "")


def _begun(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    def words(client: Client) -> list[str]:
        return [each["id"] for each in client.artifacts.uploads() if each["id"].startswith(incomplete)]

    return offered(ctx, words)


@click.group(cls=Group, examples=EXAMPLES)
def artifact() -> None:
    """Artifacts of images: upload, list, get and remove them."""


@command(
    "upload",
    "Make an image of files: artifacts, manifest and record."
    "\n\nThe artifacts go to the S3 server that --s3-endpoint or S3_ENDPOINT names (with S3_ACCESS_KEY and S3_SECRET_KEY), or else"
    " through the service. What was begun is removed when it fails; after an interruption it is there for --resume.",
    "slipway artifact upload compute --rootfs image.squashfs --kernel vmlinuz --initrd initrd\n"
    "slipway artifact upload compute --rootfs image.squashfs --arch aarch64 --metadata owner=crew\n"
    "slipway artifact upload compute --rootfs image.squashfs --resume",
)
@click.argument("name")
@click.option("-r", "--rootfs", type=FILE, help="Root file system (squashfs).")
@click.option("-k", "--kernel", type=FILE, help="Kernel.")
@click.option("-i", "--initrd", type=FILE, help="Initial ramdisk.")
@click.option("-d", "--debug-kernel", "debug_kernel", type=FILE, help="Kernel for debugging.")
@click.option("-p", "--boot-parameters", type=FILE, help="File of boot parameters.")
@click.option("--arch", type=ARCH, help="Architecture; default: the service's, x86_64.")
@click.option("--job", metavar="ID", help="The job that made it: it gets the image as its result.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="A word on the image. Repeatable.")
@click.option("--skip-existing", is_flag=True, help="Do nothing when there is such an image already.")
@click.option("--resume", is_flag=True, help="Go on with the last upload of this name that was interrupted.")
@click.option("--s3-endpoint", metavar="URL", help="S3 server to send to; default: S3_ENDPOINT, or none.")
@click.option("--s3-bucket", metavar="NAME", help="Bucket there; default: S3_BUCKET, or boot-images.")
def upload(
    face: Face,
    *,
    name: str,
    rootfs: Path | None,
    kernel: Path | None,
    initrd: Path | None,
    debug_kernel: Path | None,
    boot_parameters: Path | None,
    arch: str | None,
    job: str | None,
    metadata: tuple[str, ...],
    skip_existing: bool,
    resume: bool,
    s3_endpoint: str | None,
    s3_bucket: str | None,
) -> None:
    from dataclasses import asdict

    from slipway.cli import render_remote

    if skip_existing and resume:
        raise UsageError("--skip-existing and --resume cannot both be meant")
    if rootfs is None:
        raise UsageError("an image has a root file system", hint="name its file in --rootfs")
    with connected(face, _s3(s3_endpoint, s3_bucket)) as client:
        done = client.upload_image(
            name,
            rootfs=rootfs,
            kernel=kernel,
            initrd=initrd,
            debug=debug_kernel,
            boot_parameters=boot_parameters,
            arch=arch,
            job_id=job,
            skip_existing=skip_existing,
            resume=resume,
            metadata=pairs(metadata, "--metadata"),
        )
    data: dict[str, Any] = {
        "image": done.image,
        "artifacts": [asdict(each) for each in done.artifacts],
        "skipped": done.skipped,
    }
    if done.job is not None:
        data["job"] = done.job
    said = f"{done.image['id']}  {'was there already' if done.skipped else 'uploaded'}"
    face.result(data, lambda: "\n".join([said, *render_remote.sent_of(done.artifacts)]))


@command(
    "list",
    "List artifacts of the service: those that you may read.",
    "slipway artifact list\nslipway artifact list s3://boot-images/ID --json",
)
@click.argument("path", metavar="[S3-PATH]", default="", shell_complete=_paths)
def listed(face: Face, *, path: str) -> None:
    import sys

    from slipway.cli import render_remote

    place = _place(path)
    with connected(face) as client:
        found = client.artifacts.list(*place)
    face.result({"artifacts": list(found)}, lambda: render_remote.artifacts_of(found, Paint(sys.stdout)))


@command(
    "uploads",
    "List uploads in parts that are not ended: those that you may go on with or give up.",
    "slipway artifact uploads\nslipway artifact uploads s3://boot-images/ID --json",
)
@click.argument("path", metavar="[S3-PATH]", default="", shell_complete=_paths)
def uploads(face: Face, *, path: str) -> None:
    import sys

    from slipway.cli import render_remote

    place = _place(path)
    with connected(face) as client:
        found = client.artifacts.uploads(*place)
    face.result({"uploads": list(found)}, lambda: render_remote.uploads_of(found, Paint(sys.stdout)))


@command(
    "abort",
    "Give uploads up that are not ended; their parts are removed.",
    "slipway artifact uploads\nslipway artifact abort ID",
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=_begun)
def abort(face: Face, *, ids: tuple[str, ...]) -> None:
    with connected(face) as client:
        for each in ids:
            client.artifacts.abort(each)
    face.result({"aborted": list(ids)}, lambda: "\n".join(ids))


@command(
    "get",
    "Write an artifact to a file or to standard output.",
    "slipway artifact get s3://boot-images/ID/manifest.json\n"
    "slipway artifact get s3://boot-images/ID/rootfs --output rootfs.squashfs",
)
@click.argument("path", metavar="S3-PATH", shell_complete=_paths)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file.")
def get(face: Face, *, path: str, output: Path | None) -> None:
    import sys

    from slipway.client.fetch import fetch
    from slipway.files import atomic

    if output is None:
        if face.json:
            raise UsageError("an artifact on standard output with --json needs a file", hint="add --output")
        with connected(face) as client:
            fetch(client, path, sys.stdout.buffer)
        return
    with connected(face) as client, atomic(output) as file:
        found = fetch(client, path, file)
    face.result({"path": path, "output": str(output), "size": found}, lambda: "")


@command(
    "rm",
    "Remove artifacts that no record leads to.",
    "slipway artifact rm s3://boot-images/ID/debug_kernel",
)
@click.argument("paths", metavar="S3-PATH...", nargs=-1, required=True, shell_complete=_paths)
def rm(face: Face, *, paths: tuple[str, ...]) -> None:
    from slipway.client.fetch import remove

    with connected(face) as client:
        for path in paths:
            remove(client, path)
    face.result({"removed": list(paths)}, lambda: "\n".join(paths))


def _s3(endpoint: str | None, bucket: str | None) -> S3Access | None:
    import os

    from slipway.client import S3Access

    more = {"S3_ENDPOINT": endpoint, "S3_BUCKET": bucket}
    return S3Access.from_environment({**os.environ, **{name: text for name, text in more.items() if text}})


for each in (upload, listed, get, rm, uploads, abort):
    artifact.add_command(each)
