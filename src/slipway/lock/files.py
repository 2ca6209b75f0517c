"""The lock of a recipe on disk: `image.lock.yaml` beside `image.yaml`, and a pylock file for each platform with Python.

The Python distributions stand in the pylock files alone; the lock names each with its hash.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from slipway.errors import LockError, Where
from slipway.files import atomic
from slipway.lock import pylockfile
from slipway.lock.document import as_dict, from_dict
from slipway.lock.text import render
from slipway.lock.yamlread import parse
from slipway.patterns import pattern

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.lock.model import Lock

_LARGEST = 64 << 20  # bytes; a lock of a thousand packages has less than one
_HEAD = "# Written by `slipway lock`; to be kept with the recipe.\n"
_PYLOCK = pattern(r"pylock\.[A-Za-z0-9_-]+\.toml\Z")


def lock_path(recipe: Path) -> Path:
    return recipe.with_name(f"{recipe.stem}.lock.yaml")


def read_lock(recipe: Path) -> Lock:
    """The lock of the recipe at this path; `LockError` when there is none, or it is damaged."""
    path = lock_path(recipe)
    try:
        data = parse(_read(path))
        for section in _sections(data):
            _fill(section, path)
        return from_dict(data)
    except LockError as error:
        error.where = error.where or Where(str(path))
        error.hint = error.hint or f"`slipway lock {recipe.name}` writes it anew"
        raise


def write_lock(recipe: Path, lock: Lock) -> list[Path]:
    """Write the files of the lock, those that others refer to first; returns them, the lock itself last.

    A pylock file of a platform that the recipe no longer has is removed.
    """
    path = lock_path(recipe)
    data = as_dict(lock)
    stem = re.sub(r"[^A-Za-z0-9_-]", "-", recipe.stem)  # the specification allows no more dots
    written = []
    for locked, section in zip(lock.platforms, data["platforms"], strict=True):
        if locked.python is None or locked.target is None:
            continue
        platform = f"-{locked.platform.replace('/', '-')}" if len(lock.platforms) > 1 else ""
        pylock = path.with_name(f"pylock.{stem}{platform}.toml")
        content = pylockfile.render(locked.python.dists, locked.target).encode()
        del section["python"]["dists"]
        section["python"]["pylock"] = pylock.name
        section["python"]["sha256"] = hashlib.sha256(content).hexdigest()
        _write(pylock, content)
        written.append(pylock)
    before = _named(path)
    _write(path, (_HEAD + render(data)).encode())
    for name in before - {pylock.name for pylock in written}:
        path.with_name(name).unlink(missing_ok=True)
    return [*written, path]


def _write(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        with atomic(path, durable=True) as file:
            file.write(content)


def _named(path: Path) -> set[str]:
    """The pylock files that the lock on disk speaks of, as far as it can be read."""
    try:
        sections = _sections(parse(_read(path)))
    except LockError:
        return set()
    names = (s["python"].get("pylock") for s in sections if isinstance(s.get("python"), dict))
    return {name for name in names if isinstance(name, str) and _PYLOCK.match(name)}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise LockError(f"there is no {path.name}") from error
    except OSError as error:
        raise LockError(f"cannot read {path.name}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise LockError(f"{path.name} is too large for a lock")
    return data


def _sections(data: dict[str, Any]) -> list[dict[str, Any]]:
    platforms = data.get("platforms")
    return [p for p in platforms if isinstance(p, dict)] if isinstance(platforms, list) else []


def _fill(section: dict[str, Any], path: Path) -> None:
    """Put the distributions of the pylock file where `from_dict` looks for them."""
    python = section.get("python")
    if not isinstance(python, dict):
        return
    name = str(python.get("pylock", ""))
    if not _PYLOCK.match(name):
        raise LockError("the lock is damaged: it names no pylock file")
    content = _read(path.with_name(name))
    if hashlib.sha256(content).hexdigest() != python.get("sha256"):
        raise LockError(f"{name} is not the file that the lock was written with")
    try:
        python["dists"] = pylockfile.rows(content.decode())
    except UnicodeDecodeError as error:
        raise LockError(f"{name} is not UTF-8") from error
