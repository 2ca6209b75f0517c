"""Hand an image on: to an OCI layout, a docker-archive file, or (`load`) a Docker daemon."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.files import atomic
from slipway.images.load import load
from slipway.images.names import full_name
from slipway.oci.archive import docker_archive
from slipway.oci.layout import export_layout
from slipway.oci.reader import select
from slipway.registry.lazy import ensure

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.oci.store import Descriptor, Store
    from slipway.settings import Settings

__all__ = ["FORMS", "check_output", "load", "write_output"]

FORMS = "oci:DIR[:REF] or docker-archive:FILE"


def write_output(
    store: Store,
    image: Descriptor,
    spec: str,
    tag: str,
    settings: Settings,
    reporter: Reporter,
) -> str:
    """Write `image` where `spec` says (`FORMS`); returns the output as a person would give it to another tool.

    `tag` is the name in the output unless `spec` has one; without either, `UsageError`. A layout gets all platforms of an index,
    an archive this machine's. Layers that are not here are brought. Paths are against the working directory.
    """
    check_output(spec)
    kind, _, rest = spec.partition(":")
    with store.shared():
        if kind == "oci":
            directory, _, ref = rest.partition(":")
            name = ref or full_name(_named(tag, spec))
            ensure(store, image, settings, reporter)
            with reporter.step("write", f"oci:{directory}:{name}"):
                export_layout(store, image, Path(directory).absolute(), name)
            return f"oci:{directory}:{name}"
        names = [full_name(tag)] if tag else []
        manifest = select(store, image)
        ensure(store, manifest, settings, reporter)
        path = Path(rest).absolute()
        with reporter.step("write", spec, unit="bytes") as step, atomic(path, mode=_usual_mode()) as file:
            for piece in docker_archive(store, manifest, names):
                file.write(piece)
                step.advance(len(piece))
    return spec


def check_output(spec: str) -> None:
    """`UsageError` for an output that cannot be meant; so that a build finds out before it works."""
    kind, colon, rest = spec.partition(":")
    if kind not in ("oci", "docker-archive") or not colon or not rest.partition(":")[0]:
        raise UsageError(f"{spec!r} is no output", hint=f"write {FORMS}")
    path = Path(rest)
    if kind == "docker-archive" and (rest.endswith(os.sep) or path.is_dir()):
        raise UsageError(f"{rest} is a directory", hint="name the file to write")


def _named(tag: str, spec: str) -> str:
    if not tag:
        raise UsageError("the image has no name to be written under", hint=f"write {spec}:NAME")
    return tag


def _usual_mode() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask
