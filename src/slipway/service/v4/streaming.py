"""Bytes between requests, which come as they come, and a storage, which blocks: in pieces that are worth handing over."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Final

from slipway.service.v4.bodies import too_large
from slipway.service.v4.problems import Fault, Problem, ProblemError, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from concurrent.futures import Future

    from starlette.requests import Request

_PIECE: Final = 1 << 20
_ALGORITHMS: Final = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5"}


class Incoming:
    """The body of a request as an iterator for a thread. While one piece is stored, the next one comes in.

    `limit` is bytes, 0 for any number. Made in the event loop.
    """

    def __init__(self, request: Request, limit: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = request.receive
        self._limit = limit
        self._more = True
        self.size = 0
        self._expected = digests(request)
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in self._expected}

    def __iter__(self) -> Iterator[bytes]:
        """`ProblemError` in place of the end when the body is not what its headers promise: so nothing of it is kept."""
        ahead = self._ask()
        try:
            while piece := ahead.result():
                ahead = self._ask()
                for each in self._hashes.values():
                    each.update(piece)
                yield piece
        except CancelledError:
            raise refused(400, "the upload was given up") from None
        finally:
            ahead.cancel()
        for name, (header, expected) in self._expected.items():
            if self._hashes[name].digest() != expected:
                raise ProblemError(
                    Problem(
                        422,
                        "the body is not what its digest says",
                        "digest",
                        (Fault("another body came", header=header),),
                    )
                )

    def _ask(self) -> Future[bytes]:
        return asyncio.run_coroutine_threadsafe(self._piece(), self._loop)

    async def _piece(self) -> bytes:
        piece = bytearray()
        while self._more and len(piece) < _PIECE:
            message = await self._receive()
            if message["type"] != "http.request":
                raise refused(400, "the body ended early")
            piece += message.get("body", b"")
            self._more = message.get("more_body", False)
        self.size += len(piece)
        if self._limit and self.size > self._limit:
            raise too_large(self._limit)
        return bytes(piece)


def digests(request: Request) -> dict[str, tuple[str, bytes]]:
    """What `Content-MD5` (RFC 1864) and `Repr-Digest` (RFC 9530) promise, by the name of the hash; 422 for what cannot be read.

    Algorithms that are not known promise nothing: so RFC 9530 wants it.
    """
    found: dict[str, tuple[str, bytes]] = {}
    if (md5 := request.headers.get("content-md5")) is not None:
        found["md5"] = ("Content-MD5", _decoded(md5, "Content-MD5", "md5"))
    for header in ("Repr-Digest", "Content-Digest"):
        for member in (request.headers.get(header) or "").split(","):
            name, _, value = member.strip().partition("=")
            algorithm = _ALGORITHMS.get(name.lower())
            if algorithm is not None:
                found[algorithm] = (header, _decoded(value.strip().strip(":"), header, algorithm))
    return found


def _decoded(text: str, header: str, algorithm: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise ProblemError(Problem(422, faults=(Fault("this is not a digest in Base64", header=header),)))
    return digest


async def outgoing(chunks: Iterator[bytes], first: bytes) -> AsyncIterator[bytes]:
    """The pieces of an object, each read in a thread while the one before is sent; `first` was read already."""
    piece: bytes | None = first
    try:
        while piece:
            ahead = asyncio.ensure_future(asyncio.to_thread(next, chunks, b""))
            try:
                yield piece
                piece = await ahead
            except BaseException:
                await asyncio.wait([ahead])
                raise
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
