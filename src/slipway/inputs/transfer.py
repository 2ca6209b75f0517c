"""One URL into one part file: resumed where it stopped, bounded in size, tried again when the line is cut."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.errors import FetchError, VerifyError
from slipway.files import read_json, write_json
from slipway.inputs.fileurl import file_path, is_file
from slipway.net import PIECE, TransientError, redact
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from slipway.events import Step
    from slipway.inputs.part import Part
    from slipway.net import Answer, Client

MAX_SIZE = 16 << 30  # bytes, where no size is announced: the largest thing worth calling an input

_CONTENT_RANGE = pattern(r"bytes (\d{1,19})-\d+/(?:\d+|\*)\Z")  # RFC 9110, section 14.4


def read_local(url: str) -> Iterator[bytes]:
    path = file_path(url)
    try:
        if not path.is_file():
            raise FetchError(f"there is no file {path}")
        with path.open("rb", buffering=0) as file:
            while block := file.read(4 * PIECE):
                yield block
    except OSError as error:
        raise FetchError(f"cannot read {path}: {error.strerror}") from error


class Progress:
    """What the transfers of one step tell it."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._lock = threading.Lock()

    def moved(self, size: int) -> None:
        """So many bytes came; negative: were dropped and must come again."""
        if size:
            self._step.advance(size)

    def announced(self, size: int) -> None:
        """A part of the total that was not known before."""
        with self._lock:
            self._step.total += size


@dataclass
class Transfer:
    """Bring `url` into `part`.

    `size` is what was announced (0: nothing was). With `pinned` the caller knows the hash, so that any start of the
    file may be continued; without, only one that the server's strong ETag vouches for.
    """

    url: str
    part: Part
    progress: Progress
    size: int = 0
    pinned: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    _etag: str = field(default="", init=False)
    _announced: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._etag = self._remembered()
        self.progress.moved(self.part.size)

    def run(self, client: Client | None) -> None:
        """Fill the part; `client` is needed for all but file: URLs."""
        if client is None or is_file(self.url):
            self._restart()
            for chunk in read_local(self.url):
                self._append(chunk)
            self._check_end()
            return
        complete = self.pinned and self.size and self.part.size == self.size
        if not complete:  # it may be, when the last run was cut off just before the end
            self.ask(client)

    def ask(self, client: Client, *, ok: tuple[int, ...] = ()) -> Answer:
        """Fill the part from a server; the last answer, whose body is in the part.

        A status in `ok` besides the usual ones ends the transfer with the part untouched.
        """
        return client.retry(lambda: self._attempt(client, ok))

    def forget(self) -> None:
        """Drop what is known beside the part."""
        self._memory.unlink(missing_ok=True)

    def restart(self) -> None:
        self._etag = ""
        self._restart()

    def _attempt(self, client: Client, ok: tuple[int, ...]) -> Answer:
        before = self.part.size
        try:
            return self._once(client, ok)
        except TransientError as error:
            error.progress = self.part.size > before
            raise

    def _once(self, client: Client, ok: tuple[int, ...]) -> Answer:
        headers = dict(self.headers)
        start = self.part.size if self.pinned or self._etag else 0
        if start:
            headers["Range"] = f"bytes={start}-"
            if self._etag:
                headers["If-Range"] = self._etag
        with client.get(self.url, headers, ok=(200, *((206, 416) if start else ()), *ok)) as answer:
            if answer.status in ok:
                return answer
            if answer.status == 200 or _continues(answer, start):
                self._receive(answer)
                return answer
        # what we have is not a beginning of what is there, or the server cannot count
        self.restart()
        return self._once(client, ok)

    def _receive(self, answer: Answer) -> None:
        if answer.status == 200 and self.part.size:
            self._restart()
        coded = answer.coded and not self.pinned
        etag = answer.headers.get("etag", "")
        self._etag = "" if coded or etag.startswith("W/") else etag
        if not self.pinned:
            # before the body: a killed process writes nothing more
            write_json(self._memory, {"etag": self._etag})
        length = answer.headers.get("content-length", "")
        if length.isdecimal() and not coded:
            total = self.part.size + int(length)
            self._check_size(total)
            if self.size and total != self.size:
                raise VerifyError(f"{redact(self.url)} has {total} bytes where {self.size} were promised")
            if not self.size:
                self.progress.announced(total - self._announced)
                self._announced = total
        for chunk in answer.chunks(decode=coded):
            self._append(chunk)
        self._check_end()

    def _append(self, chunk: bytes) -> None:
        self._check_size(self.part.size + len(chunk))
        self.part.append(chunk)
        self.progress.moved(len(chunk))

    def _restart(self) -> None:
        self.progress.moved(-self.part.size)
        self.part.restart()

    def _check_size(self, size: int) -> None:
        if size > (self.size or MAX_SIZE):
            raise VerifyError(f"{redact(self.url)} has more than the {self.size or MAX_SIZE} bytes allowed")

    def _check_end(self) -> None:
        if self.part.size < self.size:
            raise TransientError(
                f"{redact(self.url)} ended after {self.part.size} bytes where {self.size} were promised"
            )

    @property
    def _memory(self) -> Path:
        return self.part.path.with_suffix(".json")

    def _remembered(self) -> str:
        """The ETag of the bytes in the part, from the run that was interrupted."""
        if self.pinned or not self.part.size:
            return ""
        known = read_json(self._memory)
        return str(known.get("etag", "")) if isinstance(known, dict) else ""


def _continues(answer: Answer, start: int) -> bool:
    found = _CONTENT_RANGE.match(answer.headers.get("content-range", ""))
    return answer.status == 206 and found is not None and int(found[1]) == start and not answer.coded
