"""Make the fragments that layers need and the cache lacks: fetch what is missing, convert it on all cores."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from slipway.build import workspace
from slipway.build.installation import entrypoint, records, written
from slipway.build.installation.init import init_fragment, init_key
from slipway.build.layers import dist_key
from slipway.build.missing import bring_files
from slipway.distro.keys import deb_key
from slipway.errors import StoreError
from slipway.inputs.pinned import file_fragment
from slipway.inputs.repository import repository_fragment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from slipway.build.pythonparts import Making
    from slipway.build.resolve import Inputs
    from slipway.distro.model import Deb
    from slipway.events import Reporter
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.python.ahead import Ahead
    from slipway.python.compiled import Root
    from slipway.python.model import Dist, PythonResolution, PythonTarget
    from slipway.settings import Settings

T = TypeVar("T")


class Workshop:
    """Makes the fragments of one platform's inputs, by part key."""

    def __init__(
        self,
        inputs: Inputs,
        cache: FragmentCache,
        settings: Settings,
        reporter: Reporter,
        ahead: Ahead | None = None,
        root: Callable[[], AbstractContextManager[Root]] | None = None,
    ) -> None:
        """What `ahead` is at work on is left to it. `root` gives the file system that Python packages are compiled in."""
        self._root = root
        self.inputs = inputs
        self.ahead = ahead
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

    @cached_property
    def dists(self) -> dict[str, Fragment]:
        """The fragment of each Python distribution, by its key, in their order."""
        python, target = self.inputs.python, self.inputs.target
        if python is None or target is None:
            return {}
        keys = {dist_key(self.inputs, self.cache, d): d for d in python.dists}
        missing = [d for key, d in keys.items() if not self.cache.has(key)]
        if self.ahead:
            self._make_dists([d for d in missing if not self.ahead.under_way(d)], python, target)
            self.ahead.converted()
            missing = [d for key, d in keys.items() if not self.cache.has(key)]
        self._make_dists(missing, python, target)
        return {key: self._get(key) for key in keys}

    def _make_dists(self, missing: Sequence[Dist], python: PythonResolution, target: PythonTarget) -> None:
        if not missing:
            return
        from slipway.python.fetch import fetch
        from slipway.python.wheel import wheel_fragment

        recipe = self.inputs.recipe
        by_name = {d.name: d for d in missing}
        self._convert(
            "wheels to fragments",
            fetch(
                python,
                self.settings,
                self.reporter,
                pip_config=recipe.pip_config,
                only=by_name.keys(),
                making=self._making(missing),
            ),
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

    def _making(self, dists: Sequence[Dist]) -> Making | None:
        """What makes those that no index has, and those that may have to be compiled."""
        from slipway.build.pythonparts import Making, names_options
        from slipway.oci.fragment import FragmentCache

        inputs = self.inputs
        special = names_options(inputs.recipe) or any(d.sdist or d.path or d.origin for d in dists)
        if self._root is None or not special:
            return None
        if any(
            d.path for d in dists
        ):  # files of the workspace, which a lock only promises; fragments will not do
            prefix = inputs.recipe.workspace.strip("/")
            nothing = FragmentCache(self.settings.cache / "fragments", self.cache.compression, fresh=True)
            inputs = bring_files(inputs, nothing, self.settings, self.reporter, prefix)
        return Making(inputs, self.settings, self.reporter, self._root)

    def environment(self) -> Fragment:
        """The virtual environment's own files."""
        if self.inputs.target is None:
            raise ValueError("no Python packages in these inputs")
        from slipway.python.venv import venv_fragment

        return venv_fragment(self.cache, self.inputs.target, self.inputs.recipe.workspace.strip("/"))

    def workspace(self) -> list[Fragment]:
        """The workspace's own files, then one fragment for each item of `files`."""
        recipe = self.inputs.recipe
        own = [workspace.fragment(self.cache, recipe)]
        if entrypoint.possible(recipe):
            own.append(entrypoint.fragment(self.cache, recipe))
        return [*own, *self.sources]

    @cached_property
    def sources(self) -> list[Fragment]:
        """One fragment for each item of `files` and of `repositories`, and for each tree of an editable Python package from git."""
        prefix = self.inputs.recipe.workspace.strip("/")
        self.inputs = bring_files(self.inputs, self.cache, self.settings, self.reporter, prefix)
        return [
            *(file_fragment(self.cache, f, prefix) for f in self.inputs.files),
            *(repository_fragment(self.cache, r, prefix) for r in self.inputs.repositories),
            *(file_fragment(self.cache, f, prefix) for f in self.inputs.sources),
        ]

    def installation(self) -> list[Fragment]:
        """What the image says of itself."""
        recipe = written.fragment(self.cache, self.inputs.recipe)
        if known := self.cache.get(records.key(self.cache, self.inputs)):
            return [recipe, known]
        own = len(self.inputs.files) + len(
            self.inputs.repositories
        )  # what pip would bring is not looked into
        return [recipe, records.fragment(self.cache, self.inputs, self.sources[:own], self.reporter)]

    def init(self) -> Fragment:
        """The init for a base image that has none."""
        deb = self.inputs.init.deb if self.inputs.init else None
        if deb is None:
            raise ValueError("no init in these inputs")
        if known := self.cache.get(init_key(self.cache, deb)):
            return known
        from slipway.distro.mirror import find_mirror
        from slipway.inputs.download import Download, download_all

        item = Download(find_mirror(self.settings).address(deb.url), deb.sha256, deb.size, deb.name)
        (path,) = download_all([item], self.settings, self.reporter, what="Debian packages")
        return init_fragment(self.cache, deb, path)

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
