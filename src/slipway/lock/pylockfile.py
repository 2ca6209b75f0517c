"""The pylock file of a lock (PyPA specification: pylock.toml): for each package the one file that is installed.

Other tools can install from it, on the platform it is for; Slipway reads back from it what it wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from slipway.errors import LockError
from slipway.lock.dists import dist_data
from slipway.lock.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.python.model import Dist, PythonTarget


def render(dists: Iterable[Dist], target: PythonTarget) -> str:
    """The text; the same for the same distributions."""
    machine = f"sys_platform == 'linux' and platform_machine == '{target.machine}'"
    head = (
        'lock-version = "1.0"\ncreated-by = "slipway"\n'
        f"requires-python = {quoted(f'=={target.short}.*')}\nenvironments = [{quoted(machine)}]\n"
    )
    blocks = [
        f"[[packages]]\nname = {quoted(d.name)}\nversion = {quoted(d.version)}\n{_file(d)}\n" for d in dists
    ]
    return "\n".join([head, *blocks])


def rows(text: str) -> list[dict[str, Any]]:
    """The distributions in what `render` gave, in the shape of `slipway.lock.document`; `LockError` otherwise."""
    import tomllib

    try:
        return [_row(package) for package in tomllib.loads(text)["packages"]]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise LockError(f"the pylock file is damaged: {error}") from error


def _file(dist: Dist) -> str:
    if dist.path or dist.origin:
        return f"{_source(dist)}\ntool = {_inline({'slipway': dist_data(dist)})}"
    size = f", size = {dist.size}" if dist.size else ""
    file = (
        f"{{ name = {quoted(dist.filename)}, url = {quoted(dist.url)}{size},"
        f" hashes = {{ sha256 = {quoted(dist.sha256)} }} }}"
    )
    return f"sdist = {file}" if dist.sdist else f"wheels = [{file}]"


def _source(dist: Dist) -> str:
    """Where other tools find what is not from an index: paths are relative to the workspace."""
    origin = dist.origin
    hashes = {"hashes": {"sha256": dist.sha256}}
    if origin is None or (origin.kind == "archive" and dist.path):
        return f"archive = {_inline({'path': dist.path, **hashes})}"
    inner = {"subdirectory": origin.subdirectory} if origin.subdirectory else {}
    if origin.kind == "archive":
        archive = {"url": dist.url, "hashes": {"sha256": origin.sha256}, **inner}
        return f"archive = {_inline(archive)}"
    if origin.kind == "directory":
        path = dist.path or unquote(urlsplit(dist.url).path) or "."
        return f"directory = {_inline({'path': path, 'editable': origin.editable})}"
    asked = {"requested-revision": origin.revision} if origin.revision else {}
    vcs = {"type": "git", "url": origin.url, **asked, "commit-id": origin.commit, **inner}
    return f"vcs = {_inline(vcs)}"


def _inline(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_inline(item)}" for name, item in value.items()) + " }"
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(value) if isinstance(value, str) else str(value)


def _row(package: dict[str, Any]) -> dict[str, Any]:
    if "tool" in package:
        return dict(package["tool"]["slipway"])
    (file,) = [package["sdist"]] if "sdist" in package else package["wheels"]
    size = {"size": file["size"]} if "size" in file else {}
    return {
        "name": package["name"],
        "version": package["version"],
        "filename": file["name"],
        "url": file["url"],
        "sha256": file["hashes"]["sha256"],
        "sdist": "sdist" in package,
        **size,
    }
