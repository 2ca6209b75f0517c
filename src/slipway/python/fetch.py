"""Bring in what was resolved: wheels are downloaded, and meanwhile source distributions are built."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from slipway.python import index as indexes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
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
) -> dict[str, Path]:
    """Wheel files by canonical name, for all of the resolution or `only` some names.

    `FetchError`, `VerifyError` as `slipway.inputs.download` has them; `ToolError` and `NotYetError` for source
    distributions that cannot be built here.
    """
    index = indexes.load(settings, reporter, pip_config)
    wanted = [d for d in resolution.dists if only is None or d.name in only]
    wheels = [d for d in wanted if not d.sdist]
    sources = [d for d in wanted if d.sdist]
    with ThreadPoolExecutor(1) as pool:
        built = pool.submit(_build, sources, index, settings, reporter)
        found = dict(zip((d.name for d in wheels), _download(wheels, index, settings, reporter), strict=True))
        found |= built.result()
    return found


def _download(dists: Sequence[Dist], index: Index, settings: Settings, reporter: Reporter) -> list[Path]:
    from slipway.inputs.download import Download, download_all

    items = [Download(index.with_credentials(d.url), d.sha256, d.size, d.filename) for d in dists]
    return download_all(items, settings, reporter, what="download Python packages")


def _build(dists: Sequence[Dist], index: Index, settings: Settings, reporter: Reporter) -> dict[str, Path]:
    if not dists:
        return {}
    from slipway.python.sdist import build_pure_wheel

    archives = _download(dists, index, settings, reporter)
    with ThreadPoolExecutor(min(_BUILDS, settings.threads)) as pool:
        built = pool.map(
            lambda dist, archive: build_pure_wheel(archive, dist, settings, reporter, index=index),
            dists,
            archives,
        )
        return {dist.name: wheel for dist, wheel in zip(dists, built, strict=True)}
