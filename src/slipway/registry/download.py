"""A blob from a registry into the store: resumed where it was cut, and in the store only when it is the right one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.errors import FetchError, VerifyError
from slipway.net import TransientError
from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.events import Step
    from slipway.net import Answer
    from slipway.oci.store import BlobWriter, Descriptor, Store
    from slipway.registry.api import Api

_CONTENT_RANGE = pattern(r"bytes (\d{1,19})-\d+/(?:\d+|\*)\Z")  # RFC 9110, section 14.4


def download(api: Api, blob: Descriptor, store: Store, step: Step) -> None:
    """`VerifyError` when size or digest is wrong twice: the second time something on the way may have been at fault."""
    for last in (False, True):
        try:
            with store.writer() as out:
                _Download(api, blob, out, step).run()
            return
        except VerifyError:
            if last:
                raise


@dataclass(slots=True)
class _Download:
    api: Api
    blob: Descriptor
    out: BlobWriter
    step: Step

    def run(self) -> None:
        try:
            self.api.retry(self._attempt)
            if self.out.digest != self.blob.digest:
                raise VerifyError(
                    f"the blob {self.blob.digest} of {self.api.reference.name} is not what was promised: its hash is wrong",
                    details=f"got {self.out.size} bytes with {self.out.digest}",
                    hint="something on the way changes what is sent, or the registry is damaged",
                )
        except BaseException:
            self.step.advance(-self.out.size)
            raise

    def _attempt(self) -> None:
        before = self.out.size
        try:
            self._once()
        except TransientError as error:
            error.progress = self.out.size > before
            raise

    def _once(self) -> None:
        start = self.out.size
        if start == self.blob.size:
            return
        headers = {"Range": f"bytes={start}-"} if start else {}
        url = self.api.url(f"blobs/{self.blob.digest}")
        with self.api.request("GET", url, headers, ok=(200, 206, 404)) as answer:
            if answer.status == 404:
                raise FetchError(f"{self.api.reference.name} lacks the blob {self.blob.digest}", status=404)
            self._receive(answer, start)

    def _receive(self, answer: Answer, start: int) -> None:
        skip = 0
        if answer.status == 206:
            found = _CONTENT_RANGE.match(answer.headers.get("content-range", ""))
            if not start or not found or int(found[1]) != start:
                raise FetchError(f"{self.api.reference.registry} answers with a range that was not asked for")
        else:
            skip = start  # it cannot count: the bytes are the same ones, so those that are here pass by
            length = answer.headers.get("content-length", "")
            if length.isdecimal() and int(length) != self.blob.size:
                raise VerifyError(
                    f"the blob {self.blob.digest} has {length} bytes in {self.api.reference.name}, "
                    f"where {self.blob.size} were promised"
                )
        for chunk in answer.chunks():
            fresh = chunk[skip:]
            skip = max(0, skip - len(chunk))
            if self.out.size + len(fresh) > self.blob.size:
                raise VerifyError(
                    f"the blob {self.blob.digest} has more than the {self.blob.size} bytes promised"
                )
            if fresh:
                self.out.write(fresh)
                self.step.advance(len(fresh))
        if self.out.size < self.blob.size:
            raise TransientError(
                f"the blob {self.blob.digest} ended after {self.out.size} bytes where {self.blob.size} were promised"
            )
