"""Documents in a directory, a zip archive, or one file; on this machine, or brought from the web."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError, UsageError
from slipway.inputs.fileurl import file_path, is_file
from slipway.net_errors import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.events import Reporter
    from slipway.settings import Settings

MOST_BYTES: Final = 16 << 20  # of one document, where its reader allows no more
_MOST_FILES: Final = 4_000_000  # OSV's largest archive has a quarter of a million
YAML: Final = (".yaml", ".yml")
_ENDS: Final = (".json", *YAML)
_ZIP: Final = b"PK\3\4"  # APPNOTE.TXT 4.3.7; what tells that it is whole is at the end


@dataclass(frozen=True, slots=True)
class Place:
    """Where documents are now. `shown` is for people; `version` tells what was brought, empty for what was here."""

    path: Path
    shown: str
    version: str = ""


def bring(source: str, settings: Settings, reporter: Reporter, now: float) -> Place:
    """A path stays where it is; what is at an address is fetched, unless the server says that it is the same as before."""
    if is_file(source):
        source = str(file_path(source))
    if "://" not in source:
        return Place(Path(source), source)
    from slipway.inputs.kept import path_of
    from slipway.inputs.memory import Memories
    from slipway.inputs.web import fetch_web
    from slipway.net import Client

    with Client(settings) as client:
        brought = fetch_web(source, client, reporter, Memories(settings, refresh=True, now=now))
    return Place(path_of(brought.sha256, settings), redact(source), brought.sha256[:12])


def documents(path: Path, most: int = MOST_BYTES) -> Iterator[tuple[str, bytes]]:
    """Where each is, and its bytes, in order of their paths; hidden files and those of other kinds are passed over.

    `InputError` for what is damaged or has more than `most` bytes.
    """
    if path.is_dir():
        yield from _in_directory(path, most)
    elif not path.is_file():
        raise UsageError(f"there is no file or directory {path}")
    elif zipfile.is_zipfile(path):
        yield from _in_archive(path, most)
    elif _begins(path, _ZIP):
        raise InputError(f"{path} is a zip archive that is damaged or ends early", hint="bring it again")
    else:
        yield str(path), _limited(path, most)


def _in_directory(path: Path, most: int) -> Iterator[tuple[str, bytes]]:
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            place = Path(folder, name)
            if name.endswith(_ENDS) and not name.startswith(".") and place.is_file():
                yield str(place), _limited(place, most)


def _begins(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _limited(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return _bounded(file.read(most + 1), str(path), most)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _in_archive(path: Path, most: int) -> Iterator[tuple[str, bytes]]:
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
                    yield place, _bounded(file.read(most + 1), place, most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(f"{path} is not a readable zip archive: {error}") from error


def _bounded(data: bytes, place: str, most: int) -> bytes:
    if len(data) > most:
        raise InputError(f"{place} has more than the {most} bytes allowed")
    return data
