"""Artifacts in a local directory: blobs by their SHA-256, and an index that says which object is which blob.

A copy costs nothing, the same bytes are kept once, and no key is ever a path. A blob appears under its name before an object
names it, and goes after the last object has; both while the index is held, so that two processes agree.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal
from uuid import uuid4

from slipway.errors import InputError
from slipway.service.artifacts.incoming import Incoming
from slipway.service.artifacts.localindex import Index, insert
from slipway.service.artifacts.localparts import Parts
from slipway.service.artifacts.model import ArtifactError, ChangedError, MissingError, Stat, check_names
from slipway.service.artifacts.passing import Hashes, Passing
from slipway.service.artifacts.signing import secret, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from slipway.service.artifacts.model import Upload

_PIECE: Final = 1 << 20


class LocalArtifacts:
    """`base` is where the service answers signed addresses. `clock` gives seconds since 1970."""

    def __init__(self, root: Path, base: str = "", clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self.base = base
        self._clock = clock
        try:
            for name in ("blobs", "incoming"):
                (root / name).mkdir(parents=True, exist_ok=True)
            self.secret = secret(root / "secret")
        except OSError as error:
            raise ArtifactError(f"the storage {root} cannot be used: {error.strerror}") from error
        self._index = Index(root / "index.db")
        self._parts = Parts(root / "incoming", self._index)

    def head(self, bucket: str, key: str) -> Stat | None:
        return self._index.get(bucket, key)

    def read(self, bucket: str, key: str, limit: int) -> bytes:
        stat = self._need(bucket, key)
        if stat.size > limit:
            raise InputError(
                f"s3://{bucket}/{key} has {stat.size} bytes, more than the {limit} that are read"
            )
        return b"".join(self._bytes(stat, 0, stat.size))

    def chunks(self, bucket: str, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        stat = self._need(bucket, key)
        return self._bytes(stat, start, stat.size if stop is None else min(stop, stat.size))

    def put(
        self,
        bucket: str,
        key: str,
        chunks: Iterable[bytes],
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        expected: str | None = None,
    ) -> Stat:
        check_names(bucket, key)
        passing = Passing(chunks)
        path = self.root / "incoming" / str(uuid4())
        try:
            write(path, passing)
            return self._store(path, passing, bucket, key, content_type, metadata or {}, expected)
        finally:
            path.unlink(missing_ok=True)

    def incoming(self) -> Incoming:
        """What comes in pieces, with time between them: `receive` each, `keep` it, and close it in any case."""
        with _disk():
            return Incoming(self.root / "incoming")

    def receive(self, incoming: Incoming, piece: bytes) -> None:
        with _disk():
            incoming.write(piece)

    def keep(
        self, incoming: Incoming, bucket: str, key: str, content_type: str, metadata: Mapping[str, str]
    ) -> Stat:
        with _disk():
            incoming.sync()
        return self._store(incoming.path, incoming, bucket, key, content_type, metadata)

    def begin(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        check_names(bucket, key)
        return self._parts.begin(bucket, key, content_type, dict(metadata or {}), int(self._clock()))

    def part(self, bucket: str, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> str:
        return self._parts.put(bucket, key, upload, number, chunks)

    def parts(self, bucket: str, key: str, upload: str) -> dict[int, tuple[int, str]]:
        return self._parts.present(bucket, key, upload)

    def complete(self, bucket: str, key: str, upload: str, parts: Sequence[tuple[int, str]]) -> Stat:
        etag, content_type, metadata = self._parts.check(bucket, key, upload, parts)
        whole = self._parts.chunks(upload, [number for number, _ in parts])
        stat = self.put(bucket, key, whole, content_type=content_type, metadata=metadata)
        stat = replace(stat, etag=etag)  # as S3 makes them, so that clients can tell
        with self._index.writing() as connection:
            insert(connection, stat)
        self.abort(bucket, key, upload)
        return stat

    def abort(self, bucket: str, key: str, upload: str) -> None:
        self._parts.drop(bucket, key, upload)

    def give_up(self, before: float) -> int:
        return self._parts.give_up(before)

    def uploads(self, bucket: str, prefix: str = "") -> Iterator[Upload]:
        return iter(self._parts.every(bucket, prefix))

    def copy(self, source: tuple[str, str], target: tuple[str, str]) -> Stat:
        check_names(*target)
        with self._index.writing() as connection:
            stat = self._need(*source)
            before = self._index.get(*target)
            stat = replace(stat, bucket=target[0], key=target[1], modified=int(self._clock() * 1_000_000))
            insert(connection, stat)
        self._forget(before, stat)
        return stat

    def delete(self, bucket: str, key: str) -> None:
        with self._index.writing() as connection:
            before = self._index.get(bucket, key)
            connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))
        self._forget(before)

    def walk(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stat]:
        return self._index.walk(bucket, prefix, after)

    def sweep(self, age: float = 86400) -> int:
        """Remove what killed processes left: blobs that no object names, and files that came in but `age` seconds ago or more.

        The number of files removed.
        """
        before = self._clock() - age
        blobs = [path for path in (self.root / "blobs").glob("*/*") if _changed(path) < before]
        found = sum(self._collect(path.name) for path in blobs)
        for path in (self.root / "incoming").iterdir():
            if path.is_file() and _changed(path) < before:
                path.unlink(missing_ok=True)
                found += 1
        return found

    def url(self, bucket: str, key: str, seconds: int, method: Literal["GET", "PUT"] = "GET") -> str:
        return signed(self.base, self.secret, method, bucket, key, int(self._clock()) + seconds)

    def check(self) -> None:
        path = self.root / "incoming" / str(uuid4())
        try:
            write(path, [b"?"])
            with self._index.writing():
                pass
        finally:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        self._index.close()

    def _need(self, bucket: str, key: str) -> Stat:
        if stat := self._index.get(bucket, key):
            return stat
        raise MissingError(f"there is no artifact s3://{bucket}/{key}")

    def blob(self, sha256: str) -> Path:
        return self.root / "blobs" / sha256[:2] / sha256

    def _bytes(self, stat: Stat, start: int, stop: int) -> Iterator[bytes]:
        try:
            file = self.blob(stat.sha256).open("rb", buffering=0)
        except OSError as error:
            raise ArtifactError(
                f"the bytes of s3://{stat.bucket}/{stat.key} cannot be read: {error.strerror}"
            ) from error
        return _pieces(file.fileno(), file.close, start, stop)

    def _store(
        self,
        path: Path,
        known: Hashes,
        bucket: str,
        key: str,
        content_type: str,
        metadata: Mapping[str, str],
        expected: str | None = None,
    ) -> Stat:
        """Put the file in its place, then name it."""
        names = {name.lower(): value for name, value in metadata.items()}
        now = int(self._clock() * 1_000_000)
        stat = Stat(bucket, key, known.size, known.md5, now, content_type, known.md5, known.sha256, names)
        with self._index.writing() as connection:
            before = self._index.get(stat.bucket, stat.key)
            if expected is not None and expected != (before.etag if before else ""):
                raise ChangedError(f"s3://{bucket}/{key} was changed meanwhile")
            blob = self.blob(stat.sha256)
            try:
                blob.parent.mkdir(exist_ok=True)
                path.replace(blob)
                for folder in (blob.parent, blob.parent.parent):
                    _sync(folder)
            except OSError as error:
                raise ArtifactError(f"an artifact cannot be kept: {error.strerror}", again=True) from error
            insert(connection, stat)
        self._forget(before, stat)
        return stat

    def _forget(self, before: Stat | None, after: Stat | None = None) -> None:
        """Remove the blob that an object had before, if it was another and nobody has it any more.

        After the change is on the disk, never before: a change that fails must leave the bytes.
        """
        if before is not None and (after is None or after.sha256 != before.sha256):
            self._collect(before.sha256)

    def _collect(self, sha256: str) -> bool:
        with self._index.writing():
            if self._index.rows("SELECT 1 FROM objects WHERE sha256 = ? LIMIT 1", (sha256,)):
                return False
            self.blob(sha256).unlink(missing_ok=True)
            return True


def write(path: Path, chunks: Iterable[bytes]) -> None:
    """The bytes as a new file, on the disk when this returns; `ArtifactError` when the disk does not take them.

    What `chunks` raises (a client that went away) is left as it is.
    """
    with _disk():
        file = path.open("xb", buffering=0)
    with file:
        for chunk in chunks:
            with _disk():
                view = memoryview(chunk)
                while view:
                    view = view[file.write(view) :]
        with _disk():
            os.fsync(file.fileno())


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtifactError(f"the storage does not take more: {error.strerror}", again=True) from error


def _pieces(descriptor: int, close: Callable[[], None], start: int, stop: int) -> Iterator[bytes]:
    try:
        while start < stop and (piece := os.pread(descriptor, min(_PIECE, stop - start), start)):
            start += len(piece)
            yield piece
    finally:
        close()


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
