"""Which files fit the target, and which of them is best (PyPA specification: platform compatibility tags)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.tags import Tag

    from slipway.python.model import PythonTarget

_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_OLDEST = {"x86_64": 5, "aarch64": 17}  # the 2.x with which manylinux began on the machine
# What uv can be told with --python-platform, as minor numbers of glibc 2.x.
_UV = (17, 28, *range(31, 41))


def platforms(target: PythonTarget) -> Iterator[str]:
    """Platform tags of the target, best first."""
    machine = target.machine
    major, newest = target.libc
    yield f"linux_{machine}"  # built on such a machine, so first: the order of `packaging.tags`
    for minor in range(newest, _OLDEST[machine] - 1, -1):
        yield f"manylinux_{major}_{minor}_{machine}"
        if legacy := _LEGACY.get((major, minor)):
            yield f"{legacy}_{machine}"


@lru_cache(maxsize=8)
def of_target(target: PythonTarget) -> dict[Tag, int]:
    """Every tag that the target can install, with its rank: 0 is best. Not to be changed by the caller."""
    from packaging import tags

    known = list(platforms(target))
    both = [
        *tags.cpython_tags(target.pair, [target.tag], known),
        *tags.compatible_tags(target.pair, target.tag, known),
    ]
    return {tag: rank for rank, tag in reversed(list(enumerate(both)))}


def best(filenames: Iterable[str], ranks: dict[Tag, int]) -> str | None:
    """The wheel that pip would take: best tag, then highest build number. None when none fits."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    found: list[tuple[int, tuple[int, str], str]] = []
    for filename in filenames:
        try:
            _, _, build, tags = parse_wheel_filename(filename)
        except InvalidWheelFilename:
            continue
        if fitting := [ranks[tag] for tag in tags if tag in ranks]:
            found.append((-min(fitting), build or (-1, ""), filename))
    return max(found)[2] if found else None


def uv_platform(target: PythonTarget) -> str:
    """The newest platform uv knows that the target can run, as `--python-platform` takes it."""
    major, newest = target.libc
    fitting = [minor for minor in _UV if (2, minor) <= (major, newest)]
    return f"{target.machine}-manylinux_2_{max(fitting, default=_UV[0])}"
