"""Bring in what was resolved: wheels are downloaded, and meanwhile source distributions are built."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from slipway.errors import FetchError
from slipway.python import index as indexes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.python.index import Index
    from slipway.python.model import Dist, PythonResolution
    from slipway.settings import Settings

_BUILDS = 2  # at a time: they compete with each other and with conversions for processors


def fetch(
    resolution: PythonResolution,
    settings: Settings,
    reporter: Reporter,
    *,
    pip_config: str = "",
    only: Collection[str] | None = None,
) -> Iterator[tuple[str, Path]]:
    """Canonical name and wheel file of each of the resolution, or `only` some names; what is ready first comes first.

    `FetchError`, `VerifyError` as `slipway.inputs.download` has them; `ToolError` and `NotYetError` for source
    distributions that cannot be built here.
    """
    index = indexes.load(settings, reporter, pip_config)
    wanted = [d for d in resolution.dists if only is None or d.name in only]
    wheels = [d for d in wanted if not d.sdist]
    sources = [d for d in wanted if d.sdist]
    with ThreadPoolExecutor(min(_BUILDS, settings.threads)) as pool:
        try:
            built = {pool.submit(_build, dist, index, settings, reporter): dist for dist in sources}
            yield from zip((d.name for d in wheels), download(wheels, index, settings, reporter), strict=True)
            for done in as_completed(built):
                yield built[done].name, done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def download(dists: Sequence[Dist], index: Index, settings: Settings, reporter: Reporter) -> list[Path]:
    """The files of `dists`, in their order."""
    from slipway.inputs.download import Download, download_all, is_present, path_of

    lost = [d for d in dists if not d.url and not is_present(path_of(d.sha256, settings))]
    if lost:  # see `slipway.lock.kept`
        raise FetchError(
            f"{lost[0].filename} came from a directory of the machine that built the image, and is not here",
            hint="build from a recipe and its own lock, on a machine that has the file",
        )
    items = [Download(index.with_credentials(d.url), d.sha256, d.size, d.filename) for d in dists]
    return download_all(items, settings, reporter, what="download Python packages")


def _build(dist: Dist, index: Index, settings: Settings, reporter: Reporter) -> Path:
    from slipway.python.sdist import build_pure_wheel

    (archive,) = download([dist], index, settings, reporter)
    return build_pure_wheel(archive, dist, settings, reporter, index=index)
