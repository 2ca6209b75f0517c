"""Fetch and convert Python packages while uv still chooses: what it looks into, it takes in most cases.

uv tells which files it asks an index for. The first of each project is fetched at once, and `Convert` is done with
it. All this puts files and fragments only where they would be anyway, under the same keys: a wrong guess
costs the time of processors that were idle, and what fails here is done again, and fails again, where it matters.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from slipway.patterns import pattern
from slipway.python.model import Dist
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from slipway.events import Reporter
    from slipway.python.index import Index
    from slipway.python.model import PythonTarget
    from slipway.settings import Settings

    Convert = Callable[["Dist", "Path", "Wish"], object]

_NICE = 5  # a third of the share of others

# uv's words for a request that nothing in its cache could answer: of a file, or of its METADATA alone (PEP 658)
_ASKED = pattern(
    r"DEBUG Sending fresh (?:GET|HEAD) request for: (https?://[^\s?#]+?)(?:\.metadata)?(?:[?#]\S*)?$"
)


@value
class Wish:
    """What packages are wanted for: where they come from, which Python, and the canonical names that were asked for."""

    index: Index
    target: PythonTarget
    requested: Collection[str]


class Ahead:
    """Use it in `with`: what goes on at the end of the block is given up. It costs nothing before uv is listened to.

    `stopped` is set then, for those whose work would take long.
    """

    def __init__(self, convert: Convert, settings: Settings, reporter: Reporter) -> None:
        self.stopped = threading.Event()
        self._convert = convert
        self._settings = settings
        self._reporter = reporter
        self._crew: _Crew | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        if self._crew:
            self._crew.stop()

    def listener(
        self, index: Index, target: PythonTarget, requested: Collection[str]
    ) -> Callable[[str], None] | None:
        """What has to hear each line that uv writes; None where nothing may be fetched."""
        if self._settings.offline:
            return None
        wish = Wish(index, target, frozenset(requested))
        crew = self._crew = self._crew or _Crew(self._convert, self._settings, self._reporter)

        def hear(line: str) -> None:
            if (asked := _ASKED.match(line)) and (dist := named(asked[1])):
                crew.take(dist, wish)

        return hear

    def fetched(self, dists: Collection[Dist]) -> None:
        """Wait for the files of these, as far as they are on their way; of others nothing more is begun."""
        if self._crew:
            self._crew.fetched({d.filename for d in dists})

    def under_way(self, dist: Dist) -> bool:
        """Whether it is being converted, or was; `fetched` has been called with it."""
        return self._crew is not None and dist.filename in self._crew.work

    def converted(self) -> None:
        """Wait for all that is being converted."""
        if self._crew:
            self._crew.converted()


class _Crew:
    """Threads that fetch and threads that convert. Of a project only the first file is taken."""

    def __init__(self, convert: Convert, settings: Settings, reporter: Reporter) -> None:
        from concurrent.futures import ThreadPoolExecutor
        from contextlib import ExitStack

        from slipway.inputs.transfer import Progress
        from slipway.net import CONNECTIONS, Client

        self.work: dict[str, Future[object]] = {}
        self._convert = convert
        self._settings = settings
        self._client = Client(settings)
        self._step = reporter.step("download Python packages", "ahead", unit="bytes")
        self._progress = Progress(self._step)
        self._shown = ExitStack()  # the step, from the first file on
        self._fetchers = ThreadPoolExecutor(min(settings.threads, CONNECTIONS))
        self._workers = ThreadPoolExecutor(os.cpu_count() or 1, initializer=_behind)
        self._files: dict[str, Future[None]] = {}
        self._names: set[str] = set()
        self._wanted: Collection[str] | None = None  # None: not known yet

    def take(self, dist: Dist, wish: Wish) -> None:
        if dist.name in self._names:
            return
        if not self._names:
            self._shown.enter_context(self._step)
        self._names.add(dist.name)
        self._files[dist.filename] = self._fetchers.submit(self._fetch, dist, wish)

    def fetched(self, wanted: Collection[str]) -> None:
        from concurrent.futures import wait

        self._wanted = wanted
        for futures in (self._files, dict(self.work)):
            for name, future in futures.items():
                if name not in wanted:
                    future.cancel()
        wait([future for name, future in self._files.items() if name in wanted])
        self._shown.close()

    def converted(self) -> None:
        from concurrent.futures import wait

        wait([future for future in self.work.values() if not future.cancelled()])

    def stop(self) -> None:
        self._shown.close()
        self._client.abort()
        for pool in (self._fetchers, self._workers):
            pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _fetch(self, dist: Dist, wish: Wish) -> None:
        from slipway.inputs.download import Download, fetch

        item = Download(wish.index.with_credentials(dist.url), name=dist.filename)
        path = fetch(item, self._client, self._settings, self._progress)
        if self._wanted is None or dist.filename in self._wanted:
            known = replace(dist, sha256=path.name, size=path.stat().st_size)
            self.work[dist.filename] = self._workers.submit(self._convert, known, path, wish)


def _behind() -> None:
    """Let this thread, and what it starts, come after uv, whose answer everybody waits for (setpriority(2), Notes)."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def named(url: str) -> Dist | None:
    """The distribution whose file is at `url`, as far as its name tells; None when it is none."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    filename = unquote(urlsplit(url).path).rpartition("/")[2]
    try:
        if filename.endswith(".whl"):
            name, version, _, _ = parse_wheel_filename(filename)
            return Dist(name, str(version), filename, url, "")
        name, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return Dist(name, str(version), filename, url, "", sdist=True)
