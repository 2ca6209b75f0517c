"""Write a fragment: its compressed blob, and the rows of its index."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.oci import compress
from slipway.oci.digest import Digest
from slipway.oci.entry import NO_TIME, Entry, padding

if TYPE_CHECKING:
    from collections.abc import Iterable


class FragmentWriter:
    """Collects entries into a fragment's blob. Paths must be clean (`entry.clean_path`)."""

    def __init__(self, file: IO[bytes], compression: compress.Compression, what: str) -> None:
        """`what` names the fragment in errors."""
        self._file = file
        self._what = what
        self._compressor = compression.compressor()
        self._hash = hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_size = 0
        self.size = 0
        self.raw_size = 0
        self.rows: list[list[Any]] = []
        self.dir_rows: list[list[Any]] = []
        self._seen: set[str] = set()

    def add(self, entry: Entry, content: bytes | Iterable[bytes] = b"") -> str:
        """Append a non-directory entry; the content's length must be `entry.size`. Returns a file's sha256 (hex)."""
        if entry.kind == "dir":
            raise ValueError("directories go to `directory`")
        if entry.path in self._seen:
            raise InputError(f"{self._what}: the path {entry.path!r} comes twice")
        self._seen.add(entry.path)
        self._put(entry.header())
        sha256 = ""
        if entry.kind == "file":
            digest = hashlib.sha256()
            got = 0
            for chunk in (content,) if isinstance(content, bytes) else content:
                got += len(chunk)
                digest.update(chunk)
                self._put(chunk)
            if got != entry.size:
                raise InputError(
                    f"{self._what}: {entry.path} has {got} bytes where {entry.size} were announced"
                )
            self._put(padding(got))
            sha256 = digest.hexdigest()
        self.rows.append(entry.pack(sha256))
        return sha256

    def file(self, path: str, content: bytes, *, mode: int = 0o644, mtime: int = NO_TIME) -> None:
        self.add(Entry(path, "file", mode, size=len(content), mtime=mtime), content)

    def symlink(self, path: str, target: str, *, mtime: int = NO_TIME) -> None:
        self.add(Entry(path, "symlink", 0o777, mtime=mtime, target=target))

    def directory(
        self, path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0, mtime: int = NO_TIME
    ) -> None:
        """Say that a directory must exist with these attributes (the first fragment of an image that says so wins)."""
        if path:
            self.dir_rows.append(Entry(path, "dir", mode, uid, gid, mtime=mtime).pack())

    def finish(self) -> Digest:
        self._out(self._compressor.compress(b"".join(self._pending)))
        self._out(self._compressor.flush())
        return Digest("sha256:" + self._hash.hexdigest())

    def _put(self, data: bytes) -> None:
        if data:
            self.raw_size += len(data)
            self._pending.append(data)
            self._pending_size += len(data)
            if self._pending_size >= compress.CHUNK:
                self._flush()

    def _flush(self) -> None:
        # Large pieces: small calls into the compressor cost more than the compression. And always equal ones: what
        # comes out depends on where the pieces end, and must not depend on how the content happened to come in.
        pending = memoryview(b"".join(self._pending))
        whole = len(pending) - len(pending) % compress.CHUNK
        for start in range(0, whole, compress.CHUNK):
            self._out(self._compressor.compress(pending[start : start + compress.CHUNK]))
        self._pending = [bytes(pending[whole:])]
        self._pending_size = len(pending) - whole

    def _out(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)
        self.size += len(data)
