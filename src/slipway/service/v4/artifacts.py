"""Artifacts: stored in one pass, read in whole or in part, and addresses for those who have no token."""

from __future__ import annotations

import base64
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

import anyio.to_thread
from starlette.responses import StreamingResponse

from slipway.patterns import pattern
from slipway.service.artifacts.model import ChangedError
from slipway.service.model import Image, Recipe
from slipway.service.v4 import answers, bodies, etags, models, views
from slipway.service.v4.access import actor_of
from slipway.service.v4.places import need_bucket, need_key
from slipway.service.v4.problems import Fault, invalid, missing, refused
from slipway.service.v4.ranges import wanted
from slipway.service.v4.streaming import Incoming, outgoing

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from slipway.service.artifacts.model import Stat
    from slipway.service.auth.roles import Verb
    from slipway.service.v4.context import Context
    from slipway.service.v4.problems import ProblemError

T = TypeVar("T")
_META: Final = "x-meta-"
_TYPE: Final = pattern(r"[\x20-\x7e]{1,255}")


class Artifacts:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.storage = context.service.artifacts

    async def put(self, request: Request) -> Response:
        bucket, key = await self.place(request, "write")
        only_new = request.headers.get("if-none-match")
        if only_new not in (None, "*"):
            raise invalid([Fault("only * is understood here", header="If-None-Match")])
        content_type = request.headers.get("content-type", "application/octet-stream")
        if not _TYPE.fullmatch(content_type):
            raise invalid([Fault("this is not a media type", header="Content-Type")])
        metadata = {
            name.removeprefix(_META): value
            for name, value in request.headers.items()
            if name.startswith(_META)
        }
        if "content-range" in request.headers:  # RFC 9110, section 14.5: else it would become the whole
            raise refused(400, "parts are sent as an upload")
        incoming = Incoming(request, self.context.service.settings.upload_limit)
        expected = None
        if only_new or "if-match" in request.headers:  # told before all is sent, and decided when it is
            expected = await self.context.run(self._expect, request, bucket, key)
        more = {"content_type": content_type, "metadata": metadata, "expected": expected}
        try:
            stat = await self.transfer(self.storage.put, bucket, key, incoming, **more)
        except ChangedError:
            raise (_exists() if only_new else etags.stale()) from None
        return answers.answer(views.encoded(described(stat)), 201, _headers(stat))

    async def get(self, request: Request) -> Response:
        bucket, key = await self.place(request, "read")
        stat = await self.context.run(self.storage.head, bucket, key)
        if stat is None:
            raise missing("artifact", key)
        headers = {
            **_headers(stat),
            "accept-ranges": "bytes",
            "cache-control": "no-cache",
            # whatever somebody has stored here is not to be run by browsers
            "content-disposition": "attachment",
            "content-security-policy": "sandbox",
            "content-type": stat.content_type,
        }
        if etags.unchanged(request.headers.get("if-none-match"), headers["etag"]):
            return answers.nothing(304, {name: headers[name] for name in ("etag", "cache-control")})
        part = wanted(request.headers, stat.size, headers["etag"]) if request.method == "GET" else None
        start, stop = part or (0, stat.size)
        headers["content-length"] = str(stop - start)
        if part:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{stat.size}"
        if request.method == "HEAD" or start == stop:
            return answers.nothing(200, headers)
        chunks = iter(await self.context.run(self.storage.chunks, bucket, key, start, stop))
        first = await self.transfer(next, chunks, b"")  # what fails at once can still be told
        return StreamingResponse(outgoing(chunks, first), 206 if part else 200, headers)

    async def remove(self, request: Request) -> Response:
        """Not what a record leads to."""
        bucket, key = await self.place(request, "write")
        await self.context.run(self._remove, request, bucket, key)
        return answers.nothing()

    async def address(self, request: Request) -> Response:
        """Who has it needs no token until it expires."""
        content = await bodies.content(request, self.context.service.settings.request_limit, optional=True)
        asked = bodies.checked(models.AddressIn, content)
        bucket, key = await self.place(request, "read" if asked.method == "GET" else "write")
        most = self.context.service.settings.url_seconds
        seconds = asked.seconds or most
        if seconds > most:
            raise invalid([Fault(f"{most} seconds are the most", "#/seconds")])
        expires = self.context.now() + seconds * 1_000_000
        url = await self.context.run(self.storage.url, bucket, key, seconds, asked.method)
        body = {"url": url, "method": asked.method, "expires": views.time(expires)}
        return answers.answer(views.encoded(body), 200, {"cache-control": "no-store"})

    async def place(self, request: Request, verb: Verb) -> tuple[str, str]:
        """Bucket and key, which the actor may use so."""
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        service = self.context.service
        need_bucket(service, bucket, key)
        await self.context.run(need_key, service, actor_of(request), verb, key)
        return bucket, key

    async def transfer(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """What may take long, in a thread of its own kind."""
        return await anyio.to_thread.run_sync(
            partial(function, *args, **named), limiter=self.context.transfers
        )

    def _expect(self, request: Request, bucket: str, key: str) -> str:
        """The ETag of what is there, empty for nothing; 412 when the conditions of the request do not hold."""
        stat = self.storage.head(bucket, key)
        if request.headers.get("if-none-match") == "*" and stat is not None:
            raise _exists()
        if_match = request.headers.get("if-match")
        if if_match is not None and stat is None:  # RFC 9110, section 13.1.1: * is for what is there
            raise etags.stale()
        etags.expect(if_match, f'"{stat.etag}"' if stat else "")
        return stat.etag if stat else ""

    def _remove(self, request: Request, bucket: str, key: str) -> None:
        if "if-match" in request.headers:
            self._expect(request, bucket, key)
        path = f"s3://{bucket}/{key}"
        for kind in (Image, Recipe):
            other = self.context.service.records.write(lambda tx, kind=kind: tx.by_link(kind, path))  # type: ignore[misc]
            if other:
                name = kind.__name__.lower()
                raise refused(409, f"the {name} {other} leads here", code="linked", kind=name, other=other)
        self.storage.delete(bucket, key)


def _exists() -> ProblemError:
    return refused(412, "there is an artifact already", code="exists")


def described(stat: Stat) -> dict[str, Any]:
    return {
        "bucket": stat.bucket,
        "key": stat.key,
        "path": f"s3://{stat.bucket}/{stat.key}",
        "size": stat.size,
        "etag": stat.etag,
        "modified": views.time(stat.modified) if stat.modified else None,
        "content_type": stat.content_type,
        "md5": stat.md5 or None,
        "sha256": stat.sha256 or None,
        "metadata": stat.metadata,
    }


def _headers(stat: Stat) -> dict[str, str]:
    out = {"etag": f'"{stat.etag}"', "last-modified": formatdate(stat.modified / 1_000_000, usegmt=True)}
    digests = []
    for name, digest in (("sha-256", stat.sha256), ("md5", stat.md5)):
        if digest:
            digests.append(f"{name}=:{base64.b64encode(bytes.fromhex(digest)).decode()}:")
    if digests:
        out["repr-digest"] = ", ".join(digests)
    known = {f"{_META}{name}": value for name, value in stat.metadata.items()}
    return {**{name: quote(value, safe=" !#$&'()*+,/:;=?@[]~") for name, value in known.items()}, **out}
