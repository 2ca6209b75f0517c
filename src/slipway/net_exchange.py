"""One request and its answer, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import FetchError
from slipway.net_errors import TransientError, explained
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import httpx2

PIECE = 1 << 18  # bytes handed on at once: TLS gives 16 KiB pieces, too small to hash and write one by one

_MOVED = frozenset({301, 302, 303, 307, 308})
_MOVED_AS_IS = frozenset({307, 308})  # there with the same method and body (RFC 9110, section 15.4)
# codings of which a file's own name may speak; then they are the file, not a wrapping of it
_CODED_NAMES = {
    "gzip": (".gz", ".tgz", ".svgz"),
    "x-gzip": (".gz", ".tgz"),
    "br": (".br",),
    "zstd": (".zst",),
}


@value
class Body:
    """What a request carries: `size` bytes that `pieces` gives from the beginning each time it is called."""

    pieces: Callable[[], Iterable[bytes]]
    size: int

    @classmethod
    def of(cls, data: bytes) -> Body:
        return cls(lambda: (data,), len(data))


@value
class Answer:
    """An answer whose body has not been read. `url` is where it came from in the end, `headers` ignores case."""

    status: int
    url: str
    headers: Mapping[str, str]
    _response: httpx2.Response

    @property
    def coded(self) -> bool:
        """Whether the server wrapped the body in a Content-Encoding, unasked.

        It is not, for us, when the name in the URL says that the file itself is compressed: servers label
        `x.tar.gz` that way.
        """
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        named = self._response.request.url.path.lower().endswith(_CODED_NAMES.get(coding, ()))
        return coding not in ("", "identity") and not named

    def chunks(self, *, decode: bool = False) -> Iterator[bytes]:
        """The body in pieces of at least `PIECE` bytes (the last may be smaller); `TransientError` when it is cut.

        With `decode`, the wrapping that `coded` speaks of is taken off.
        """
        stream = self._response.iter_bytes() if decode and self.coded else self._response.iter_raw()
        parts: list[bytes] = []
        size = 0
        try:
            with explained(self.url, self._response.request.method):
                for part in stream:
                    parts.append(part)
                    size += len(part)
                    if size >= PIECE:
                        yield b"".join(parts)
                        parts.clear()
                        size = 0
        except TransientError:
            if parts:
                yield b"".join(parts)  # what came before the cut need not come again
            raise
        if parts:
            yield b"".join(parts)

    def read(self, most: int) -> bytes:
        """The whole body; `FetchError` when it has more than `most` bytes."""
        out = bytearray()
        for chunk in self.chunks():
            out += chunk
            if len(out) > most:
                raise FetchError(f"{self.url} has more than the {most} bytes allowed")
        return bytes(out)


@value
class Request:
    method: str
    url: str
    headers: dict[str, str]
    body: Body | None
    patience: float

    @property
    def moved(self) -> frozenset[int]:
        """The statuses that send this request elsewhere."""
        return _MOVED if self.method in ("GET", "HEAD") else _MOVED_AS_IS
