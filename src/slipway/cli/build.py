"""`slipway build`."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from slipway.cli.face import Face, says
from slipway.cli.sbomoption import WithSbom, sbom_option
from slipway.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.build.model import Options, Result
    from slipway.events import Reporter
    from slipway.recipe.model import Recipe
    from slipway.registry.push import Pushed
    from slipway.registry.sender import Sender
    from slipway.settings import Settings

T = TypeVar("T")

EXAMPLES = """
slipway build image.yaml
slipway build image.yaml -t hello:1.2 --load
slipway build image.yaml -t registry.example.org/team/hello:1.2 --push
slipway build image.yaml --output oci:out --output docker-archive:hello.tar
slipway build image.yaml --platform linux/amd64 --platform linux/arm64
slipway build image.yaml --engine docker  let a Docker daemon put it together
slipway build image.yaml --locked        exactly what image.lock.yaml says
slipway build image.yaml --sbom --push   with a list of its packages attached
slipway build image.yaml --dry-run       what would change, layer by layer
"""


@says()
@click.command(cls=WithSbom, examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-t", "--tag", default="", help="Name of the image instead of the recipe's `tag`.")
@click.option("--load", is_flag=True, help="Load the image into the Docker daemon too.")
@click.option("--push", is_flag=True, help="Push the image to the registry that its tag begins with.")
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="SPEC",
    help="Write the image too: oci:DIR or docker-archive:FILE. Repeatable.",
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="OS/ARCH",
    help="Build for this platform instead of the recipe's. Repeatable; several make one index.",
)
@click.option(
    "-p",
    "--path",
    type=click.Path(path_type=Path, file_okay=False),
    help="Put what goes into the image there, to look at. A directory that exists is kept, a new one removed.",
)
@click.option(
    "-k",
    "--keep-context",
    is_flag=True,
    help="Keep that directory, and the root in which a step fails; named in the output.",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "native", "docker", "buildah"]),
    default="auto",
    help="What puts the image together: native (no daemon, no root), docker (a daemon), or buildah. auto is native,"
    " and never falls back on another.",
)
@click.option("-c", "--no-cache", is_flag=True, help="Make every layer anew (verified downloads are kept).")
@click.option("--refresh", is_flag=True, help="Ask mirrors and indexes again, however new their answers.")
@click.option(
    "--locked", is_flag=True, help="Take every input from the lock beside the recipe; resolve nothing."
)
@click.option(
    "--offline", is_flag=True, help="As --locked, and download nothing: what is not here is an error."
)
@sbom_option("Attach a bill of materials to the image; a push sends it along.")
@click.option("-n", "--dry-run", is_flag=True, help="Show the plan and build nothing.")
@click.pass_obj
def build(
    face: Face,
    *,
    file: Path,
    tag: str,
    load: bool,
    push: bool,
    outputs: tuple[str, ...],
    platforms: tuple[str, ...],
    path: Path | None,
    keep_context: bool,
    engine: Literal["auto", "native", "docker", "buildah"],
    no_cache: bool,
    refresh: bool,
    locked: bool,
    offline: bool,
    sbom: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Build an image from a recipe.

    The image is kept in the store under its tag. Standard output carries one line: the tag, or the digest of
    an image without one.
    """
    from slipway.build.context import context_directory
    from slipway.build.model import Options
    from slipway.recipe.remembered import load as load_recipe
    from slipway.settings import source_date_epoch

    settings = face.settings().with_(offline=offline or None)
    recipe = for_platforms(load_recipe(file, settings), platforms)
    tag = tag and checked_tag(tag)
    _check_outputs(tag or recipe.tag, load=load, push=push, outputs=outputs)
    options = Options(
        tag=tag,
        no_cache=no_cache,
        refresh=refresh,
        epoch=source_date_epoch(),
        keep_failed=keep_context,
        sbom=sbom,
    )
    options = replace(options, engine="native" if engine == "auto" else engine)
    if locked or offline:
        from slipway.lock.files import read_lock

        options = replace(options, lock=read_lock(file))
    start = time.monotonic()
    with context_directory(path, keep=keep_context) as (directory, kept):
        options = replace(options, context=directory)
        if dry_run:
            _plan(face, recipe, settings, options, context=str(directory) if kept else "")
            return
        from slipway.build.api import build as build_image

        with face.reporter() as reporter, ExitStack() as stack:
            sender = None
            if push and options.engine == "native":
                sender = stack.enter_context(_sender(tag or recipe.tag, settings, reporter))
                options = replace(options, finished=sender.offer)
            done = build_image(recipe, settings, reporter, options)
            done = _hand_over(done, settings, reporter, load=load, outputs=outputs)
            pushed = _push(done, settings, reporter, sender) if push else None
    done = replace(done, seconds=time.monotonic() - start)
    _show(face, done, pushed, context=str(directory) if kept else "")


