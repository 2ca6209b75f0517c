"""`slipway image`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.complete import image_names
from slipway.cli.face import says
from slipway.cli.remote import IMAGE, WithRemote, remove, server_option
from slipway.cli.remote_image import add_to
from slipway.cli.sbomoption import WithSbom, sbom_option
from slipway.cli.text import Paint
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway image ls
slipway image inspect hello
slipway image diff hello:1 hello:2
slipway image tag hello:2 hello:stable
slipway image pull python:3.12-slim
slipway image push hello registry.example.org/team/hello:2
slipway image referrers hello
slipway image rm hello:1
slipway image list
slipway image show compute
"""
PLATFORM_HELP = "Of an image for several platforms, this one; default: this machine's."


@click.group(cls=WithRemote, examples=EXAMPLES)
def image() -> None:
    """List, inspect, compare, name, pull, push and remove images.

    Those in the store are given by name (`:latest` may be left out), digest, or the start of the digest; those of the image
    service by id or name.
    """


@says(verbose=False)
@image.command(examples="slipway image ls\nslipway image ls --json")
@click.pass_obj
def ls(face: Face) -> None:
    """List the images in the store."""
    from slipway.cli import render_images
    from slipway.images.ls import ls as list_images

    found = list_images(face.store())
    face.result({"images": [i.as_dict() for i in found]}, lambda: render_images.ls(found, Paint(sys.stdout)))


@says()
@image.command(
    examples="slipway image inspect hello\nslipway image inspect -v hello    every package of every layer"
)
@click.argument("name", metavar="IMAGE", shell_complete=image_names)
@click.option("--platform", default="", metavar="OS/ARCH", help=PLATFORM_HELP)
@click.pass_obj
def inspect(face: Face, *, name: str, platform: str) -> None:
    """Show what an image is and what its layers are made of."""
    from slipway.cli import render_images
    from slipway.images.inspect import inspect as inspect_image

    found = inspect_image(face.store(), name, platform)
    face.result(
        {"image": found}, lambda: render_images.inspect(found, Paint(sys.stdout), verbose=face.verbose)
    )


@says(verbose=False)
@image.command(examples="slipway image tag hello hello:stable")
@click.argument("name", metavar="IMAGE", shell_complete=image_names)
@click.argument("new", metavar="NEW-NAME")
@click.pass_obj
def tag(face: Face, *, name: str, new: str) -> None:
    """Give an image another name.

    A name that another image has is taken from it.
    """
    from slipway.images.tag import tag as tag_image

    done = tag_image(face.store(), name, new)
    face.result(done.as_dict(), lambda: done.name)


@says(verbose=False)
@image.command(
    examples="slipway image rm hello:1 hello:2\nslipway image rm --remote compute    of the service"
)
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True, shell_complete=image_names)
@click.option("--remote", is_flag=True, help="Delete images of the service, not of the store.")
@server_option()
@click.pass_obj
def rm(face: Face, *, names: tuple[str, ...], remote: bool) -> None:
    """Forget names; with a digest, an image under all its names.

    The space is freed by `slipway store gc`. Images of the service are kept until `slipway image purge`.
    """
    if remote:
        remove(face, IMAGE, names)
        return
    from slipway.cli import render_images
    from slipway.images.rm import rm as remove_images

    gone = remove_images(face.store(), names)
    face.result({"removed": [r.as_dict() for r in gone]}, lambda: render_images.rm(gone))


@says()
@image.command(examples="slipway image diff hello:1 hello:2\nslipway image diff hello:1 hello:2 --json")
@click.argument("before", shell_complete=image_names)
@click.argument("after", shell_complete=image_names)
@click.option("--platform", default="", metavar="OS/ARCH", help=PLATFORM_HELP)
@click.pass_obj
def diff(face: Face, *, before: str, after: str, platform: str) -> None:
    """Compare two images: packages, settings, paths."""
    from slipway.cli import render_images
    from slipway.images.diff import diff as compare

    with face.reporter() as reporter:
        found = compare(face.store(), before, after, face.settings(), reporter, platform)
    face.result(found.as_dict(), lambda: render_images.diff(found, Paint(sys.stdout), verbose=face.verbose))


@says()
@image.command(
    examples="slipway image pull python:3.12-slim\n"
    "slipway image pull registry.example.org/team/hello:2 --tag hello\n"
    "slipway image pull debian:trixie-slim --platform linux/arm64\n"
    "slipway image pull registry.example.org/team/hello:2 --referrers"
)
@click.argument("reference")
@click.option(
    "--platform",
    default="",
    metavar="OS/ARCH",
    help="Of an image for several platforms, this one; default: this machine's.",
)
@click.option("--all-platforms", is_flag=True, help="Of an image for several platforms, all.")
@click.option("-t", "--tag", default="", metavar="NAME", help="Name of the image here, instead of REFERENCE.")
@click.option("--referrers", is_flag=True, help="Bring what is attached to the image, too.")
@click.pass_obj
def pull(
    face: Face, *, reference: str, platform: str, all_platforms: bool, tag: str, referrers: bool
) -> None:
    """Bring an image from a registry into the store.

    A name without a registry (`python:3.12-slim`) is one on Docker Hub. Nothing is downloaded that is here already. What is
    attached to it (`slipway image referrers`) stays there unless it is asked for.
    """
    from slipway.cli import render_images
    from slipway.images.pull import pull_image

    if platform and all_platforms:
        raise UsageError("--platform and --all-platforms cannot both be meant")
    with face.reporter() as reporter:
        done = pull_image(
            face.store(),
            reference,
            face.settings(),
            reporter,
            platform=None if all_platforms else platform,
            name=tag,
            referrers=referrers,
        )
    face.result({"pulled": done.as_dict()}, lambda: render_images.pulled(done))


@says()
@image.command(
    cls=WithSbom,
    examples="slipway image push registry.example.org/team/hello:2\n"
    "slipway image push hello registry.example.org/team/hello:2\n"
    "slipway image push hello registry.example.org/team/hello:2 --sbom=spdx",
)
@click.argument("name", metavar="IMAGE", shell_complete=image_names)
@click.argument("reference", default="")
@sbom_option("First attach a bill of materials to the image.")
@click.option("--no-referrers", is_flag=True, help="Leave what is attached to the image here.")
@click.pass_obj
def push(face: Face, *, name: str, reference: str, sbom: tuple[str, ...], no_referrers: bool) -> None:
    """Send an image to a registry, with all its platforms.

    It goes to REFERENCE, or to the registry in its own name; what is attached to it goes along. Nothing is sent that is there
    already. `slipway login` keeps a password; those of `docker login` are used too.
    """
    from slipway.cli import render, render_images, text
    from slipway.images.push import push_image

    with face.reporter() as reporter:
        done = push_image(
            face.store(),
            name,
            reference,
            face.settings(),
            reporter,
            referrers=not no_referrers,
            sbom=sbom,
        )
    if not face.json and not face.quiet:
        text.say(render.sent(done))
    face.result({"pushed": done.as_dict()}, lambda: render_images.pushed(done))


@says()
@image.command(
    examples="slipway image referrers hello\n"
    "slipway image referrers registry.example.org/team/hello:2\n"
    "slipway image referrers hello --fetch spdx --output hello.spdx.json"
)
@click.argument("name", metavar="IMAGE", shell_complete=image_names)
@click.option(
    "--platform", default="", metavar="OS/ARCH", help="Of an image for several platforms, only this one."
)
@click.option(
    "--fetch",
    "wanted",
    metavar="TYPE",
    help="Get the one that is cyclonedx, spdx, of a media type, or has a digest.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what is fetched to this file.",
)
@click.pass_obj
def referrers(face: Face, *, name: str, platform: str, wanted: str | None, output: Path | None) -> None:
    """List what is attached to an image, such as bills of materials, or get one.

    IMAGE is in the store, or else in a registry; registry:REF is in a registry in any case. What is fetched is compared with
    its digest, and is on standard output when no file is named. Whether to believe what it says is another question: anybody
    who may push to the repository may attach something.
    """
    from slipway.cli import render_images

    if wanted is None:
        from slipway.images.referrers import list_attached

        if output:
            raise UsageError("--output is for what is fetched", hint="add --fetch TYPE")
        with face.reporter() as reporter:
            rows = list_attached(name, face.settings(), reporter, platform=platform)
        data = {"referrers": [row.as_dict() for row in rows]}
        face.result(data, lambda: render_images.referrers(rows, Paint(sys.stdout)))
        return
    from slipway.images.referrers import fetch_attached

    if output is None:
        if face.json:
            raise UsageError("--fetch with --json needs a file", hint="add --output FILE")
        with face.reporter() as reporter:
            fetch_attached(name, wanted, sys.stdout.buffer, face.settings(), reporter, platform=platform)
        return
    from slipway.files import atomic

    with face.reporter() as reporter, atomic(output) as file:
        row = fetch_attached(name, wanted, file, face.settings(), reporter, platform=platform)
    face.result({"fetched": row.as_dict(), "output": str(output)}, lambda: "")


add_to(image)
