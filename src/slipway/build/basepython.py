"""Which Python a base image has: found by its PATH, told by its names. Pure: nothing of the image is run.

Where the exact version is written, by how an interpreter came to be where it is: Debian's package database; PYTHON_VERSION,
which Docker's official images set; the records in `conda-meta`; the names of the directories that uv unpacks to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slipway.build.config import PATH
from slipway.oci.follow import follow
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.oci.entry import Entry

# `platform-python3.6` is Red Hat's; a `t` at the end means an interpreter without the global lock, whose ABI is another.
_NAME = pattern(r"(?:platform-)?python(3\.\d+)(t?)\Z")
_LIBRARY = pattern(r"lib(?:64)?/python(3\.\d+)/os\.py\Z")
_UV = pattern(r"\bcpython-(3\.\d+\.\d+)\b")


def find_python(
    paths: Mapping[str, Entry], env: Mapping[str, str], packages: Mapping[str, str]
) -> tuple[tuple[str, str] | None, str]:
    """What `python3` means in an image: (version, absolute path of the interpreter), or None.

    `paths` are the image's entries, `env` its environment, `packages` the upstream versions of its Debian packages. The
    version is `3.12.4`, or `3.12` where the rest is not known. The second value says why no packages can be chosen for
    what is there; else it is empty.
    """
    for directory in env.get("PATH", PATH).split(":"):
        real = follow(paths, f"{directory}/python3") if directory.startswith("/") else ""
        if real and paths[real].kind in ("file", "link"):
            return _identify(real, paths, env, packages)
    return None, ""


def _identify(
    real: str, paths: Mapping[str, Entry], env: Mapping[str, str], packages: Mapping[str, str]
) -> tuple[tuple[str, str] | None, str]:
    directory, _, name = real.rpartition("/")
    prefix = f"{directory}/".removesuffix("bin/")
    if "pypy" in name:
        return None, f"its python3 is PyPy (/{real}), and packages are chosen for CPython"
    match = _NAME.match(name)
    if match and match[2]:
        return (
            None,
            f"its python3 is without the global lock (/{real}), and packages are chosen for CPython with it",
        )
    # where the name tells nothing, the standard library beside it does
    known = {match[1]} if match else {m[1] for p in _below(paths, prefix) if (m := _LIBRARY.match(p))}
    if len(known) != 1:
        return None, f"the version of its python3 (/{real}) cannot be told"
    series = known.pop()
    full = re.compile(re.escape(series) + r"\.\d+")
    for version in _versions(real, prefix, series, paths, env, packages):
        if full.fullmatch(version):
            return (version, f"/{real}"), ""
    return (series, f"/{real}"), ""


def _versions(
    real: str,
    prefix: str,
    series: str,
    paths: Mapping[str, Entry],
    env: Mapping[str, str],
    packages: Mapping[str, str],
) -> Iterator[str]:
    if prefix in ("usr/", ""):
        yield packages.get(f"python{series}-minimal", "")
        return
    yield from _UV.findall(real)
    record = re.compile(rf"conda-meta/python-({re.escape(series)}\.\d+)-[^/]*\.json")
    yield from (m[1] for p in _below(paths, prefix) if (m := record.fullmatch(p)))
    yield env.get("PYTHON_VERSION", "")


def _below(paths: Mapping[str, Entry], prefix: str) -> Iterator[str]:
    return (p.removeprefix(prefix) for p in paths if p.startswith(prefix))
