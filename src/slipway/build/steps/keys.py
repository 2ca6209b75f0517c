"""What determines the layer of a step: the step itself, everything below it, and how its layer is written. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.steps.model import Step
from slipway.oci.digest import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.build.steps.model import Copy
    from slipway.recipe.model import Platform

VERSION = 1  # raise it when the same step over the same layers gives another layer


def identity(item: Step | Copy) -> str:
    """A hash of what a step does, whatever it is called and wherever it is written. Of a secret only its place counts."""
    if isinstance(item, Step):
        secrets = [(s.id, s.target) for s in item.secrets]
        return key_of(
            VERSION,
            "step",
            item.argv,
            item.env,
            item.user,
            item.workdir,
            item.network,
            item.caches,
            secrets,
            item.directories,
        )
    return key_of(VERSION, "copy", item.sources, item.dest, item.owner, item.mode, item.directories)


def step_key(
    step: Step, below: Sequence[str], *, platform: Platform, compression: str, epoch: int | None
) -> str:
    """`below` are the keys of all layers below, of a base image the digest of its manifest."""
    return key_of("layer of a step", identity(step), below, str(platform), compression, epoch)


def copy_key(copy: Copy, below: Sequence[str], files: Sequence[str]) -> str:
    """`files` are the keys of the parts of the workspace."""
    return key_of("copy", identity(copy), below, files)
