"""Problem documents (RFC 9457): everything that is refused or fails is answered with one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from slipway.errors import InputError, SlipwayError, UsageError
from slipway.service.artifacts.model import ArtifactError, ChangedError, MissingError
from slipway.service.records.errors import DatabaseError, StaleError, TakenError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.types import Scope

MEDIA: Final = "application/problem+json"
_CODES: Final = {
    400: "malformed",
    401: "not-signed-in",
    403: "not-allowed",
    404: "not-found",
    405: "method",
    406: "not-acceptable",
    409: "conflict",
    412: "stale",
    413: "too-large",
    415: "media-type",
    416: "range",
    422: "invalid",
    429: "too-many",
    500: "failed",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where: a JSON pointer into the body (RFC 6901, as a fragment), a parameter, or a header."""

    detail: str
    pointer: str | None = None
    parameter: str = ""
    header: str = ""

    def plain(self) -> dict[str, str]:
        out = {"detail": self.detail}
        if self.pointer is not None:
            out["pointer"] = self.pointer
        if self.parameter:
            out["parameter"] = self.parameter
        if self.header:
            out["header"] = self.header
        return out


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` is stable: programs may match on it. `more` are members of its own (RFC 9457, section 3.2)."""

    status: int
    detail: str = ""
    code: str = ""
    faults: tuple[Fault, ...] = ()
    more: dict[str, object] = field(default_factory=dict, hash=False)
    headers: dict[str, str] = field(default_factory=dict, hash=False)

    def plain(self, request: str = "") -> dict[str, object]:
        code = self.code or _CODES.get(self.status, "error")
        out: dict[str, object] = {
            "type": f"urn:slipway:problem:{code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": code,
        }
        if self.detail:
            out["detail"] = self.detail
        if self.faults:
            out["errors"] = [fault.plain() for fault in self.faults]
        if request:
            out["request_id"] = request
        return {**out, **self.more}


class ProblemError(Exception):
    """Ends a request with this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.status)
        self.problem = problem


def refused(status: int, detail: str, *, code: str = "", **more: object) -> ProblemError:
    return ProblemError(Problem(status, detail, code, more=more))


def missing(what: str, name: str) -> ProblemError:
    return refused(404, f"there is no {what} {name[:100]!r}")


def invalid(faults: Iterable[Fault], detail: str = "some of what was sent cannot be taken") -> ProblemError:
    return ProblemError(Problem(422, detail, faults=tuple(faults)))


def at(pointer: str, detail: str) -> ProblemError:
    """One value of the body is wrong."""
    return invalid([Fault(detail, pointer)])


def pointer(path: Sequence[str | int], base: str = "#") -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "/".join((base, *parts))


def of(error: SlipwayError) -> Problem:
    """What an error of the library means to whoever asked."""
    match error:
        case TakenError():
            more: dict[str, object] = {"kind": error.kind, "field": error.field, "other": error.other}
            return Problem(409, error.brief, error.code, more=more)
        case StaleError():
            return Problem(412, f"{error.brief}: {error.hint}", error.code)
        case MissingError():
            return Problem(404, error.brief, error.code)
        case ChangedError():
            return Problem(412, error.brief, error.code)
        case InputError() | UsageError():
            return Problem(422, error.brief, error.code)
        case DatabaseError():
            return Problem(503, "the database does not answer", error.code, headers={"retry-after": "1"})
        case ArtifactError() if error.again:
            return Problem(503, error.brief, error.code, headers={"retry-after": "1"})
        case ArtifactError():
            return Problem(502, error.brief, error.code)
        case _:
            return Problem(500, "the service failed", error.code)


def answer(problem: Problem, scope: Scope) -> Response:
    body = json.dumps(problem.plain(request_id(scope))).encode()
    headers = {"cache-control": "no-store", **problem.headers}
    return Response(body, problem.status, headers=headers, media_type=MEDIA)


def request_id(scope: Scope) -> str:
    state: Mapping[str, Any] = scope.get("state") or {}
    return str(state.get("request_id", ""))
