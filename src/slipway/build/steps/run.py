"""Run a step over the layers below it, and make a layer of what it changed."""

from __future__ import annotations

import fcntl
import json
import os
import posixpath
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

from slipway.build.steps.caches import cache_mounts
from slipway.build.steps.capture import OneUser, Rules, capture
from slipway.build.steps.failure import StepError, keep
from slipway.build.steps.log import open_log
from slipway.build.steps.secrets import Mask, Opened, logins, read_secrets
from slipway.build.steps.signals import tidy_end
from slipway.errors import FetchError, SlipwayError, ToolError
from slipway.images.account import find_user
from slipway.oci.entry import NO_TIME
from slipway.oci.fragment import Component, FragmentCache
from slipway.oci.layer import assemble
from slipway.oci.layerindex import layer_index, merged
from slipway.oci.rootfs import held, read_small
from slipway.sandbox.host import check_platform, host_files
from slipway.sandbox.inside import pack, trees_for
from slipway.sandbox.model import CommandError, Spec
from slipway.sandbox.start import OverlayRefused, collect
from slipway.sandbox.users import find_users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from slipway.build.model import Options
    from slipway.build.steps.log import Log
    from slipway.build.steps.model import Step
    from slipway.events import Reporter
    from slipway.oci.compress import Compression
    from slipway.oci.entry import Entry
    from slipway.oci.fragment import Fragment
    from slipway.oci.layer import Layer
    from slipway.oci.reader import Slice
    from slipway.oci.rootfs import Trees
    from slipway.oci.store import Store
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings

HOSTNAME: Final = "slipway"  # the same on every machine
LOGS: Final = "logs"
_TICK: Final = 0.1  # seconds that times of files may lag behind the clock
_LEFT_OVER: Final = 60  # seconds after which a directory that nobody holds is nobody's


