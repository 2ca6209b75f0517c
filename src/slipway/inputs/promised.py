"""Files that a lock promises: what they are is known, where their bytes are may not be here yet."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.errors import VerifyError
from slipway.inputs import pool
from slipway.inputs.address import public
from slipway.inputs.bring import bring, placed
from slipway.inputs.kept import path_of
from slipway.inputs.memory import Wanted
from slipway.inputs.pinned import PinnedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.events import Reporter
    from slipway.lock.model import LockedFile
    from slipway.recipe.model import FileItem
    from slipway.settings import Settings

_HINT = "it changed where it comes from: `slipway lock --upgrade` takes the new one"


def promised(item: FileItem, row: LockedFile, settings: Settings) -> PinnedFile:
    """The item as the lock says. The listing of a tree is empty when that, or a file of it, is not here."""
    return PinnedFile(
        item.dest,
        public(item.source),
        row.kind,
        row.sha256,
        row.size,
        path_of(row.sha256, settings),
        row.mode,
        (pool.known(row.sha256, settings) or ()) if row.kind == "tree" else (),
        row.owner,
        row.archive,
        pooled=row.kind == "tree",
    )


def is_here(pinned: PinnedFile) -> bool:
    """Whether all bytes of a promised file are in the cache."""
    if pinned.kind == "file":
        return pinned.path.exists()
    return bool(pinned.listing) or pinned.sha256 == pool.EMPTY


def keep_promises(
    pairs: Sequence[tuple[FileItem, PinnedFile]], settings: Settings, reporter: Reporter
) -> list[PinnedFile]:
    """Bring in promised files whose sources are on other machines; `VerifyError` when one is something else by now."""
    asked = [
        Wanted(item.source, pinned.archive or (pinned.sha256 if pinned.kind == "file" else ""), item.where)
        for item, pinned in pairs
    ]
    try:
        brought = bring(asked, settings, reporter, refresh=True, now=time.time())
    except VerifyError as error:
        error.hint = _HINT
        raise
    found = []
    for (item, pinned), one in zip(pairs, brought, strict=True):
        with placed(item.where):
            if pinned.archive:
                from slipway.inputs.extract import extract

                one = extract(  # noqa: PLW2901 - the tree in the place of its archive
                    path_of(one.sha256, settings),
                    one.sha256,
                    settings,
                    reporter,
                    name=pinned.source,
                    pause=time.sleep,
                )
            if (one.kind, one.sha256) != (pinned.kind, pinned.sha256):
                raise VerifyError(f"{pinned.source} is not what the lock says", hint=_HINT)
            found.append(replace(pinned, listing=one.listing))
    return found
