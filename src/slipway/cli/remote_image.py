"""`slipway image create` and `patch`: images of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slipway.cli.remote import IMAGE, add_verbs, command, connected, id_argument, identity, join, pairs
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.cli.face import Face

ARCH = click.Choice(["x86_64", "aarch64"])


@command(
    "create",
    "Make a record of an image on the service.\n\n`slipway artifact upload` makes one with its artifacts.",
    "slipway image create compute --arch aarch64 --metadata owner=crew",
)
@click.argument("name")
@click.option("--arch", type=ARCH, help="Architecture; default: the service's, x86_64.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="A word on the image. Repeatable.")
@click.option("--manifest", metavar="S3-PATH", help="A manifest that is there already: s3://BUCKET/KEY.")
def create(
    face: Face, *, name: str, arch: str | None, metadata: tuple[str, ...], manifest: str | None
) -> None:
    with connected(face) as client:
        made = client.images.create(
            name,
            arch=arch,
            metadata=pairs(metadata, "--metadata"),
            link={"path": manifest, "etag": "", "type": "s3"} if manifest else None,
        )
    face.result({"image": made}, lambda: made["id"])


@command(
    "patch",
    "Change an image of the service.",
    "slipway image patch compute --metadata owner=crew --remove-metadata draft",
)
@id_argument(IMAGE)
@click.option("--arch", type=ARCH, help="Architecture.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Set this. Repeatable.")
@click.option("--remove-metadata", multiple=True, metavar="KEY", help="Remove this. Repeatable.")
@click.option("--manifest", metavar="S3-PATH", help="The manifest, of an image that has none.")
def patch(
    face: Face,
    *,
    word: str,
    arch: str | None,
    metadata: tuple[str, ...],
    remove_metadata: tuple[str, ...],
    manifest: str | None,
) -> None:
    if not (arch or metadata or remove_metadata or manifest):
        hint = "name --arch, --metadata, --remove-metadata or --manifest"
        raise UsageError("nothing is to be changed", hint=hint)
    with connected(face) as client:
        done = client.images.patch(
            identity(client, IMAGE, word),
            arch=arch,
            set_metadata=pairs(metadata, "--metadata"),
            remove_metadata=remove_metadata,
            link={"path": manifest, "etag": "", "type": "s3"} if manifest else None,
        )
    face.result({"image": done}, lambda: done["id"])


def add_to(group: click.Group) -> None:
    add_verbs(group, IMAGE)
    for each in (create, patch):
        join(group, each)
