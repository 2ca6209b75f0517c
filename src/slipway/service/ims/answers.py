"""What goes back: records, problem documents (RFC 7807), and the plain messages of the framework that IMS was written with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from slipway.service.asgi import JSON, PROBLEM

MISSING_RECORD: Final = "Requested resource does not exist. Re-run request with valid ID."
MISSING_URL: Final = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
    " and try again."
)
REPEAT: Final = (
    "etermine the specific information that is missing or invalid and then re-run the request with valid"
    " information."
)
_METHOD: Final = "The method is not allowed for the requested URL."
# The names that clients know; newer releases of the language call some of them differently.
_TITLES: Final = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class RefusedError(Exception):
    """Ends a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


NOTHING: Final = Answer(204)


def problem(status: int, detail: str = "", *, title: str = "", errors: object = None) -> Answer:
    content: dict[str, Any] = {
        "status": status,
        "title": title or _TITLES.get(status) or HTTPStatus(status).phrase,
    }
    if detail:
        content["detail"] = detail
    if errors is not None:
        content["errors"] = errors
    return Answer(status, json.dumps(content).encode(), PROBLEM)


def refused(status: int, detail: str = "", *, title: str = "", errors: object = None) -> RefusedError:
    return RefusedError(problem(status, detail, title=title, errors=errors))


def no_input() -> RefusedError:
    return refused(400, f"No input provided. D{REPEAT}")


def invalid(errors: object) -> RefusedError:
    detail = (
        "Input data was understood, but failed validation. Re-run request with valid input values for the fields"
        " indicated in the response."
    )
    return refused(422, detail, errors=errors)


def missing() -> RefusedError:
    return refused(404, MISSING_RECORD)


def conflict() -> RefusedError:
    detail = (
        "Requested resource exists, but cannot be patched due to a patch conflict. Re-run request with valid input"
        " values."
    )
    return refused(409, detail)


def forbidden() -> RefusedError:
    return refused(403, "Your roles do not allow this. Ask an administrator of the project.")


def message(status: int, content: str) -> RefusedError:
    return RefusedError(Answer(status, json.dumps({"message": content}).encode() + b"\n"))


def not_json() -> RefusedError:
    wrong = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
    return message(415, wrong)


def malformed() -> RefusedError:
    return message(400, "The browser (or proxy) sent a request that this server could not understand.")


def not_allowed(methods: bytes) -> Answer:
    content = {"message": _METHOD, "status": 405, "title": "Method Not Allowed", "detail": _METHOD}
    return Answer(405, json.dumps(content).encode() + b"\n", headers=((b"allow", methods),))


FAILED: Final = Answer(500, json.dumps({"message": "Internal Server Error"}).encode() + b"\n")
