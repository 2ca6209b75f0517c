"""One request: what was asked, by whom, and with which body."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from slipway.service.asgi import header
from slipway.service.ims.answers import invalid, malformed, no_input, not_json, refused
from slipway.service.ims.fields import InvalidError, load
from slipway.service.model import SYSTEM

if TYPE_CHECKING:
    from slipway.service.asgi import Receive, Scope
    from slipway.service.ims.fields import Schema
    from slipway.service.model import Actor


@dataclass(frozen=True, slots=True)
class Call:
    """`id` is the last part of the path. `limit` is how many bytes a body may have (0: any number)."""

    scope: Scope
    receive: Receive
    id: str
    limit: int = 0

    @property
    def actor(self) -> Actor:
        found: Actor = self.scope.get("state", {}).get("actor", SYSTEM)
        return found

    def query(self) -> dict[str, list[str]]:
        text = self.scope.get("query_string", b"").decode("latin-1")
        try:
            return parse_qs(text, keep_blank_values=True, max_num_fields=1000)
        except ValueError:
            raise refused(400, "The query cannot be read.") from None

    async def given(self, schema: Schema) -> dict[str, Any]:
        """The body's fields, checked; anything else ends the request."""
        return self.checked(schema, await self.json())

    @staticmethod
    def checked(schema: Schema, content: object) -> dict[str, Any]:
        try:
            return load(schema, content)
        except InvalidError as error:
            raise invalid(error.errors) from None

    async def json(self) -> Any:
        """Any JSON but empty values."""
        if not _is_json(header(self.scope, b"content-type").decode("latin-1")):
            raise not_json()
        try:
            content = json.loads(await self._body())
        except (ValueError, RecursionError):
            raise malformed() from None
        if not content:
            raise no_input()
        return content

    async def _body(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            event = await self.receive()
            if event["type"] == "http.disconnect":
                raise malformed()
            piece = event.get("body", b"")
            size += len(piece)
            if self.limit and size > self.limit:
                raise refused(413, f"The body may have {self.limit} bytes at most.")
            pieces.append(piece)
            if not event.get("more_body", False):
                return b"".join(pieces)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
