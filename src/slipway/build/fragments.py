"""Make the fragments that layers need and the cache lacks: fetch what is missing, convert it on all cores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from slipway.build import workspace
from slipway.build.layers import dist_key
from slipway.build.missing import bring_files
from slipway.distro.keys import deb_key
from slipway.errors import StoreError
from slipway.inputs.pinned import file_fragment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from slipway.build.resolve import Inputs
    from slipway.distro.model import Deb
    from slipway.events import Reporter
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.python.model import Dist
    from slipway.settings import Settings

T = TypeVar("T")


class Workshop:
    """Makes the fragments of one platform's inputs, by part key."""

    def __init__(self, inputs: Inputs, cache: FragmentCache, settings: Settings, reporter: Reporter) -> None:
        self.inputs = inputs
        self.cache = cache
        self.settings = settings
        self.reporter = reporter

    def debs(self, wanted: Sequence[Deb], clamp: int | None) -> list[Fragment]:
        """One fragment for each package, in order."""
        from slipway.distro.deb import deb_fragment
        from slipway.distro.mirror import find_mirror
        from slipway.inputs.download import Download, download_all

        keys = [deb_key(self.cache, d.sha256, clamp=clamp) for d in wanted]
        missing = [d for d, key in zip(wanted, keys, strict=True) if not self.cache.has(key)]
        paths: list[Path] = []
        if missing:
            mirror = find_mirror(self.settings)  # knows credentials, which no resolution holds
            items = [Download(mirror.address(d.url), d.sha256, d.size, d.name) for d in missing]
            paths = download_all(items, self.settings, self.reporter, what="Debian packages")
        self._convert(
            "packages to fragments",
            zip(missing, paths, strict=True),
            len(missing),
            lambda pair: deb_fragment(self.cache, pair[0], pair[1], clamp=clamp),
        )
        return [self._get(key) for key in keys]

    def dists(self, wanted: Sequence[Dist]) -> list[Fragment]:
        """One fragment for each Python distribution, in order."""
        python, target = self.inputs.python, self.inputs.target
        if python is None or target is None or not wanted:
            return []
        recipe = self.inputs.recipe
        keys = [dist_key(self.inputs, self.cache, d) for d in wanted]
        missing = [d for d, key in zip(wanted, keys, strict=True) if not self.cache.has(key)]
        if not missing:
            return [self._get(key) for key in keys]
        from slipway.python.fetch import fetch
        from slipway.python.wheel import wheel_fragment

        by_name = {d.name: d for d in missing}
        self._convert(
            "wheels to fragments",
            fetch(python, self.settings, self.reporter, pip_config=recipe.pip_config, only=by_name.keys()),
            len(missing),
            lambda wheel: wheel_fragment(
                self.cache,
                wheel[1],
                by_name[wheel[0]],
                target,
                prefix=recipe.workspace.strip("/"),
                requested=wheel[0] in python.requested,
            ),
        )
        return [self._get(key) for key in keys]

    def environment(self) -> Fragment:
        """The virtual environment's own files."""
        if self.inputs.target is None:
            raise ValueError("no Python packages in these inputs")
        from slipway.python.venv import venv_fragment

        return venv_fragment(self.cache, self.inputs.target, self.inputs.recipe.workspace.strip("/"))

    def workspace(self) -> list[Fragment]:
        """The workspace's own files, then one fragment for each item of `files`."""
        recipe = self.inputs.recipe
        prefix = recipe.workspace.strip("/")
        own = workspace.fragment(self.cache, recipe)
        bring_files(self.inputs, self.cache, self.settings, self.reporter, prefix)
        return [own, *(file_fragment(self.cache, f, prefix) for f in self.inputs.files)]

    def _get(self, key: str) -> Fragment:
        fragment = self.cache.get(key)
        if fragment is None:
            raise StoreError("a fragment left the cache while it was in use", hint="build again")
        return fragment

    def _convert(self, what: str, items: Iterable[T], total: int, convert: Callable[[T], Fragment]) -> None:
        """Convert on all cores, each item as soon as it comes; the first error stops the rest."""
        if not total:
            return
        from concurrent.futures import ThreadPoolExecutor, as_completed

        with (
            self.reporter.step(what, total=total) as step,
            ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        ):
            pending = []
            try:
                for item in items:
                    pending.append(pool.submit(convert, item))
                    pending[-1].add_done_callback(lambda _: step.advance())
                for done in as_completed(pending):
                    done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
