"""`slipway recipe create` and `patch`: recipes of the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.remote import RECIPE, add_verbs, command, connected, id_argument, identity, join, pairs
from slipway.cli.remote_image import ARCH
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.cli.face import Face


@command(
    "create",
    "Make a recipe on the service, of an archive when one is named.",
    "slipway recipe create compute --distribution sles15 --file recipe.tar.gz\n"
    "slipway recipe create compute --distribution sles15 --value VERSION=1.2",
)
@click.argument("name")
@click.option("--distribution", required=True, help="sles12, sles15 or centos7.")
@click.option(
    "--type",
    "recipe_type",
    type=click.Choice(["kiwi-ng", "packer"]),
    default="kiwi-ng",
    show_default=True,
    help="What builds it.",
)
@click.option("--file", "path", type=click.Path(path_type=Path), help="The archive (tar, gzip) to upload.")
@click.option("--arch", type=ARCH, help="Architecture; default: the service's, x86_64.")
@click.option("--dkms/--no-dkms", default=None, help="Whether building needs kernel modules.")
@click.option(
    "--value", "values", multiple=True, metavar="KEY=VALUE", help="A value for its templates. Repeatable."
)
def create(
    face: Face,
    *,
    name: str,
    distribution: str,
    recipe_type: str,
    path: Path | None,
    arch: str | None,
    dkms: bool | None,
    values: tuple[str, ...],
) -> None:
    from slipway.client import S3Access

    common: dict[str, Any] = {
        "linux_distribution": distribution,
        "recipe_type": recipe_type,
        "arch": arch,
        "require_dkms": dkms,
        "template_dictionary": pairs(values, "--value"),
    }
    with connected(face, S3Access.from_environment() if path else None) as client:
        if path is None:
            made = client.recipes.create(name, **common)
        else:
            made = client.upload_recipe(name, path, **common).recipe
    face.result({"recipe": made}, lambda: made["id"])


@command(
    "patch",
    "Change a recipe of the service.",
    "slipway recipe patch compute --no-dkms\nslipway recipe patch compute --value VERSION=1.3",
)
@id_argument(RECIPE)
@click.option("--arch", type=ARCH, help="Architecture.")
@click.option("--dkms/--no-dkms", default=None, help="Whether building needs kernel modules.")
@click.option(
    "--value", "values", multiple=True, metavar="KEY=VALUE", help="These values in place of all. Repeatable."
)
@click.option(
    "--artifact", metavar="S3-PATH", help="The archive, of a recipe that has none: s3://BUCKET/KEY."
)
def patch(
    face: Face,
    *,
    word: str,
    arch: str | None,
    dkms: bool | None,
    values: tuple[str, ...],
    artifact: str | None,
) -> None:
    if not (arch or values or artifact) and dkms is None:
        raise UsageError("nothing is to be changed", hint="name --arch, --dkms, --value or --artifact")
    with connected(face) as client:
        done = client.recipes.patch(
            identity(client, RECIPE, word),
            arch=arch,
            require_dkms=dkms,
            template_dictionary=pairs(values, "--value") if values else None,
            link={"path": artifact, "etag": "", "type": "s3"} if artifact else None,
        )
    face.result({"recipe": done}, lambda: done["id"])


def add_to(group: click.Group) -> None:
    add_verbs(group, RECIPE)
    for each in (create, patch):
        join(group, each)
