"""Uploads in parts to a local storage: each part a file, until all are put together."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from slipway.errors import InputError
from slipway.service.artifacts.model import ArtifactError, MissingError, Upload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from slipway.service.artifacts.localindex import Index

_MOST: Final = 10_000
_PIECE: Final = 1 << 20


class Parts:
    """The part's ETag (the MD5 of its bytes) is in the name of its file, so that a killed service knows what it has."""

    def __init__(self, root: Path, index: Index) -> None:
        self._root = root
        self._index = index

    def begin(self, bucket: str, key: str, content_type: str, metadata: dict[str, str], now: int) -> str:
        upload = str(uuid4())
        (self._root / upload).mkdir()
        with self._index.writing() as connection:
            connection.execute(
                "INSERT INTO uploads (id, bucket, key, content_type, metadata, begun) VALUES (?, ?, ?, ?, ?, ?)",
                (upload, bucket, key, content_type, json.dumps(metadata), now),
            )
        return upload

    def put(self, bucket: str, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> str:
        from slipway.service.artifacts.local import write

        if not 1 <= number <= _MOST:
            raise InputError(f"there is no part {number}: parts are numbered from 1 to {_MOST}")
        self._known(bucket, key, upload)
        digest = hashlib.md5(usedforsecurity=False)
        path = self._root / upload / f".{uuid4()}"

        def hashed() -> Iterator[bytes]:
            for chunk in chunks:
                digest.update(chunk)
                yield chunk

        try:
            write(path, hashed())
            for old in path.parent.glob(f"{number:05}-*"):
                old.unlink()
            path.replace(path.with_name(f"{number:05}-{digest.hexdigest()}"))
        except OSError as error:
            raise ArtifactError(f"part {number} cannot be kept: {error.strerror}", again=True) from error
        finally:
            path.unlink(missing_ok=True)
        return digest.hexdigest()

    def present(self, bucket: str, key: str, upload: str) -> dict[int, tuple[int, str]]:
        self._known(bucket, key, upload)
        found = sorted(path for path in (self._root / upload).iterdir() if not path.name.startswith("."))
        return {int(path.name[:5]): (path.stat().st_size, path.name[6:]) for path in found}

    def check(
        self, bucket: str, key: str, upload: str, parts: Sequence[tuple[int, str]]
    ) -> tuple[str, str, dict[str, str]]:
        """ETag, content type and metadata of the whole; `InputError` when these are not its parts, in order."""
        content_type, metadata = self._known(bucket, key, upload)
        os.utime(self._root / upload)  # nobody gives up what is put together
        here = self.present(bucket, key, upload)
        numbers = [number for number, _ in parts]
        if not parts or numbers != sorted(set(numbers)):
            raise InputError("the parts of an upload have to be told in order, each once")
        for number, etag in parts:
            if number not in here or here[number][1] != etag.strip('"'):
                raise InputError(f"part {number} of the upload is not here, or has another ETag")
        joined = b"".join(bytes.fromhex(here[number][1]) for number in numbers)
        digest = hashlib.md5(joined, usedforsecurity=False).hexdigest()
        return f"{digest}-{len(parts)}", content_type, metadata

    def chunks(self, upload: str, numbers: Sequence[int]) -> Iterator[bytes]:
        for number in numbers:
            [path] = (self._root / upload).glob(f"{number:05}-*")
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece

    def every(self, bucket: str, prefix: str) -> list[Upload]:
        query = "SELECT key, id, begun FROM uploads WHERE bucket = ? AND substr(key, 1, ?) = ?"
        rows = self._index.rows(query, (bucket, len(prefix), prefix))
        return [Upload(bucket, key, upload, begun * 1_000_000) for key, upload, begun in rows]

    def drop(self, bucket: str, key: str, upload: str) -> None:
        with suppress(MissingError):
            self._known(bucket, key, upload)
            self._remove(upload)

    def give_up(self, before: float) -> int:
        """Remove those that had no byte since that time (seconds since 1970), also folders of which nothing is known; their number."""
        old = [path for path in self._root.iterdir() if path.is_dir() and _changed(path) < before]
        for path in old:
            self._remove(path.name)
        return len(old)

    def _remove(self, upload: str) -> None:
        """First the bytes: where the disk is full, the index cannot be written to before they are gone."""
        folder = self._root / upload
        for path in list(folder.iterdir()) if folder.exists() else ():
            path.unlink(missing_ok=True)
        with self._index.writing() as connection:
            connection.execute("DELETE FROM uploads WHERE id = ?", (upload,))
        shutil.rmtree(folder, ignore_errors=True)

    def _known(self, bucket: str, key: str, upload: str) -> tuple[str, dict[str, str]]:
        query = "SELECT content_type, metadata FROM uploads WHERE id = ? AND bucket = ? AND key = ?"
        rows = self._index.rows(query, (upload, bucket, key))
        if not rows:
            raise MissingError(f"there is no upload {upload[:40]!r} for s3://{bucket}/{key}")
        return rows[0][0], json.loads(rows[0][1])


def _changed(folder: Path) -> float:
    """When something in it came or went, or was written to."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return float("inf")  # somebody is at work in it
