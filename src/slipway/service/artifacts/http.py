"""The signed addresses of a local storage, answered over HTTP: GET, HEAD and PUT of one object each. Nothing is ever listed.

Plain ASGI, mounted where `LocalArtifacts.base` says. What a request may do is in its signature (`signing.py`): no login is asked
for. Bytes go in pieces through threads, each when the client has taken or sent the one before: whoever is slow costs the memory of
one piece. A server that sends files by itself (the extension `http.response.pathsend`) is left to do so.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qs, quote

from slipway.errors import InputError
from slipway.service.artifacts.model import ArtifactError, check_names
from slipway.service.artifacts.ranges import RangeError, span
from slipway.service.artifacts.signing import valid
from slipway.service.asgi import answer, below_root, header, refuse, turn_away

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from slipway.service.artifacts.local import LocalArtifacts
    from slipway.service.artifacts.model import Stat
    from slipway.service.asgi import App, Receive, Scope, Send

T = TypeVar("T")
_PIECE: Final = 128 * 1024
_THREADS: Final = 8
_SENDS_FILES: Final = "http.response.pathsend"
_METHODS: Final = {"GET": "GET", "HEAD": "GET", "PUT": "PUT"}  # what each has to be signed for
_META: Final = b"x-amz-meta-"
_META_LIMIT: Final = 2048  # of all names and values, as S3 has it


class _GoneError(Exception):
    """The client went away before all was here."""


def application(
    artifacts: LocalArtifacts, clock: Callable[[], float], *, limit: int = 0, patience: float = 60
) -> App:
    """`clock` gives seconds since 1970. A PUT takes `limit` bytes at most (0: any number).

    A client that takes or sends nothing for `patience` seconds is given up.
    """
    return _Application(artifacts, clock, limit, patience)


class _Application:
    def __init__(
        self, artifacts: LocalArtifacts, clock: Callable[[], float], limit: int, patience: float
    ) -> None:
        self._artifacts = artifacts
        self._clock = clock
        self._limit = limit
        self._patience = patience
        self._pool = ThreadPoolExecutor(_THREADS, "artifacts")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])  # the way of ASGI to say so
        method = scope["method"]
        if method not in _METHODS:
            allowed = ((b"allow", b"GET, HEAD, PUT"),)
            await turn_away(scope, receive, send, 405, "Signed addresses answer GET, HEAD and PUT.", allowed)
            return
        named = self._allowed(scope)
        if named is None:
            detail = "The address is not signed for this, or has expired."
            await turn_away(scope, receive, send, 403, detail)
            return
        try:
            if method == "PUT":
                await self._put(scope, receive, send, *named)
            else:
                await self._get(scope, send, *named)
        except ArtifactError as error:
            await turn_away(scope, receive, send, 503 if error.again else 500, error.brief)

    def _allowed(self, scope: Scope) -> tuple[str, str] | None:
        """Bucket and key, when the request may do what it asks for."""
        bucket, _, key = below_root(scope).removeprefix("/").partition("/")
        try:
            query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20)
            check_names(bucket, key)
        except (ValueError, InputError):
            return None
        expires, signature = (query.get(name, [""])[-1] for name in ("expires", "signature"))
        method = _METHODS[scope["method"]]
        if not valid(self._artifacts.secret, method, bucket, key, expires, signature, self._clock()):
            return None
        return bucket, key

    async def _get(self, scope: Scope, send: Send, bucket: str, key: str) -> None:
        found = await self._run(self._open, bucket, key)
        if found is None:
            await refuse(scope, send, 404, "There is no such artifact.")
            return
        stat, file = found
        try:
            await self._send(scope, send, stat, file)
        finally:
            file.close()

    async def _send(self, scope: Scope, send: Send, stat: Stat, file: BinaryIO) -> None:
        etag = f'"{stat.etag}"'
        described = _described(stat)
        if _matches(header(scope, b"if-none-match").decode("latin-1"), etag):
            await send({"type": "http.response.start", "status": 304, "headers": described})
            await send({"type": "http.response.body"})
            return
        asked = header(scope, b"range").decode("latin-1")
        if header(scope, b"if-range").decode("latin-1") not in ("", etag):
            asked = ""
        try:
            part = span(asked, stat.size)
        except RangeError:
            beyond = ((b"content-range", b"bytes */%d" % stat.size),)
            await refuse(scope, send, 416, "The artifact has no such bytes.", beyond)
            return
        start, stop = part or (0, stat.size)
        headers = [*described, (b"content-length", b"%d" % (stop - start))]
        if part:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, stat.size)))
        await send({"type": "http.response.start", "status": 206 if part else 200, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
        elif part is None and _SENDS_FILES in scope.get("extensions", {}):
            await send({"type": _SENDS_FILES, "path": str(self._artifacts.blob(stat.sha256))})
        else:
            await self._bytes(send, file.fileno(), start, stop)

    async def _bytes(self, send: Send, descriptor: int, start: int, stop: int) -> None:
        while start < stop:
            piece = await self._run(os.pread, descriptor, min(_PIECE, stop - start), start)
            if not piece:
                return  # shorter than it was told: the server breaks the connection off, and the client sees it
            start += len(piece)
            sending = send({"type": "http.response.body", "body": piece, "more_body": start < stop})
            try:
                await asyncio.wait_for(sending, self._patience)
            except TimeoutError:
                return  # likewise
        if not stop:
            await send({"type": "http.response.body"})

    async def _put(self, scope: Scope, receive: Receive, send: Send, bucket: str, key: str) -> None:
        length = header(scope, b"content-length").decode("latin-1")
        if not length:
            await turn_away(scope, receive, send, 411, "The length of the artifact has to be told.")
            return
        if not length.isascii() or not length.isdecimal() or len(length) > 18:
            await turn_away(scope, receive, send, 400, "The length of the artifact is no number.")
            return
        if self._limit and int(length) > self._limit:
            await turn_away(scope, receive, send, 413, f"An artifact may have {self._limit} bytes at most.")
            return
        metadata = _metadata(scope)
        if metadata is None:
            await turn_away(scope, receive, send, 400, "The metadata are too long, or not text.")
            return
        try:
            stat = await self._received(scope, receive, int(length), bucket, key, metadata)
        except _GoneError:
            return
        except TimeoutError:
            await turn_away(scope, receive, send, 408, "Nothing came for too long.")
            return
        if stat is None:
            await turn_away(scope, receive, send, 400, "The artifact is not as long as was told.")
            return
        await answer(scope, send, b"", headers=((b"etag", f'"{stat.etag}"'.encode()),))

    async def _received(
        self, scope: Scope, receive: Receive, length: int, bucket: str, key: str, metadata: dict[str, str]
    ) -> Stat | None:
        """The object, or None when more or less came than `length` bytes."""
        incoming = await self._run(self._artifacts.incoming)
        try:
            more = True
            waiting = bytearray()
            while more:
                message = await asyncio.wait_for(receive(), self._patience)
                if message["type"] != "http.request":
                    raise _GoneError
                waiting += message.get("body", b"")
                more = message.get("more_body", False)
                if incoming.size + len(waiting) > length:
                    return None
                if waiting and (len(waiting) >= _PIECE or not more):
                    await self._run(self._artifacts.receive, incoming, bytes(waiting))
                    waiting.clear()
            if incoming.size != length:
                return None
            content_type = _printable(header(scope, b"content-type").decode("latin-1"))
            keep = partial(self._artifacts.keep, incoming, bucket, key, content_type, metadata)
            return await self._run(keep)
        finally:
            await self._run(incoming.close)

    def _open(self, bucket: str, key: str) -> tuple[Stat, BinaryIO] | None:
        """The object and its bytes, which stay what they are while they are sent, whatever becomes of the object."""
        for _ in range(3):  # it may be replaced between the two
            stat = self._artifacts.head(bucket, key)
            if stat is None:
                return None
            try:
                return stat, self._artifacts.blob(stat.sha256).open("rb", buffering=0)
            except FileNotFoundError:
                continue
        raise ArtifactError(f"the bytes of s3://{bucket}/{key} are not there")

    async def _run(self, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)


def _described(stat: Stat) -> list[tuple[bytes, bytes]]:
    """What a browser gets is saved, never shown: nobody knows what was uploaded."""
    name = quote(stat.key.rpartition("/")[2] or stat.key, safe="")
    headers = [
        (b"content-type", _printable(stat.content_type).encode()),
        (b"etag", f'"{stat.etag}"'.encode()),
        (b"last-modified", formatdate(stat.modified // 1_000_000, usegmt=True).encode()),
        (b"accept-ranges", b"bytes"),
        (b"content-disposition", f"attachment; filename*=UTF-8''{name}".encode()),
        (b"cache-control", b"private, no-cache"),
    ]
    for name, value in sorted(stat.metadata.items()):
        if (
            name.isascii()
            and name.replace("-", "").replace("_", "").isalnum()
            and value.isascii()
            and value.isprintable()
        ):
            headers.append((_META + name.encode(), value.encode()))
    return headers


def _metadata(scope: Scope) -> dict[str, str] | None:
    found = {name[len(_META) :]: value for name, value in scope["headers"] if name.startswith(_META)}
    texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in found.items()}
    if sum(len(name) + len(value) for name, value in texts.items()) > _META_LIMIT:
        return None
    return (
        texts
        if all(text.isascii() and text.isprintable() for pair in texts.items() for text in pair)
        else None
    )


def _matches(header: str, etag: str) -> bool:
    listed = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in listed or etag in listed


def _printable(content_type: str) -> str:
    fits = content_type and len(content_type) <= 255 and content_type.isascii() and content_type.isprintable()
    return content_type if fits else "application/octet-stream"
