"""From what a build took to a lock of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.lock.model import Lock, LockedBase, LockedFile, LockedPlatform, LockedRepository
from slipway.net_errors import redact
from slipway.recipe.model import LayoutBase, RegistryBase
from slipway.recipe.plain import as_data, base_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.build.resolve import Inputs
    from slipway.inputs.repository import PinnedRepository
    from slipway.python.model import PythonResolution


def from_inputs(inputs: Sequence[Inputs], compression: str, epoch: int | None) -> Lock:
    """The lock of one recipe's inputs, one for each platform; `compression` is `Compression.name`."""
    return Lock(as_data(inputs[0].recipe), tuple(locked_platform(i) for i in inputs), compression, epoch)


def locked_platform(inputs: Inputs) -> LockedPlatform:
    """One platform's inputs without secrets."""
    base = inputs.recipe.base
    image = None
    if inputs.image is not None and isinstance(base, LayoutBase | RegistryBase):
        image = LockedBase(base_reference(base), inputs.image.manifest.digest)
    return LockedPlatform(
        platform=str(inputs.platform),
        debian=inputs.debian,
        base=image,
        python=_public(inputs.python) if inputs.python else None,
        target=inputs.target,
        files=tuple(
            LockedFile(f.dest, f.source, f.kind, f.sha256, f.size, f.mode, f.owner, f.archive)
            for f in inputs.files
        ),
        repositories=tuple(_repository(r) for r in inputs.repositories),
        init=inputs.init,
    )


def _repository(pinned: PinnedRepository) -> LockedRepository:
    tree = pinned.tree
    return LockedRepository(
        pinned.dest, pinned.url, pinned.commit, tree.sha256, tree.size, pinned.heads, pinned.tags
    )


def _public(python: PythonResolution) -> PythonResolution:
    """Addresses have no logins any more, but an index may put a token into a query."""
    if not any("?" in d.url for d in python.dists):
        return python
    return replace(python, dists=tuple(replace(d, url=redact(d.url)) for d in python.dists))
