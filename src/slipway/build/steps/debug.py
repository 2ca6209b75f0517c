"""Run a shell, or a command, in the root of a step that failed."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import StoreError, ToolError
from slipway.images.account import find_user
from slipway.oci.rootfs import held, read_small
from slipway.oci.unpack import remove_tree
from slipway.sandbox.host import check_platform, host_files
from slipway.sandbox.inside import trees_for
from slipway.sandbox.model import CommandError, Spec
from slipway.sandbox.start import OverlayRefused, start
from slipway.sandbox.users import find_users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.build.steps.failure import Kept
    from slipway.events import Reporter
    from slipway.oci.store import Store
    from slipway.settings import Settings

_SHELLS = ("/bin/bash", "/bin/sh")


def open_root(kept: Kept, argv: Sequence[str], store: Store, settings: Settings, reporter: Reporter) -> int:
    """The exit status of `argv`, or of a shell, with the terminal of the caller; as `slipway.sandbox.run.run_image` gives it.

    `StoreError` when layers below the step are gone, `CommandError` for what is not there.
    """
    check_platform(kept.platform, "the step")
    users = find_users()
    trees = trees_for(users, settings.cache / "trees")
    with ExitStack() as stack:
        with store.shared():
            if any(not store.has(layer.blob.digest) for layer in kept.layers):
                raise StoreError(
                    "layers below the step are no longer in the store", hint="build again with --keep-context"
                )
            lowers = trees.provide(store, kept.layers, reporter)
            stack.enter_context(held(lowers))
        spec = _spec(kept, lowers, str(trees.stage()))
        if argv:
            return _started(spec, tuple(argv))
        for shell in _SHELLS[:-1]:
            try:
                return _started(spec, (shell,))
            except CommandError:
                continue
        return _started(spec, _SHELLS[-1:])


def _spec(kept: Kept, lowers: Sequence[Path], stage: str) -> Spec:
    users = find_users()
    uid, gid, groups, home = find_user(
        read_small(lowers, "etc/passwd"), read_small(lowers, "etc/group"), kept.user
    )
    return Spec(
        argv=(),
        env={"HOME": home, "TERM": os.environ.get("TERM", "xterm"), **dict(kept.env)},
        cwd=kept.workdir,
        uid=uid,
        gid=gid,
        groups=() if users.kind == "one" else groups,
        rootless=users.kind != "root",
        stage=stage,
        hostname="slipway",
        lowers=tuple(str(tree) for tree in reversed(lowers)),
        upper=str(kept.directory),
        network=kept.network,
        files=host_files("slipway", network=kept.network),
        range=users.range,
    )


def _started(spec: Spec, argv: tuple[str, ...]) -> int:
    # the kernel takes no upper directory twice whose work directory says that the first use may be incomplete
    remove_tree(Path(spec.upper, "work"))
    try:
        return start(replace(spec, argv=argv))
    except OverlayRefused as error:
        raise ToolError(f"the root cannot be mounted: {error}") from error
