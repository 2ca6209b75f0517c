"""`slipway job`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slipway.cli.lazy import Group
from slipway.cli.remote import IMAGE, JOB, KEY, RECIPE, add_verbs, command, connected, id_argument, identity
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway job create --recipe compute --key crew --name compute-1.2
slipway job create --image compute-1.2 --key crew --name compute-1.3
slipway job list
slipway job show 7b0c5a4e-3c1d-4d55-9f0a-0c1f2f6f3a11
"""
STATUSES = (
    "creating",
    "fetching_image",
    "fetching_recipe",
    "waiting_for_repos",
    "building_image",
    "packaging_artifacts",
    "waiting_on_user",
    "error",
    "success",
)


@click.group(cls=Group, examples=EXAMPLES)
def job() -> None:
    """Jobs of the service: what is built and customized."""


@command(
    "create",
    "Have an image built from a recipe, or customized.",
    "slipway job create --recipe compute --key crew --name compute-1.2\n"
    "slipway job create --image compute-1.2 --key crew --name compute-1.3 --ssh worker",
)
@click.option("--recipe", default="", metavar="ID", help="Build this recipe.")
@click.option("--image", default="", metavar="ID", help="Customize this image.")
@click.option("--key", "public_key", required=True, metavar="ID", help="Public key of those who may log in.")
@click.option("--name", required=True, metavar="NAME", help="Name of the image that is made.")
@click.option("--ssh", metavar="NAME", help="Name of the container to log in to, when customizing.")
@click.option("--jail", is_flag=True, help="Confine those who log in to the image.")
@click.option("--enable-debug", is_flag=True, help="Keep a failed build for somebody to look at.")
@click.option("--size", type=int, metavar="GIB", help="Disk for the work.")
@click.option("--memory", type=int, metavar="GIB", help="Memory for the work.")
@click.option("--dkms/--no-dkms", default=None, help="Whether building needs kernel modules.")
@click.option("--kernel", metavar="FILE", help="Name of the kernel in the image's /boot.")
@click.option("--initrd", metavar="FILE", help="Name of the initrd in the image's /boot.")
@click.option("--kernel-parameters", metavar="FILE", help="Name of the file of parameters there.")
def create(
    face: Face,
    *,
    recipe: str,
    image: str,
    public_key: str,
    name: str,
    ssh: str | None,
    jail: bool,
    enable_debug: bool,
    size: int | None,
    memory: int | None,
    dkms: bool | None,
    kernel: str | None,
    initrd: str | None,
    kernel_parameters: str | None,
) -> None:
    if bool(recipe) == bool(image):
        raise UsageError("a job has either --recipe or --image")
    if (ssh or jail) and recipe:
        raise UsageError("--ssh and --jail are for --image: nobody logs in while a recipe is built")
    containers = [{"name": ssh or "customize", "jail": jail}] if ssh or jail else None
    with connected(face) as client:
        made = client.jobs.create(
            "create" if recipe else "customize",
            artifact_id=identity(client, RECIPE if recipe else IMAGE, recipe or image),
            public_key_id=identity(client, KEY, public_key),
            image_root_archive_name=name,
            enable_debug=enable_debug or None,
            build_env_size=size,
            job_mem_size=memory,
            kernel_file_name=kernel,
            initrd_file_name=initrd,
            kernel_parameters_file_name=kernel_parameters,
            ssh_containers=containers,
            require_dkms=dkms,
        )
    face.result({"job": made}, lambda: made["id"])


@command(
    "patch",
    "Set the status of a job, or the image it made.",
    "slipway job patch 7b0c5a4e-3c1d-4d55-9f0a-0c1f2f6f3a11 --status success",
)
@id_argument(JOB)
@click.option("--status", type=click.Choice(STATUSES), metavar="STATUS", help="The status.")
@click.option("--image", metavar="ID", help="The image that the job made.")
def patch(face: Face, *, word: str, status: str | None, image: str | None) -> None:
    if status is None and image is None:
        raise UsageError("nothing is to be changed", hint="name --status or --image")
    with connected(face) as client:
        done = client.jobs.patch(word, status=status, resultant_image_id=image)
    face.result({"job": done}, lambda: f"{done['id']} {done['status']}")


job.add_command(create)
job.add_command(patch)
add_verbs(job, JOB)
