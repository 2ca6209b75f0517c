"""What requests bring: JSON within limits, merged (RFC 7396) and checked against a model, each error with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from slipway.service.v4.problems import Fault, invalid, pointer, refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

M = TypeVar("M", bound=BaseModel)
JSON: Final = ("application/json",)
MERGE: Final = ("application/merge-patch+json", "application/json")


async def content(
    request: Request, limit: int, media: Sequence[str] = JSON, *, optional: bool = False
) -> Any:
    """The JSON of the body: 415 for another type, 413 above `limit` bytes, 400 where it is none. `{}` for an `optional` empty one."""
    data = await raw(request, limit)
    if optional and not data:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in media:
        accept = "accept-patch" if request.method == "PATCH" else "accept"
        problem = refused(415, f"the body has to be {' or '.join(media)}")
        problem.problem.headers[accept] = ", ".join(media)
        raise problem
    return decoded(data)


async def raw(request: Request, limit: int) -> bytes:
    """413 above `limit` bytes, before they are all here."""
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdecimal() or (limit and int(length[:19]) > limit):
        raise too_large(limit)
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if limit and len(data) > limit:
                raise too_large(limit)
    except ClientDisconnect:
        raise refused(400, "the body ended early") from None
    return bytes(data)


def too_large(limit: int) -> Exception:
    return refused(413, f"the body has more than the {limit} bytes that are taken")


def decoded(data: bytes) -> Any:
    try:
        return json.loads(data.decode(), parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        reason = str(error)[:200] if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        raise refused(400, f"the body is not JSON: {reason}") from None


def checked(model: type[M], data: object, base: str = "#") -> M:
    """422 with all that is wrong; pointers begin with `base`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [
            Fault(_detail(each), pointer(_place(each), base)) for each in error.errors(include_url=False)
        ]
        raise invalid(faults) from None


def merged(target: object, patch: object) -> Any:
    """RFC 7396, section 2: members that are null go, objects are merged, all else is replaced."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = merged(out.get(name), value)
    return out


def _place(error: Any) -> list[str | int]:
    return [part for part in error["loc"] if part != "[key]"]


def _detail(error: Any) -> str:
    text = str(error["msg"])
    return text[:1].lower() + text[1:300]


def _constant(name: str) -> NoReturn:
    raise ValueError(name)
