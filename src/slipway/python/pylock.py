"""Read a pylock.toml (PyPA specification: pylock.toml, Packages) and choose for each package the file to install."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from slipway.errors import NotYetError, ResolveError
from slipway.python import tags
from slipway.python.index import scrub_url
from slipway.python.model import Dist, Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.python.model import PythonTarget


def choose(
    text: str, target: PythonTarget, keeps: Callable[[str, str], bool] = lambda _name, _sha256: True
) -> tuple[Dist, ...]:
    """The distributions of a lock for one target, sorted by name. `keeps` tells by name and hash which files may be taken.

    `ResolveError` when a package has neither a wheel that fits nor a source distribution; `NotYetError` for
    packages from a version control system or a directory.
    """
    ranks = tags.of_target(target)
    lock = tomllib.loads(text)
    chosen = (_choose(p, target, ranks, keeps) for p in lock.get("packages", ()))
    return tuple(sorted(chosen, key=lambda d: d.name))


def _choose(
    package: dict[str, Any],
    target: PythonTarget,
    ranks: dict[Any, int],
    keeps: Callable[[str, str], bool],
) -> Dist:
    from packaging.utils import canonicalize_name

    name = canonicalize_name(package["name"])
    for kind, what in (("vcs", "a version control system"), ("directory", "a directory")):
        if kind in package:
            raise NotYetError(
                f"{name} is wanted from {what} by another package",
                hint="add it to the requirements yourself",
            )
    wheels = {_filename(w): w for w in package.get("wheels", ()) if keeps(name, _sha256(w))}
    source = package.get("sdist")
    if source and not keeps(name, _sha256(source)):
        source = None
    origin = None
    if archive := package.get("archive"):
        origin = Origin("archive", _url(archive), _sha256(archive))
        wheels = {_filename(archive): archive} if _filename(archive).endswith(".whl") else {}
        source = None if wheels else archive
    version = str(package.get("version", ""))
    filename = tags.best(wheels, ranks)
    if filename is not None:
        return _dist(name, version or filename.split("-")[1], wheels[filename], sdist=False, origin=origin)
    if source is not None:
        return _dist(name, version, source, sdist=True, origin=origin)
    raise ResolveError(
        f"{name} {version} has no wheel for Python {target.short} on {target.arch} with glibc "
        f"{'.'.join(map(str, target.libc))}, and no source distribution",
        details="there is: " + ", ".join(sorted(wheels)) if wheels else "it has no files at all",
    )


def _dist(
    name: str, version: str, file: dict[str, Any], *, sdist: bool, origin: Origin | None = None
) -> Dist:
    filename = _filename(file)
    sha256 = _sha256(file)
    if not sha256:
        raise ResolveError(f"the index gives no sha256 for {filename}, so that it cannot be checked")
    return Dist(name, version, filename, _url(file), sha256, int(file.get("size", 0)), sdist, origin=origin)


def _sha256(file: dict[str, Any]) -> str:
    return str(file.get("hashes", {}).get("sha256", "")).lower()


def _url(file: dict[str, Any]) -> str:
    if url := file.get("url"):
        return scrub_url(str(url))
    return Path(file["path"]).as_uri()


def _filename(file: dict[str, Any]) -> str:
    if name := file.get("name"):
        return str(name)
    return unquote(urlsplit(_url(file)).path).rpartition("/")[2]