def checked_tag(name: str) -> str:
    from slipway.recipe.checks import image_tag

    return _checked("--tag", image_tag, name)


def for_platforms(recipe: Recipe, names: tuple[str, ...]) -> Recipe:
    if not names:
        return recipe
    from slipway.recipe.checks import platform

    found = tuple(dict.fromkeys(_checked("--platform", platform, name) for name in names))
    return replace(recipe, platforms=found)


def _checked(option: str, check: Callable[[str], T], value: str) -> T:
    """A value of the command line under the rule that holds for the recipe's."""
    from slipway.recipe.kinds import Refused

    try:
        return check(value)
    except Refused as refused:
        raise UsageError(f"{option}: {refused.message}", hint=refused.hint) from refused


def _plan(face: Face, recipe: Recipe, settings: Settings, options: Options, *, context: str) -> None:
    from slipway.build.api import plan
    from slipway.cli import render
    from slipway.cli.text import Paint, say

    with face.reporter() as reporter:
        plans = plan(recipe, settings, reporter, options)
    if context and not face.json and not face.quiet:
        say(f"context in {context}")
    face.result(
        {"plans": [p.as_dict() for p in plans]} | ({"context": context} if context else {}),
        lambda: render.plans(plans, Paint(sys.stdout), verbose=face.verbose),
    )


def _check_outputs(name: str, *, load: bool, push: bool, outputs: tuple[str, ...]) -> None:
    """Find out before the work what cannot be meant."""
    if push and not name:
        raise UsageError("--push needs a name for the image", hint="give --tag, or `tag` in the recipe")
    if push:
        from slipway.images.push import destination

        destination(name)
    if load and not name:
        raise UsageError("--load needs a name for the image", hint="give --tag, or `tag` in the recipe")
    if outputs:
        from slipway.images.outputs import check_output

        for spec in outputs:
            check_output(spec)


def _hand_over(
    done: Result, settings: Settings, reporter: Reporter, *, load: bool, outputs: tuple[str, ...]
) -> Result:
    if not load and not outputs:
        return done
    from slipway.images.load import load as load_image
    from slipway.images.outputs import write_output
    from slipway.oci.store import Store

    store = Store(settings.store)
    written = [write_output(store, done.image, spec, done.tag, settings, reporter) for spec in outputs]
    if load:
        load_image(store, done.image, done.tag, settings, reporter)
        written.append(f"docker-daemon:{done.tag}")
    return replace(done, outputs=(*done.outputs, *written))


def _sender(name: str, settings: Settings, reporter: Reporter) -> Sender:
    from slipway.images.push import destination
    from slipway.oci.store import Store
    from slipway.registry.sender import Sender

    return Sender(Store(settings.store), destination(name), settings, reporter)


def _push(done: Result, settings: Settings, reporter: Reporter, sender: Sender | None) -> Pushed:
    from slipway.images.push import push_image
    from slipway.oci.store import Store

    if sender:
        sender.finish()
    pushed = push_image(Store(settings.store), done.tag, "", settings, reporter)
    return sender.counted(pushed) if sender else pushed


def _show(face: Face, done: Result, pushed: Pushed | None, *, context: str) -> None:
    from slipway.cli import render, text

    if not face.json and not face.quiet:
        paint = text.Paint(sys.stderr)
        text.say(render.result(done, paint))
        if pushed:
            text.say(render.sent(pushed))
        if context:
            text.say(f"context in {context}")
        if text.is_terminal(sys.stderr):
            text.say(render.next_steps(done, paint))
    data = done.as_dict() | ({"context": context} if context else {})
    data |= {"pushed": pushed.as_dict()} if pushed else {}
    face.result(data, lambda: done.tag or str(done.image.digest))
