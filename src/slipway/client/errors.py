"""What a service answers when it refuses: problem documents (RFC 9457) and the plain messages of IMS."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from slipway.errors import FetchError
from slipway.net_errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LINES = 20
_HINTS = {
    401: "sign in: a token in SLIPWAY_TOKEN or --token-file, or client credentials in OAUTH_CONFIG_DIR",
    403: "the one who is signed in may not do this; see which roles the token has",
    413: "the service takes no more at once; its settings name the limit",
}


class ServiceError(FetchError):
    """The service refused. `errors` are its findings about fields, as it wrote them; `title` and `detail` may be empty."""

    code = "service"

    def __init__(
        self,
        brief: str,
        *,
        status: int,
        title: str = "",
        detail: str = "",
        errors: object = None,
        hint: str = "",
    ) -> None:
        lines = list(_lines(errors))
        more = [f"and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
        super().__init__(brief, details="\n".join(lines[:_MOST_LINES] + more), hint=hint, status=status)
        self.title = title
        self.detail = detail
        self.errors = errors

    def as_dict(self) -> dict[str, object]:
        out = {**super().as_dict(), "status": self.status}
        if self.title:
            out["title"] = self.title
        if self.detail:
            out["detail"] = self.detail
        if self.errors:
            out["errors"] = self.errors
        return out


class BusyError(TransientError):
    """An answer that may be another one later; `refused` is the error if it is not."""

    def __init__(self, refused: ServiceError, retry_after: float | None) -> None:
        super().__init__(
            refused.brief,
            details=refused.details,
            hint=refused.hint,
            status=refused.status,
            retry_after=retry_after,
        )
        self.refused = refused


def refused(doing: str, status: int, content: bytes) -> ServiceError:
    """The error for an answer; `doing` is what was asked for, such as `GET http://HOST/v3/images`."""
    document = _document(content)
    title = _text(document.get("title"))
    detail = _text(document.get("detail")) or _text(document.get("message"))
    if not title:
        title = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    brief = f"{doing}: the service answers {status} {title}".rstrip()
    if detail and detail != title:
        brief = f"{brief}: {detail}"
    return ServiceError(
        brief,
        status=status,
        title=title,
        detail=detail,
        errors=document.get("errors"),
        hint=_HINTS.get(status, ""),
    )


def _document(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return " ".join(value.split())[:500] if isinstance(value, str) else ""


def _lines(errors: object, at: str = "") -> Iterator[str]:
    """`{"link": {"type": ["no"]}}` as `link.type: no`; RFC 9457 lists of objects with `pointer` and `detail` too."""
    if isinstance(errors, dict):
        named = errors.get("pointer") or errors.get("field") or errors.get("loc")
        said = errors.get("detail") or errors.get("message") or errors.get("msg")
        if isinstance(named, str) and isinstance(said, str):
            yield f"{_text(named)}: {_text(said)}"
            return
        for name, below in errors.items():
            yield from _lines(below, f"{at}.{name}" if at else str(name))
    elif isinstance(errors, list):
        for below in errors:
            yield from _lines(below, at)
    elif errors is not None:
        yield f"{at}: {_text(str(errors))}" if at else _text(str(errors))
