"""Python packages, begun before it is known which they are, and for which Python.

Reading a base image takes seconds, and mostly its configuration or its name tells which Python is in it. So the
index is asked for that one at once. What the layers say decides: if it is something else, the index is asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from slipway.aside import aside
from slipway.errors import SlipwayError
from slipway.patterns import pattern
from slipway.python.ahead import Ahead
from slipway.python.model import PythonTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slipway.build.base import BaseImage
    from slipway.build.model import Options
    from slipway.events import Reporter
    from slipway.lock.held import Held
    from slipway.oci.fragment import FragmentCache
    from slipway.python.ahead import Wish
    from slipway.python.model import Dist
    from slipway.python.resolve import Answer
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings

T = TypeVar("T")

_VERSION = pattern(r"3\.\d+\.\d+\Z")
_TAG = pattern(r"(?:^|[/-])python:(?:python)?(3\.\d+(?:\.\d+)?)(?![\d.])")
_GLIBC = (2, 40)  # what is guessed is only to be new enough for the wheels that are chosen


def ahead_of(recipe: Recipe, cache: FragmentCache, settings: Settings, reporter: Reporter) -> Ahead:
    """Makes fragments of the files that uv looks at, as `slipway.build.fragments` makes those of what it chose."""
    prefix = recipe.workspace.strip("/")

    def convert(dist: Dist, path: Path, wish: Wish) -> None:
        from slipway.python.sdist import build_pure_wheel
        from slipway.python.wheel import wheel_fragment

        if dist.sdist:
            path = build_pure_wheel(path, dist, settings, reporter, index=wish.index, stop=ahead.stopped)
        requested = dist.name in wish.requested
        wheel_fragment(cache, path, dist, wish.target, prefix=prefix, requested=requested)

    ahead = Ahead(convert, settings, reporter)
    return ahead


def ask_early(
    recipe: Recipe,
    image: BaseImage,
    arch: str,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    held: Held,
    ahead: Ahead | None,
) -> Answer | None:
    """What uv says for the Python that the base image most likely has; None when nobody can tell, or uv refuses.

    It is asked only for packages of an index: for all others the workspace may have to be known. The image has been
    looked into afterwards; errors are those of that.
    """
    likely = likely_target(image, arch)
    if likely is None:
        return None
    from slipway.events import Reporter as Silent
    from slipway.python import index as indexes
    from slipway.python.reqfile import gather
    from slipway.python.request import prepare
    from slipway.python.resolve import ask
    from slipway.python.sources import without_workspace

    def asked() -> Answer | None:
        index, sources = (
            indexes.load(settings, Silent(), recipe.pip_config),
            without_workspace(settings, Silent()),
        )
        wanted = gather(recipe.packages, (), sources.places, settings)
        if not wanted.is_plain:
            return None
        request = prepare(wanted, likely, index, sources, settings)
        return ask(
            request, likely, settings, reporter, refresh=options.refresh, prefer=held.dists, ahead=ahead
        )

    return meanwhile(lambda: image.facts, asked)


def likely_target(image: BaseImage, arch: str) -> PythonTarget | None:
    """The Python that the base image says to have; None when it says nothing.

    Docker's official images and those built on them set PYTHON_VERSION.
    """
    run = image.config.get("config") or {}
    env = dict(e.partition("=")[::2] for e in run.get("Env") or ())
    version = env.get("PYTHON_VERSION", "")
    if not _VERSION.match(version):
        named = _TAG.search(image.name)
        version = named[1] if named else ""
    return PythonTarget(version, "/usr/bin/python3", arch, _GLIBC) if version else None


def meanwhile(look: Callable[[], object], do: Callable[[], T]) -> T | None:
    """What `do` returns, while `look` runs beside it; None when it fails. An error of `look` is raised after it."""
    wait = aside(look)
    try:
        done: T | None = do()
    except SlipwayError:
        done = None
    wait()
    return done
