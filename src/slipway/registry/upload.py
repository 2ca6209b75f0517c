"""A blob from the store into a registry (distribution-spec: "Pushing blobs").

Up to `CHUNK` bytes go in the request that closes the upload; of a larger blob all but the last piece go before, in
requests of that size. After a cut the registry is asked how much arrived, and the upload goes on there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from slipway.errors import FetchError, StoreError, VerifyError
from slipway.net import Body, TransientError
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.events import Step
    from slipway.net import Answer
    from slipway.oci.store import Descriptor, Store
    from slipway.registry.api import Api

CHUNK = 64 << 20  # bytes; proxies commonly refuse requests of 100 MB
_PIECE = 1 << 20  # bytes read from the file at once
_PACE = 4 << 20  # bytes a second at which a registry moves a blob to its place before it answers
_FRESH = 3  # times that an upload may start from the beginning

_RANGE = pattern(r"(?:bytes=)?0-(\d{1,19})\Z")
_MEDIA = "application/octet-stream"


def upload(api: Api, blob: Descriptor, store: Store, step: Step, location: str = "") -> None:
    """Send the blob; `location` is an upload that the registry has opened already, empty for none."""
    path = store.path(blob.digest)
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise StoreError(
            f"the store lacks the blob {blob.digest}", hint="build or load the image again"
        ) from error
    if size != blob.size:
        raise StoreError(
            f"the blob {blob.digest} is damaged", hint="`slipway store check` tells what to remove"
        )
    _Upload(api, blob, path, step, location, CHUNK).run()


class _Gone(Exception):  # noqa: N818 - no error: the upload starts again
    """The registry does not know this upload (any more), or cannot make sense of it."""

    def __init__(self, error: FetchError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class _Upload:
    """`offset` is how many bytes the registry has; `told` how many were reported to the step."""

    api: Api
    blob: Descriptor
    path: Path
    step: Step
    location: str
    chunk: int
    offset: int = 0
    told: int = 0
    uncertain: bool = False
    whole: bool = False  # pieces came to grief: all in one request

    def run(self) -> None:
        try:
            for turn in range(_FRESH):
                try:
                    self.api.retry(self._attempt)
                    return
                except _Gone as gone:
                    if turn == _FRESH - 1:
                        raise gone.error from gone
                    self.location, self.offset, self.uncertain = "", 0, False
        except BaseException:
            self.step.advance(-self.told)
            raise

    def _attempt(self) -> None:
        before = self.offset
        try:
            if self._recover():
                return
            if not self.location:
                self._open()
            while not self.whole and self.blob.size - self.offset > self.chunk:
                self._send_chunk()
            self._close()
        except TransientError as error:
            error.progress = self.offset > before
            self.uncertain = True
            raise

    def _recover(self) -> bool:
        """After a cut: find out what arrived. True when it was everything."""
        if not self.uncertain:
            return False
        url = self.api.url(f"blobs/{self.blob.digest}")
        with self.api.request("HEAD", url, ok=(200, 404)) as answer:
            if answer.status == 200:
                self._tell(self.blob.size)
                return True
        if self.location:
            # 400 and 416 come from registries that lose count of what a cut request brought
            with self.api.request("GET", self.location, ok=(200, 202, 204, 400, 404, 416)) as answer:
                if answer.status >= 400:
                    raise _Gone(self.api.client.refused(answer))
                self._accept(answer, sent=None)
        self.uncertain = False
        return False

    def _open(self) -> None:
        url = self.api.url("blobs/uploads/")
        with self.api.request("POST", url, body=Body.of(b""), ok=(202,)) as answer:
            self.location = self.api.location(answer, url)
            least = answer.headers.get("oci-chunk-min-length", "")
        self.chunk = max(CHUNK, int(least) if least.isdecimal() else 0)
        self.offset = 0
        self._tell(0)

    def _send_chunk(self) -> None:
        before, size = self.offset, min(self.chunk, self.blob.size - self.offset)
        headers = {"Content-Type": _MEDIA, "Content-Range": f"{self.offset}-{self.offset + size - 1}"}
        try:
            with self.api.request(
                "PATCH", self.location, headers, body=self._body(size), ok=(202, 404, 416)
            ) as answer:
                if answer.status != 202:
                    raise _Gone(self.api.client.refused(answer))
                self._accept(answer, sent=self.offset + size)
        except TransientError:
            raise
        except FetchError as error:
            if error.status is None or error.status in (401, 403):
                raise
            self.whole = True  # a registry may not want pieces, or not of this size
            raise _Gone(error) from error
        if self.offset <= before:
            self.whole = True
            raise _Gone(FetchError(f"{self.api.reference.registry} takes no pieces of a blob"))

    def _close(self) -> None:
        size = self.blob.size - self.offset
        headers = {"Content-Type": _MEDIA}
        if self.offset and size:
            headers["Content-Range"] = f"{self.offset}-{self.blob.size - 1}"
        url = f"{self.location}{'&' if urlsplit(self.location).query else '?'}digest={self.blob.digest}"
        resumed = self.offset > 0
        try:
            with self.api.request(
                "PUT",
                url,
                headers,
                body=self._body(size),
                ok=(200, 201, 204),
                patience=self.blob.size / _PACE,
            ) as answer:
                told = answer.headers.get("docker-content-digest", "")
        except TransientError:
            raise
        except FetchError as error:
            # 416: out of order; 404: forgotten; 400 after pieces: some got lost, or came twice
            if error.status in (404, 416) or (error.status == 400 and resumed):
                self.whole = True
                raise _Gone(error) from error
            if error.status == 400:
                error.hint = "the blob in the store may be damaged: see `slipway store check`"
            raise
        if told.startswith("sha256:") and told != self.blob.digest:
            raise VerifyError(
                f"{self.api.reference.registry} has other bytes than were sent",
                details=f"sent {self.blob.digest}, it has {told}",
            )
        self._tell(self.blob.size)

    def _accept(self, answer: Answer, sent: int | None) -> None:
        """Note where to go on and how much the registry has: `sent` bytes if it says nothing."""
        found = _RANGE.match(answer.headers.get("range", "").strip())
        have = int(found[1]) + 1 if found else sent or 0
        if found and found[1] == "0":
            have = 0  # registries write 0-0 for nothing; should it be one byte, the digest will tell
        if have > self.blob.size:
            raise _Gone(
                FetchError(f"{self.api.reference.registry} has more bytes of an upload than were sent")
            )
        if answer.headers.get("location"):
            self.location = self.api.location(answer, self.location)
        self.offset = have
        self._tell(have)

    def _body(self, size: int) -> Body:
        return Body(lambda: self._read(self.offset, size), size)

    def _read(self, start: int, size: int) -> Iterator[bytes]:
        self._tell(start)
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            while size:
                data = file.read(min(size, _PIECE))
                if not data:
                    raise StoreError(f"the blob {self.blob.digest} became shorter while it was read")
                yield data
                size -= len(data)
                self._tell(self.told + len(data))

    def _tell(self, done: int) -> None:
        if done != self.told:
            self.step.advance(done - self.told)
            self.told = done
