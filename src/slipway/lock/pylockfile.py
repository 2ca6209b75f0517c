"""The pylock file of a lock (PyPA specification: pylock.toml): for each package the one file that is installed.

Other tools can install from it, on the platform it is for; Slipway reads back from it what it wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.errors import LockError
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
    size = f", size = {dist.size}" if dist.size else ""
    file = (
        f"{{ name = {quoted(dist.filename)}, url = {quoted(dist.url)}{size},"
        f" hashes = {{ sha256 = {quoted(dist.sha256)} }} }}"
    )
    return f"sdist = {file}" if dist.sdist else f"wheels = [{file}]"


def _row(package: dict[str, Any]) -> dict[str, Any]:
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
