"""Bring in what was resolved: wheels are downloaded, and meanwhile source distributions are built."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Protocol

from slipway.errors import FetchError, NotYetError, ToolError
from slipway.python import index as indexes
from slipway.python.model import CompilingNeeded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from slipway.errors import SlipwayError
    from slipway.events import Reporter
    from slipway.python.index import Index
    from slipway.python.model import Dist, PythonResolution
    from slipway.settings import Settings

_BUILDS = 2  # at a time: they compete with each other and with conversions for processors


class Making(Protocol):
    """What is needed for distributions that are no files of an index, or no wheels for everybody."""

    def index(self, index: Index) -> Index:
        """`index` with those that requirement files name."""
        ...

    def bring(self, dist: Dist) -> None:
        """Put the archive of a distribution among the downloads."""

    def wheel(self, archive: Path, dist: Dist, index: Index) -> Path:
        """The wheel of an editable distribution, or of one that has to be compiled."""
        ...


def fetch(
    resolution: PythonResolution,
    settings: Settings,
    reporter: Reporter,
    *,
    pip_config: str = "",
    only: Collection[str] | None = None,
    making: Making | None = None,
) -> Iterator[tuple[str, Path]]:
    """Canonical name and wheel file of each of the resolution, or `only` some names; what is ready first comes first.

    `making` makes what is not from an index, editable, or to be compiled. When it is found out of a distribution that it has to be
    compiled, `CompilingNeeded` comes after all others. `FetchError`, `VerifyError` as `slipway.inputs.download`
    has them; `ToolError` and `NotYetError` for source distributions that cannot be built here.
    """
    index = indexes.load(settings, reporter, pip_config)
    wanted = [d for d in resolution.dists if only is None or d.name in only]
    if making:
        index = making.index(index)
        for dist in wanted:
            if dist.path or dist.origin:
                making.bring(dist)
    wheels = [d for d in wanted if not d.sdist]
    sources = [d for d in wanted if d.sdist]
    with ThreadPoolExecutor(min(_BUILDS, settings.threads)) as pool:
        try:
            built = {pool.submit(_build, dist, index, settings, reporter, making): dist for dist in sources}
            yield from zip((d.name for d in wheels), download(wheels, index, settings, reporter), strict=True)
            unfit: dict[str, SlipwayError] = {}
            for done in as_completed(built):
                try:
                    wheel = done.result()
                except (NotYetError, ToolError) as error:
                    if making is None or _is_special(built[done]):
                        raise
                    unfit[built[done].name] = error
                else:
                    yield built[done].name, wheel
            if unfit:
                raise CompilingNeeded(unfit)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def download(dists: Sequence[Dist], index: Index, settings: Settings, reporter: Reporter) -> list[Path]:
    """The files of `dists`, in their order."""
    from slipway.inputs.download import Download, download_all
    from slipway.inputs.kept import is_present, path_of

    lost = [d for d in dists if not d.url and not is_present(path_of(d.sha256, settings))]
    if lost:  # see `slipway.lock.kept`
        raise FetchError(
            f"{lost[0].filename} came from a directory of the machine that built the image, and is not here",
            hint="build from a recipe and its own lock, on a machine that has the file",
        )
    items = [Download(index.with_credentials(d.url), d.sha256, d.size, d.filename) for d in dists]
    return download_all(items, settings, reporter, what="download Python packages")


def _is_special(dist: Dist) -> bool:
    return bool(dist.root or (dist.origin and dist.origin.editable))


def _build(dist: Dist, index: Index, settings: Settings, reporter: Reporter, making: Making | None) -> Path:
    from slipway.python.sdist import build_pure_wheel

    (archive,) = download([dist], index, settings, reporter)
    if making and _is_special(dist):
        return making.wheel(archive, dist, index)
    return build_pure_wheel(archive, dist, settings, reporter, index=index)
