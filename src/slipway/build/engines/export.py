"""Write the Dockerfile and context of an image to a directory, for people to use by hand."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.build.engines.context import BASE, context_of, write
from slipway.build.engines.material import gather
from slipway.build.engines.order import order_for
from slipway.build.engines.secretfiles import sources
from slipway.build.engines.words import NEWLINE
from slipway.errors import UsageError
from slipway.files import disk
from slipway.oci.reader import this_machine
from slipway.values import value

if TYPE_CHECKING:
    from slipway.build.assemble import Builder
    from slipway.build.engines.order import Order

_OURS = ("Dockerfile", ".dockerignore", BASE, "layers", "files")


@value
class Exported:
    """What was written: the files relative to `directory`, their size in bytes, and command lines that use them."""

    directory: Path
    files: tuple[str, ...]
    size: int
    commands: tuple[str, ...]


def check_place(directory: Path, *, force: bool) -> None:
    """`UsageError` for a directory that holds something, unless with `force`, when only what is ours is replaced."""
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is no directory")
    if not force and directory.is_dir() and any(directory.iterdir()):
        raise UsageError(
            f"{directory} is not empty", hint="name another directory, or replace what is there with --force"
        )


def export(builder: Builder, tag: str, directory: Path) -> Exported:
    """Hold `store.shared()` meanwhile. The directory appears, or changes, only when all is written."""
    material = gather(builder)
    recipe = material.inputs.recipe
    order = order_for(material, context_of(material, builder.store, ()), tag, builder.settings)
    head = (f"{tag or 'An image'} for {order.platform}, from {recipe.path.name}.", *_usage(order, "."))
    context = context_of(material, builder.store, head)
    with disk(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".tmp-") as name:
            made = Path(name) / "context"
            with builder.reporter.step("write", str(directory)):
                write(context, builder.store, made)
            _move(made, directory)
    files = sorted(
        p for name in _OURS for p in (directory / name, *(directory / name).rglob("*")) if p.is_file()
    )
    size = sum(file.stat().st_size for file in files)
    names = tuple(str(file.relative_to(directory)) for file in files)
    return Exported(directory, names, size, tuple(_usage(order, str(directory))))


def _move(made: Path, directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    for name in _OURS:
        target = directory / name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        if (made / name).exists():
            (made / name).rename(target)


def _usage(order: Order, directory: str) -> list[str]:
    """Command lines that build the image with Docker, and with buildah."""
    lines = []
    place = shlex.quote(directory)
    flags = _flags(order)
    base = shlex.quote(f"{directory}/{BASE}")
    if order.context.base is not None:
        lines.append(f"docker load --input {base}")
    lines.append(" ".join([*(["DOCKER_BUILDKIT=1"] if order.mounts else []), "docker build", *flags, place]))
    if order.context.base is not None:
        lines.append(f"buildah pull docker-archive:{base}")
    lines.append(" ".join(["buildah build --format=docker", *flags, place]))
    return lines


def _flags(order: Order) -> list[str]:
    flags = [f"--tag={order.tag}"] if order.tag else []
    if order.platform != this_machine():
        flags.append(f"--platform={order.platform}")
    if order.steps and not order.network:
        flags.append("--network=none")
    flags += [f"--build-arg={n}=$'\\n'" if n == NEWLINE else f"--build-arg={n}" for n in order.arguments]
    for secret, _ in sources(order.steps).values():
        file = "FILE" if secret.source.startswith("env:") else secret.source
        flags.append(shlex.quote(f"--secret=id={secret.id},src={file}"))
    return flags
