"""The lock that an image carries in its configuration, so that it can be built again from nothing but itself.

The field stands beside those of the OCI image specification (config.md), which lets tools add their own. It is the
same whether the inputs were resolved or came from a lock: it holds what went into the image, and nothing that may be
otherwise while the image stays the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.lock.document import as_dict, from_dict
from slipway.lock.made import from_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.build.resolve import Inputs
    from slipway.distro.model import Deb
    from slipway.lock.model import Lock, LockedPlatform

FIELD = "slipway.lock.v1"


def kept(inputs: Inputs, compression: str, epoch: int | None) -> dict[str, Any]:
    """The value of the field, for the image of one platform."""
    lock = from_inputs([inputs], compression, epoch)
    platforms = tuple(_lasting(p, epoch) for p in lock.platforms)
    return as_dict(replace(lock, platforms=platforms))


def lock_of(config: Mapping[str, Any]) -> Lock | None:
    """The lock in an image's configuration; None when it has none, `LockError` when it is damaged."""
    data = config.get(FIELD)
    return None if data is None else from_dict(data)


def _lasting(locked: LockedPlatform, epoch: int | None) -> LockedPlatform:
    debian, python = locked.debian, locked.python
    if debian is not None:
        # archives are signed anew, and packages sorted anew, without a change to any package; of the date counts only
        # whether SOURCE_DATE_EPOCH is before it (`slipway.build.layers.clamp_for`)
        debian = replace(
            debian,
            version="",
            date=epoch + 1 if epoch is not None and epoch < debian.date else 0,
            base=tuple(_plain(d) for d in debian.base),
            apt=tuple(_plain(d) for d in debian.apt),
        )
    if python is not None:
        # a path on the machine of who builds is nobody else's business
        local = [d.url.startswith("file:") for d in python.dists]
        if any(local):
            dists = zip(python.dists, local, strict=True)
            python = replace(python, dists=tuple(replace(d, url="") if here else d for d, here in dists))
    init = locked.init
    if init is not None and init.deb is not None:
        init = replace(init, deb=_plain(init.deb))
    return replace(locked, debian=debian, python=python, init=init)


def _plain(deb: Deb) -> Deb:
    return replace(deb, priority="", installed_size=0, multi_arch="", essential=False)
