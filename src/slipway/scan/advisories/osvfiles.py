"""OSV documents in a directory, a zip archive, or one file: JSON, or YAML as the PyPA writes it."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError, UsageError
from slipway.scan.advisories import fields, osv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.model import Advisory

MOST_BYTES: Final = 16 << 20  # of one document
_MOST_FILES: Final = 4_000_000  # OSV's largest archive has a quarter of a million
_YAML: Final = (".yaml", ".yml")
_ENDS: Final = (".json", *_YAML)


@dataclass
class Source:
    """Where documents are. After reading, `skipped` counts the files that are something else."""

    path: Path
    feed: str
    skipped: int = 0

    def advisories(self) -> Iterator[Advisory]:
        """In order of their paths. `InputError`, naming the file, for what is damaged: one that is left out would not be missed."""
        for place, data in _files(self.path):
            record = _parsed(place, data)
            if not osv.is_advisory(record):
                self.skipped += 1
                continue
            try:
                yield osv.read(record, self.feed)
            except InputError as error:
                raise InputError(f"{place} is not a valid advisory: {error.brief}") from error


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from _in_directory(path)
    elif not path.is_file():
        raise UsageError(f"there is no file or directory {path}")
    elif zipfile.is_zipfile(path):
        yield from _in_archive(path)
    else:
        yield str(path), _limited(path)


def _in_directory(path: Path) -> Iterator[tuple[str, bytes]]:
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            place = Path(folder, name)
            if name.endswith(_ENDS) and not name.startswith(".") and place.is_file():
                yield str(place), _limited(place)


def _limited(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _bounded(file.read(MOST_BYTES + 1), str(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _in_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names in archives become no paths here, and sizes are those that come out, not those that are claimed."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > _MOST_FILES:
                raise InputError(f"{path} holds {len(infos)} files, more than the {_MOST_FILES} allowed")
            for info in sorted(infos, key=lambda info: info.filename):
                hidden = any(part.startswith(".") for part in info.filename.split("/"))
                if info.is_dir() or hidden or not info.filename.endswith(_ENDS):
                    continue
                place = f"{path}: {info.filename}"
                with archive.open(info) as file:
                    yield place, _bounded(file.read(MOST_BYTES + 1), place)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(f"{path} is not a readable zip archive: {error}") from error


def _bounded(data: bytes, place: str) -> bytes:
    if len(data) > MOST_BYTES:
        raise InputError(f"{place} has more than the {MOST_BYTES} bytes allowed")
    return data


def _parsed(place: str, data: bytes) -> Any:
    if not place.endswith(_YAML):
        return fields.document(data, place)
    import yaml

    loader = getattr(
        yaml, "CBaseLoader", yaml.BaseLoader
    )  # all values are text, so times stay as they are written
    try:
        return yaml.load(data, loader)  # noqa: S506 - the base loader makes nothing but text, lists and mappings
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{place} is not valid YAML", details=str(error)[:300]) from error
