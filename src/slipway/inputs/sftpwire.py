"""The SSH file transfer protocol, version 3, as far as reading needs it (draft-ietf-secsh-filexfer-02).

Every server speaks this version. Names are bytes on the wire and are taken as UTF-8. Requests for the pieces of a file are sent
ahead, so that a distant server is read as fast as a near one.
"""

from __future__ import annotations

import struct
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from slipway.errors import FetchError
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

_INIT, _VERSION, _OPEN, _CLOSE, _READ, _LSTAT, _FSTAT = 1, 2, 3, 4, 5, 7, 8
_OPENDIR, _READDIR, _STAT, _READLINK, _EXTENDED = 11, 12, 17, 19, 200
_STATUS, _HANDLE, _DATA, _NAME, _ATTRS = 101, 102, 103, 104, 105
_END = 1  # SSH_FX_EOF

_MOST = 1 << 20  # bytes of an answer; servers send at most 256 KiB
_PIECE = 1 << 15  # bytes asked for at once: every server gives as many
_AHEAD = 64  # requests under way
_EXPAND = "expand-path@openssh.com"  # OpenSSH: PROTOCOL, section 4.9

NO_SUCH_FILE, PERMISSION_DENIED = 2, 3


class Stream(Protocol):
    def send(self, data: bytes) -> None: ...
    def receive(self, size: int) -> bytes:
        """Exactly `size` bytes."""


class StatusError(Exception):
    """The server answers that it cannot; `status` as in section 7 of the draft."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@value
class Attributes:
    """`size` is -1, `mode` and `mtime` (seconds since 1970) are 0 where the server does not say."""

    size: int = -1
    mode: int = 0
    mtime: int = 0


class Sftp:
    """One connection, used by one thread. `StatusError` where the server refuses, `FetchError` for nonsense."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._number = 0
        self._waiting: set[int] = set()
        self._early: dict[int, tuple[int, _Body]] = {}
        self._write(struct.pack(">BI", _INIT, 3))
        kind, body = self._read()
        if kind != _VERSION or body.number() < 3:
            raise FetchError("the server speaks an SFTP of its own")
        self._expands = False
        while body.left:
            name, _ = body.string(), body.string()
            self._expands = self._expands or name == _EXPAND.encode()

    def home(self, user: str) -> str:
        """The path of a user's home directory; "" for our own, to which relative paths are."""
        if not user:
            return "."
        if not self._expands:
            raise FetchError("the server cannot tell the home directories of other users")
        return self._name(_EXTENDED, _string(_EXPAND) + _string(f"~{user}"))

    def stat(self, path: str, *, follow: bool = True) -> Attributes:
        return self._ask(_STAT if follow else _LSTAT, _string(path), _ATTRS).attributes()

    def link(self, path: str) -> str:
        """What a symlink says."""
        return self._name(_READLINK, _string(path))

    def names(self, path: str) -> Iterator[tuple[str, Attributes]]:
        """What is in a directory, each with its own attributes (of a symlink: the link's)."""
        handle = self._ask(_OPENDIR, _string(path), _HANDLE).string()
        try:
            while True:
                try:
                    answer = self._ask(_READDIR, _string(handle), _NAME)
                except StatusError as error:
                    if error.status == _END:
                        return
                    raise
                for _ in range(answer.number()):
                    name, _ = answer.string(), answer.string()
                    yield name.decode("utf-8", "surrogateescape"), answer.attributes()
        finally:
            self._close(handle)

    @contextmanager
    def opened(self, path: str) -> Iterator[bytes]:
        """A handle of a file, to read from."""
        handle = self._ask(_OPEN, _string(path) + struct.pack(">II", 1, 0), _HANDLE).string()
        yield handle
        self._close(handle)

    def about(self, handle: bytes) -> Attributes:
        return self._ask(_FSTAT, _string(handle), _ATTRS).attributes()

    def read(self, handle: bytes, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to `end`, in pieces; fewer when the file has no more."""
        asked: deque[tuple[int, int, int]] = deque()  # number of the request, offset, size
        at = start
        while asked or at < end:
            while len(asked) < _AHEAD and at < end:
                size = min(_PIECE, end - at)
                asked.append((self._piece(handle, at, size), at, size))
                at += size
            number, offset, size = asked.popleft()
            data = self._data(number)
            if not data:
                end = at = offset  # what was asked for beyond comes back empty, too
                continue
            yield data
            if (
                len(data) < size
            ):  # the rest before all else; the answers to what is under way are asked for anew
                for later, _, _ in asked:
                    self._data(later)
                asked.clear()
                at = offset + len(data)

    def _piece(self, handle: bytes, offset: int, size: int) -> int:
        return self._send(_READ, _string(handle) + struct.pack(">QI", offset, size))

    def _data(self, number: int) -> bytes:
        """The data of a READ; empty at the end of the file."""
        try:
            return self._reply(number, _DATA).string()
        except StatusError as error:
            if error.status == _END:
                return b""
            raise

    def _close(self, handle: bytes) -> None:
        self._ask(_CLOSE, _string(handle), _STATUS)

    def _name(self, kind: int, body: bytes) -> str:
        answer = self._ask(kind, body, _NAME)
        if answer.number() != 1:
            raise FetchError("the server answers SFTP with nonsense")
        return answer.string().decode("utf-8", "surrogateescape")

    def _ask(self, kind: int, body: bytes, wanted: int) -> _Body:
        return self._reply(self._send(kind, body), wanted)

    def _send(self, kind: int, body: bytes) -> int:
        self._number += 1
        self._waiting.add(self._number)
        self._write(struct.pack(">BI", kind, self._number) + body)
        return self._number

    def _reply(self, number: int, wanted: int) -> _Body:
        """The answer to a request; servers may answer in another order."""
        while number not in self._early:
            kind, body = self._read()
            found = body.number()
            if found not in self._waiting:
                raise FetchError("the server answers SFTP with nonsense")
            self._waiting.discard(found)
            self._early[found] = kind, body
        kind, body = self._early.pop(number)
        if kind == _STATUS:
            status, message = body.number(), body.string() if body.left else b""
            if wanted == _STATUS and status == 0:
                return body
            raise StatusError(status, message.decode(errors="replace"))
        if kind != wanted:
            raise FetchError("the server answers SFTP with nonsense")
        return body

    def _write(self, message: bytes) -> None:
        self._stream.send(struct.pack(">I", len(message)) + message)

    def _read(self) -> tuple[int, _Body]:
        (size,) = struct.unpack(">I", self._stream.receive(4))
        if not 0 < size <= _MOST:
            # four letters where a length belongs: somebody's .bashrc says hello
            raise FetchError(
                "the server does not answer with SFTP",
                hint="do scripts of the login shell print something on that machine?",
            )
        message = self._stream.receive(size)
        return message[0], _Body(message[1:])


class _Body:
    """A message that is read from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def string(self) -> bytes:
        return self._take(self.number())

    def attributes(self) -> Attributes:
        flags = self.number()
        size = int.from_bytes(self._take(8), "big") if flags & 1 else -1
        if flags & 2:
            self._take(8)
        mode = self.number() if flags & 4 else 0
        mtime = (self.number(), self.number())[1] if flags & 8 else 0
        if flags & 0x80000000:
            for _ in range(self.number()):
                self.string(), self.string()
        return Attributes(size, mode, mtime)

    def _take(self, size: int) -> bytes:
        self._at += size
        if self._at > len(self._data):
            raise FetchError("the server answers SFTP with nonsense")
        return self._data[self._at - size : self._at]


def _string(text: str | bytes) -> bytes:
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return struct.pack(">I", len(data)) + data
