"""One file on its way into a depot: read in order, hashed, sent in parts side by side, taken up again, and looked at in the end.

What fits into one request is read once. A bigger file is hashed before it is sent: its MD5 is in the metadata, and S3 takes
metadata only before the first byte. Parts have a size that follows from the file's, so that a later run can go on.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, Self, TypeVar

from slipway.client.depot import MissingObjectError
from slipway.client.model import Sent
from slipway.errors import FetchError, InputError, SlipwayError, UsageError, VerifyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from slipway.client.depot import Depot
    from slipway.events import Reporter, Step

T = TypeVar("T")

WHOLE: Final = 8 << 20  # bytes of a file that is one request
PART: Final = 16 << 20
MOST_PARTS: Final = 10_000  # of one upload, in S3
SENDERS: Final = 4
_READ: Final = 1 << 20


class Patience(Protocol):
    def __call__(self, attempt: Callable[[], T], /) -> T: ...


@dataclass(frozen=True, slots=True)
class Hashes:
    """In hexadecimal."""

    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent where. `metadata` goes along beside `md5sum`; `known` are hashes that somebody took before."""

    path: Path
    bucket: str
    key: str
    kind: str
    metadata: Mapping[str, str]
    known: Hashes | None = None

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def part_size(size: int) -> int:
    """Bytes of each part but the last."""
    least = -(-size // MOST_PARTS)
    return max(PART, -(-least // _READ) * _READ)


def hash_file(path: Path, reporter: Reporter, stop: threading.Event) -> Hashes:
    """Both hashes in one pass."""
    with steady(path) as (file, size):
        step = reporter.step("hash", path.name, total=size, unit="bytes")
        with step, _Digest() as digest:
            while piece := file.read(4 * _READ):
                _check(stop)
                digest.update(piece)
                step.advance(len(piece))
            return digest.hashes()


def send(
    depot: Depot,
    parcel: Parcel,
    reporter: Reporter,
    patiently: Patience,
    stop: threading.Event,
    *,
    resume: bool = False,
) -> Sent:
    """Bring a file to its place. With `resume`, what is there of it already is not sent again.

    An upload that fails is forgotten by the storage too; one that is interrupted stays for `resume`.
    """
    with steady(parcel.path) as (file, size):
        known = parcel.known
        if known is None and (resume or size > WHOLE):
            known = hash_file(parcel.path, reporter, stop)
        if resume and known:
            there = patiently(lambda: depot.head(parcel.bucket, parcel.key))
            if there and (there.size, there.md5) == (size, known.md5):
                reporter.log(f"{parcel.place} is there already")
                return Sent(parcel.place, there.etag, parcel.kind, size, known.md5, known.sha256)
        with reporter.step("send", parcel.path.name, total=size, unit="bytes") as step:
            if known is None or size <= WHOLE:
                found = _whole(depot, parcel, _exactly(file, size), patiently, step)
            else:
                found = known
                _Parts(depot, parcel, size, known, patiently, step, stop).run(file, resume=resume)
    place = (parcel.bucket, parcel.key)
    return _verified(depot, parcel.place, place, parcel.kind, size, found, patiently)


def send_small(depot: Depot, place: tuple[str, str], content: bytes, kind: str, patiently: Patience) -> Sent:
    """Bring a few bytes to a bucket and key."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    patiently(lambda: depot.put(*place, content, kind, {"md5sum": md5}))
    hashes = Hashes(md5, hashlib.sha256(content).hexdigest())
    return _verified(depot, f"s3://{'/'.join(place)}", place, kind, len(content), hashes, patiently)


def _whole(depot: Depot, parcel: Parcel, content: bytes, patiently: Patience, step: Step) -> Hashes:
    hashes = Hashes(
        hashlib.md5(content, usedforsecurity=False).hexdigest(), hashlib.sha256(content).hexdigest()
    )
    metadata = {**parcel.metadata, "md5sum": hashes.md5}
    patiently(lambda: depot.put(parcel.bucket, parcel.key, content, parcel.kind, metadata))
    step.advance(len(content))
    return hashes


class _Parts:
    """An upload in parts; it lives for one file."""

    def __init__(
        self,
        depot: Depot,
        parcel: Parcel,
        size: int,
        known: Hashes,
        patiently: Patience,
        step: Step,
        stop: threading.Event,
    ) -> None:
        self._depot, self._parcel, self._size, self._known = depot, parcel, size, known
        self._patiently, self._step, self._stop = patiently, step, stop
        self._target = (parcel.bucket, parcel.key)
        self._failed = threading.Event()

    def run(self, file: BinaryIO, *, resume: bool) -> None:
        upload = self._patiently(lambda: self._depot.begun(*self._target)) if resume else ""
        there = self._patiently(lambda: self._depot.parts(*self._target, upload)) if upload else {}
        if not upload:
            kind, metadata = self._parcel.kind, {**self._parcel.metadata, "md5sum": self._known.md5}
            upload = self._patiently(lambda: self._depot.begin(*self._target, kind, metadata))
        try:
            etags = self._send_all(file, upload, there)
            self._complete(upload, list(enumerate(etags, 1)))
        except Exception:
            # who stopped us removes what has come, or leaves it for `resume`
            if not self._stop.is_set():
                with suppress(SlipwayError):
                    self._depot.abort(*self._target, upload)
            raise

    def _send_all(self, file: BinaryIO, upload: str, there: Mapping[int, tuple[int, str]]) -> list[str]:
        length = part_size(self._size)
        sending: deque[Future[str]] = deque()
        etags: list[str] = []
        with ThreadPoolExecutor(SENDERS, "sending") as pool:
            try:
                for number in range(1, -(-self._size // length) + 1):
                    _check(self._stop)
                    content = _exactly(file, min(length, self._size - (number - 1) * length))
                    sending.append(pool.submit(self._part, upload, number, content, there.get(number)))
                    if len(sending) > SENDERS:
                        etags.append(sending.popleft().result())
                while sending:
                    etags.append(sending.popleft().result())
            except BaseException:
                self._failed.set()
                raise
        return etags

    def _part(self, upload: str, number: int, content: bytes, there: tuple[int, str] | None) -> str:
        if self._failed.is_set():
            return ""
        md5 = hashlib.md5(content, usedforsecurity=False)
        if there == (len(content), md5.hexdigest()):
            etag = there[1]
        else:
            etag = self._patiently(
                lambda: self._depot.part(*self._target, upload, number, content, md5.digest())
            )
        self._step.advance(len(content))
        return etag

    def _complete(self, upload: str, parts: list[tuple[int, str]]) -> None:
        """A try whose answer was lost may have done it: then there is no upload any more, and the artifact is there."""

        def attempt() -> None:
            try:
                self._depot.complete(*self._target, upload, parts)
            except MissingObjectError:
                if self._depot.head(*self._target) is None:
                    raise

        self._patiently(attempt)


def _verified(
    depot: Depot,
    shown: str,
    place: tuple[str, str],
    kind: str,
    size: int,
    hashes: Hashes,
    patiently: Patience,
) -> Sent:
    there = patiently(lambda: depot.head(*place))
    if there is None:
        raise VerifyError(f"{shown} is not there after it was sent")
    if there.size != size:
        raise VerifyError(f"{shown} has {there.size} bytes, {size} were sent")
    if there.md5 and there.md5 != hashes.md5:
        raise VerifyError(
            f"{shown} is not what was sent",
            details=f"MD5 there: {there.md5}\nMD5 here: {hashes.md5}",
            hint="send it again, without --resume",
        )
    return Sent(shown, there.etag, kind, size, hashes.md5, hashes.sha256)


@contextmanager
def steady(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The open file and its size; `InputError` when it changed until the block ends."""
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        before = os.fstat(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        yield file, before.st_size
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{path} changed while it was read")


class _Digest:
    """MD5 and SHA-256 of what comes, each in a thread of its own."""

    def __init__(self) -> None:
        self._md5, self._sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self._pool = ThreadPoolExecutor(2, "hashing")
        self._running: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def update(self, content: bytes) -> None:
        """Returns at once; the next call waits until this content is hashed."""
        self._wait()
        self._running = [self._pool.submit(each.update, content) for each in (self._md5, self._sha256)]

    def hashes(self) -> Hashes:
        self._wait()
        return Hashes(self._md5.hexdigest(), self._sha256.hexdigest())

    def _wait(self) -> None:
        for each in self._running:
            each.result()
        self._running = []


def _exactly(file: BinaryIO, count: int) -> bytes:
    """So many bytes; `InputError` when the file has become shorter. One read gives at most 2 GiB, and may give less."""
    parts = []
    while count:
        piece = file.read(count)
        if not piece:
            raise InputError(f"{file.name} changed while it was read")
        parts.append(piece)
        count -= len(piece)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise FetchError("the upload was given up")
