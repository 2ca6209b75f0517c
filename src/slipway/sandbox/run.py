"""Run a command in a stored image: no daemon, no root, nothing written back.

Needs Linux 5.12 (mount attributes; overlays without root are older) and, for anyone but root, user namespaces.
Without root there is one user in the sandbox, the image's, who is the caller outside.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.events import Reporter
from slipway.oci.digest import hex_of
from slipway.oci.reader import read_image, select
from slipway.oci.rootfs import Trees, held, read_small, unpack
from slipway.oci.unpack import is_root
from slipway.registry.lazy import ensure
from slipway.sandbox.command import command
from slipway.sandbox.host import check_platform, host_files
from slipway.sandbox.model import Mount, Spec
from slipway.sandbox.start import OverlayRefused, start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.oci.reader import Image
    from slipway.oci.store import Descriptor, Store
    from slipway.settings import Settings


def run_image(
    store: Store,
    image: Descriptor,
    argv: Sequence[str],
    *,
    settings: Settings,
    entrypoint: Sequence[str] | None = None,
    user: str = "",
    workdir: str = "",
    env: Mapping[str, str] | None = None,
    network: bool = False,
    mounts: Sequence[tuple[str, str, bool]] = (),
    read_only: bool = False,
    reporter: Reporter | None = None,
) -> int:
    """Run `argv` (or the image's own command) to its end; the exit status, 128 + n when signal n killed it.

    Standard input, output and error are the caller's. `mounts` are (host path, absolute path inside, read-only).
    Of an index, this machine's platform is run. `CommandError` when the command is not in the image or cannot be
    executed, `ToolError` when this machine cannot make a sandbox, `UsageError` for impossible requests; layers that are
    not here are brought first, with the errors of `slipway.registry.lazy.ensure`.
    """
    reporter = reporter or Reporter()
    trees = Trees(settings.cache / "trees")
    with ExitStack() as stack:
        with store.shared():
            opened = read_image(store, select(store, image))
            check_platform(opened.platform, "the image")
            asked = command(
                opened.settings, argv, entrypoint=entrypoint, env=env or {}, workdir=workdir, user=user
            )
            ensure(store, opened.manifest, settings, reporter)
            lowers = trees.provide(store, opened.layers, reporter)
            stack.enter_context(held(lowers))
        spec = _spec(opened, lowers, asked.user, network=network, mounts=mounts)
        spec = replace(
            spec,
            argv=asked.argv,
            env=_environment(asked.env, spec),
            cwd=asked.cwd,
            stage=str(trees.stage()),
            lowers=tuple(str(tree) for tree in reversed(lowers)),
            read_only=read_only,
        )
        if spec.rootless and not _memory_keeps_attributes():
            spec = replace(spec, upper=str(stack.enter_context(trees.scratch())))
        try:
            return start(spec)
        except OverlayRefused as refused:
            reporter.log(f"no overlay ({refused}): unpacking the image for this run alone")
        directory = stack.enter_context(trees.scratch())
        with store.shared():
            unpack(store, directory, opened.layers, reporter)
        return start(replace(spec, root=str(directory), lowers=(), upper=""))


def _spec(
    image: Image,
    lowers: Sequence[Path],
    user: str,
    *,
    network: bool,
    mounts: Sequence[tuple[str, str, bool]],
) -> Spec:
    from slipway.images.account import find_user

    rootless = not is_root()
    uid, gid, groups, home = find_user(
        read_small(lowers, "etc/passwd"), read_small(lowers, "etc/group"), user
    )
    hostname = hex_of(image.manifest.digest)[:12]
    return Spec(
        argv=(),
        env={"HOME": home},
        cwd="/",
        uid=uid,
        gid=gid,
        groups=() if rootless else tuple(groups),
        rootless=rootless,
        stage="",
        hostname=hostname,
        network=network,
        mounts=tuple(_mount(*m) for m in mounts),
        files=host_files(hostname, network=network),
    )


def _environment(asked: Mapping[str, str], spec: Spec) -> dict[str, str]:
    given = {"HOSTNAME": spec.hostname, **spec.env}
    if os.isatty(0) or os.isatty(1):
        given["TERM"] = os.environ.get("TERM", "xterm")
    return given | dict(asked)


def _mount(source: str, target: str, read_only: bool) -> Mount:
    if not target.startswith("/") or os.path.normpath(target) == "/":
        raise UsageError(f"{target!r} is no place to mount on", hint="give an absolute path below /")
    real = Path(source).absolute()
    if not real.exists():
        raise UsageError(f"there is no {source!r} to mount")
    return Mount(str(real), target, read_only)


def _memory_keeps_attributes() -> bool:
    """Whether a file system in memory has the user attributes that overlays without root need (Linux 6.6)."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(c for c in minor if c.isdigit()))) >= (6, 6)