class Runner:
    """Runs the steps of one platform's image. `base` tells whose caches are used."""

    def __init__(
        self,
        recipe: Recipe,
        platform: str,
        base: str,
        store: Store,
        compression: Compression,
        settings: Settings,
        reporter: Reporter,
        options: Options,
    ) -> None:
        self._recipe = recipe
        self._platform = platform
        self._base = base
        self._store = store
        self._compression = compression
        self._settings = settings
        self._reporter = reporter
        self._options = options
        self._users = find_users()
        self._trees = trees_for(self._users, settings.cache / "trees")

    def run(
        self,
        step: Step,
        key: str,
        layers: Sequence[Slice],
        below: Callable[[str], Entry | None],
    ) -> tuple[Layer, Fragment, Mapping[str, Entry]]:
        """The layer, which is in the store, what is in it, and its directories.

        `layers` are those below, in the store, the lowest first; `below` knows their directories. `StepError` when
        the command fails; errors know the place of the step.
        """
        try:
            with tidy_end(), ExitStack() as stack:
                return self._run(step, key, layers, below, stack)
        except SlipwayError as error:
            error.where = error.where or step.where
            raise

    def check(self, step: Step) -> None:
        """Find out, before anything is run, what would keep a step from running; errors know its place."""
        if step.network and self._settings.offline:
            raise FetchError(
                f"{step.name} uses the network, and nothing may be downloaded",
                hint="build once without --offline; an unchanged step is not run again",
                where=step.where,
            )
        try:
            check_platform(self._platform, "the step")
        except ToolError as error:
            error.where = step.where
            raise
        read_secrets(step, self._recipe.directory)

    def _run(
        self,
        step: Step,
        key: str,
        layers: Sequence[Slice],
        below: Callable[[str], Entry | None],
        stack: ExitStack,
    ) -> tuple[Layer, Fragment, Mapping[str, Entry]]:
        secrets = read_secrets(step, self._recipe.directory)
        _tidy(self._trees)
        lowers = self._trees.provide(self._store, layers, self._reporter)
        stack.enter_context(held(lowers))
        directory = stack.enter_context(self._trees.scratch())
        caches = stack.enter_context(
            cache_mounts(step.caches, self._base, self._platform, self._settings.cache, self._reporter)
        )
        spec = self._spec(step, lowers, directory, secrets, caches)
        mask = Mask([*secrets.texts, *logins(text for _, text in self._recipe.proxy)])
        log = stack.enter_context(open_log(self._settings.cache / LOGS / f"{key}.log", self._reporter, mask))
        started = int(time.time() - _TICK)
        with self._reporter.step(step.name, step.text):
            status = _status(spec, log)
            if status:
                kept = ""
                if self._options.keep_failed:
                    kept = keep(step, key, layers, self._platform, directory, self._settings.cache)
                raise StepError(step, status, log, self._users, kept)
        rules = Rules(_made(directory), started, self._options.epoch, below, self._one_user(spec, layers))
        return self._layer(step, directory, rules)

    def _spec(
        self, step: Step, lowers: Sequence[Path], directory: Path, secrets: Opened, caches: tuple[Any, ...]
    ) -> Spec:
        users = self._users
        uid, gid, groups, home = find_user(
            read_small(lowers, "etc/passwd"), read_small(lowers, "etc/group"), step.user
        )
        env = {"HOME": home, **dict(step.env)}
        if self._options.epoch is not None:
            env.setdefault("SOURCE_DATE_EPOCH", str(self._options.epoch))
        if step.network:
            for name, text in self._recipe.proxy:
                env = {name.lower(): text, name.upper(): text} | env
        # an upper directory is used once: nothing has to be on the disk, and no feature of it may need a later mount
        overlay = ("volatile", "redirect_dir=off", "metacopy=off", "index=off")
        return Spec(
            argv=step.argv,
            env={**env, **secrets.variables},
            cwd=step.workdir,
            uid=uid,
            gid=gid,
            groups=() if users.kind == "one" else groups,
            rootless=users.kind != "root",
            stage=str(self._trees.stage()),
            hostname=HOSTNAME,
            lowers=tuple(str(tree) for tree in reversed(lowers)),
            upper=str(directory),
            network=step.network,
            mounts=caches,
            files=host_files(HOSTNAME, network=step.network),
            secrets=secrets.files,
            range=users.range,
            directories=step.directories,
            overlay=overlay if users.kind == "root" else overlay[:1],
            trusted=True,
        )

    def _one_user(self, spec: Spec, layers: Sequence[Slice]) -> OneUser | None:
        if self._users.kind != "one":
            return None
        below = merged(layer_index(self._store, layer.blob) for layer in layers)
        return OneUser(below, spec.uid, spec.gid)

    def _layer(
        self, step: Step, directory: Path, rules: Rules
    ) -> tuple[Layer, Fragment, Mapping[str, Entry]]:
        found: dict[str, Entry] = {}
        with self._reporter.step("layer", step.name) as shown:
            own = FragmentCache(directory / "fragment", self._compression)
            fragment = own.make(
                "step",
                Component("generated", step.name),
                lambda writer: found.update(capture(pack(directory / "upper", self._users), rules, writer)),
            )
            layer = assemble(self._store, [fragment], found, self._compression)
            shown.detail = f"{len(fragment.rows)} changes, {layer.raw_size / 1e6:.1f} MB"
        return layer, fragment, found


def newest(fragment: Fragment) -> int:
    """The latest time of a file in it, in Unix seconds."""
    return max((row[5] for row in fragment.rows), default=NO_TIME)


def _status(spec: Spec, log: Log) -> int:
    try:
        return collect(spec, log.write)
    except CommandError as error:
        log.write(f"{error.brief}\n".encode())
        return error.status
    except OverlayRefused as error:
        raise ToolError(
            f"this machine does not let a step have its file system (overlay): {error}",
            hint="Linux 5.11 or newer is needed, and --cache on a file system such as ext4, xfs or btrfs",
        ) from error
    finally:
        log.end()


def _made(directory: Path) -> frozenset[str]:
    """What the sandbox made to mount on, relative to its root."""
    made = json.loads((directory / "made").read_text())
    return frozenset(posixpath.normpath(path).lstrip("/") for path in made)


def _tidy(trees: Trees) -> None:
    """Remove what builds left that were killed."""
    for path in trees.root.glob(".tmp-*"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # a young one may be about to be held
                if time.time() - os.fstat(handle).st_mtime > _LEFT_OVER:
                    trees.remove(path)
            finally:
                os.close(handle)
