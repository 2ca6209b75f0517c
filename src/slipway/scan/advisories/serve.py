"""OSV's interface on this machine, so that other tools find advisories without a network.

    POST /v1/query, /v1/querybatch      GET /v1/vulns/ID

Loopback only. Errors are those of OSV: a status, and `{"code", "message"}` with gRPC's codes.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from slipway.errors import InputError, SlipwayError, UsageError
from slipway.scan.advisories import answers, fields
from slipway.scan.advisories.store import AdvisoryStore

if TYPE_CHECKING:
    from slipway.settings import Settings

HOST: Final = "127.0.0.1"

_LONGEST: Final = 4 << 20  # bytes of a question
_PATIENCE: Final = 30.0  # seconds without a byte from the other side
_INVALID, _NOT_FOUND, _INTERNAL = 3, 5, 13  # gRPC's status codes
_STATUS: Final = {_INVALID: 400, _NOT_FOUND: 404, _INTERNAL: 500}
_POSTS: Final = {"/v1/query": answers.query, "/v1/querybatch": answers.batch}
_VULNERABILITY: Final = "/v1/vulns/"


class Server(ThreadingHTTPServer):
    """`serve_forever` answers until `shutdown`. Every answer is from the newest state of the database."""

    daemon_threads = True

    def __init__(self, settings: Settings, port: int = 0) -> None:
        """Port 0: any that is free; `UsageError` when it is taken."""
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(f"cannot listen on {HOST}:{port}: {error}") from error
        self.settings = settings

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news, and what else goes wrong has been answered with 500."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        data = self._body()
        if data is None:
            return
        handle = _POSTS.get(urlsplit(self.path).path)
        if handle is None:
            self._fail(_NOT_FOUND, f"there is no {self.path}")
            return
        try:
            question = fields.document(data, "the question")
            if not isinstance(question, dict):
                raise UsageError("the question is not a mapping")
            with AdvisoryStore.of(self.server.settings) as store:
                answer = handle(store, question)
        except (UsageError, InputError) as error:
            self._fail(_INVALID, _told(error))
        except SlipwayError as error:
            self._fail(_INTERNAL, _told(error))
        else:
            self._send(200, answer)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        name = unquote(path.removeprefix(_VULNERABILITY))
        try:
            with AdvisoryStore.of(self.server.settings) as store:
                found = answers.vulnerability(store, name) if path.startswith(_VULNERABILITY) else None
        except SlipwayError as error:
            self._fail(_INTERNAL, _told(error))
            return
        if found is None:
            self._fail(
                _NOT_FOUND, "Bug not found." if path.startswith(_VULNERABILITY) else f"there is no {path}"
            )
        else:
            self._send(200, found)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in the base class
        """Who asks is not written anywhere."""

    def _body(self) -> bytes | None:
        """The question; None when it was refused, and with it the connection."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LONGEST:
            self.close_connection = True
            self._send(413, {"code": _INVALID, "message": f"a question has at most {_LONGEST} bytes"})
            return None
        return self.rfile.read(int(length))

    def _fail(self, code: int, message: str) -> None:
        self._send(_STATUS[code], {"code": code, "message": message})

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        data = json.dumps(answer, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _told(error: SlipwayError) -> str:
    return f"{error.brief} ({error.hint})" if error.hint else error.brief
