"""Answers that are no problems: our own JSON bytes, with what caches and clients have to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from slipway.service.v4.problems import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from slipway.service.v4.replies import Reply

JSON = "application/json"


def answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`no-cache`: caches may keep it, but have to ask whether it has changed."""
    return Response(body, status, headers={"cache-control": "no-cache", **(headers or {})}, media_type=JSON)


def nothing(status: int = 204, headers: Mapping[str, str] | None = None) -> Response:
    return Response(None, status, headers=headers)


def replied(reply: Reply) -> Response:
    return answer(reply.body, reply.status, reply.headers)


def acceptable(request: Request, media: str) -> None:
    """406 unless the client takes that type."""
    accept = request.headers.get("accept", "").strip()
    if not accept:
        return
    group = media.partition("/")[0] + "/*"
    for part in accept.split(","):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        if name in (media, group, "*/*") and not any(_zero(each) for each in parameters):
            return
    raise refused(406, f"this can be had as {media} only")


def base(request: Request) -> str:
    """The path that the API is mounted at."""
    return str(request.scope.get("root_path", ""))


def _zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name == "q" and value.strip("0.") == ""
