"""Uploads in parts: begun, sent at the same time or again, completed or given up.

The id that clients have holds bucket, key and the storage's own id, so the service keeps nothing; what it says is checked each time.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.service.v4 import answers, bodies, models, views
from slipway.service.v4.access import actor_of
from slipway.service.v4.artifacts import described
from slipway.service.v4.places import need_bucket, need_key
from slipway.service.v4.problems import at, missing
from slipway.service.v4.streaming import Incoming

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from slipway.service.v4.artifacts import Artifacts
    from slipway.service.v4.context import Context


class _Place(NamedTuple):
    bucket: str
    key: str
    upload: str


def name_of(bucket: str, key: str, upload: str) -> str:
    """The id that clients have, of an upload that the storage calls `upload`."""
    return base64.urlsafe_b64encode(json.dumps([bucket, key, upload]).encode()).decode().rstrip("=")


class Uploads:
    def __init__(self, context: Context, artifacts: Artifacts) -> None:
        self.context, self.artifacts = context, artifacts
        self.storage = context.service.artifacts

    async def begin(self, request: Request) -> Response:
        content = await bodies.content(request, self.context.service.settings.request_limit)
        asked = bodies.checked(models.UploadIn, content)
        await self._need(request, asked.bucket, asked.key)
        begin = self.storage.begin
        upload = await self.context.run(
            begin, asked.bucket, asked.key, content_type=asked.content_type, metadata=asked.metadata
        )
        name = name_of(asked.bucket, asked.key, upload)
        body = {"id": name, "bucket": asked.bucket, "key": asked.key, "parts": []}
        location = f"{answers.base(request)}/uploads/{name}"
        return answers.answer(views.encoded(body), 201, {"location": location})

    async def get(self, request: Request) -> Response:
        """What has come so far, for those who go on after an interruption."""
        place = await self._place(request)
        parts = await self.context.run(self.storage.parts, *place)
        body: dict[str, Any] = {"id": request.path_params["id"], "bucket": place.bucket, "key": place.key}
        body["parts"] = [{"part": n, "etag": etag, "size": size} for n, (size, etag) in sorted(parts.items())]
        return answers.answer(views.encoded(body))

    async def part(self, request: Request) -> Response:
        text = request.path_params["number"]
        if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= 10000):
            raise missing("part", text)
        place = await self._place(request)
        incoming = Incoming(request, self.context.service.settings.upload_limit)
        etag = await self.artifacts.transfer(self.storage.part, *place, int(text), incoming)
        return answers.answer(views.encoded({"part": int(text), "etag": etag}), 200, {"etag": f'"{etag}"'})

    async def complete(self, request: Request) -> Response:
        limit = self.context.service.settings.request_limit
        content = await bodies.content(request, limit, optional=True)
        asked = bodies.checked(models.CompleteIn, content)
        place = await self._place(request)
        stat = await self.artifacts.transfer(self._complete, place, asked)
        return answers.answer(views.encoded(described(stat)), 201, {"etag": f'"{stat.etag}"'})

    async def abort(self, request: Request) -> Response:
        place = await self._place(request)
        await self.context.run(self.storage.abort, *place)
        return answers.nothing()

    def _complete(self, place: _Place, asked: models.CompleteIn) -> Any:
        if asked.parts is not None:
            parts = [(each.part, each.etag.strip('"')) for each in asked.parts]
        else:
            present = self.storage.parts(*place)
            parts = [(number, etag) for number, (_, etag) in sorted(present.items())]
            if not parts:
                raise at("#/parts", "no part has come yet")
        return self.storage.complete(*place, parts)

    async def _place(self, request: Request) -> _Place:
        name = request.path_params["id"]
        try:
            found = json.loads(base64.b64decode(name + "=" * (-len(name) % 4), b"-_", validate=True))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or len(found) != 3 or not all(isinstance(each, str) for each in found):
            raise missing("upload", name)
        place = _Place(*found)
        await self._need(request, place.bucket, place.key)
        return place

    async def _need(self, request: Request, bucket: str, key: str) -> None:
        service = self.context.service
        need_bucket(service, bucket, key)
        await self.context.run(need_key, service, actor_of(request), "write", key)
