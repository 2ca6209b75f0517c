"""An issuer in this process, for what a real one does not do on request: other keys, wrong documents, being away."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Iterator

AUDIENCE = "slipway"
_MADE: dict[str, Any] = {}


def key(kid: str, kind: str = "RSA") -> Any:
    """The same key for the same name: making one takes its time."""
    if kid not in _MADE:
        given: Any = {"kid": kid, "use": "sig"}
        if kind == "RSA":
            _MADE[kid] = RSAKey.generate_key(2048, given)
        elif kind == "EC":
            _MADE[kid] = ECKey.generate_key("P-256", given)
        else:
            _MADE[kid] = OKPKey.generate_key("Ed25519", given)
    return _MADE[kid]


class Issuer:
    """`keys` are those it shows; `asked` counts requests for them; `away` answers 500; `claimed` is whom it says it is."""

    def __init__(self) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content = issuer.answer(self.path)
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.claimed = self.url
        self.keys: list[Any] = [key("k1")]
        self.extra: list[dict[str, Any]] = []
        self.away = False
        self.asked = 0

    def answer(self, path: str) -> tuple[int, Any]:
        if self.away:
            return 500, {}
        if path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.claimed, "jwks_uri": f"{self.url}/jwks"}
        self.asked += 1
        return 200, {"keys": KeySet(self.keys).as_dict(private=False)["keys"] + self.extra}

    def token(self, signer: Any = None, alg: str = "RS256", kid: str = "k1", **changes: Any) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "crew",
            "iat": now,
            "exp": now + 600,
            "roles": ["builder"],
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": kid}, claims, signer or key(kid), algorithms=[alg])


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()
    thread = threading.Thread(target=issuer.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        thread.join()
        issuer.server.server_close()
