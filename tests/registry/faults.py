"""A registry on loopback that speaks the distribution protocol over dictionaries, and can be told to misbehave."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from tests.inputs.server import Handler, Server

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    Fault = Callable[["RegistryHandler", Callable[[], None]], None]

_MANIFEST = re.compile(r"/v2/(?P<repo>[a-z0-9/._-]+)/manifests/(?P<ref>[^/]+)\Z")
_BLOB = re.compile(r"/v2/(?P<repo>[a-z0-9/._-]+)/blobs/(?P<digest>sha256:[0-9a-f]{64})\Z")
_UPLOADS = re.compile(r"/v2/(?P<repo>[a-z0-9/._-]+)/blobs/uploads/\Z")
_UPLOAD = re.compile(r"/v2/(?P<repo>[a-z0-9/._-]+)/blobs/uploads/(?P<id>\d+)\Z")


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass
class Seen:
    """A request that came; `sent` is how many bytes of its body were read."""

    method: str
    path: str
    headers: dict[str, str]
    sent: int = 0


class RegistryHandler(Handler):
    server: FaultRegistry
    seen: Seen
    cut: int | None = None  # bytes of the answer's body after which the connection ends
    wrong: bytes | None = None  # a blob's bytes instead of the right ones

    def do_GET(self) -> None:  # noqa: N802 - the name it has in the base class
        self.seen = Seen(self.command, self.path, dict(self.headers.items()))
        self.cut, self.wrong = None, None
        registry = self.server
        registry.seen.append(self.seen)
        for number, (method, pattern, fault) in enumerate(registry.faults):
            if method in ("", self.command) and re.search(pattern, self.path):
                del registry.faults[number]
                fault(self, self.dispatch)
                return
        self.dispatch()

    do_HEAD = do_PUT = do_POST = do_PATCH = do_GET  # noqa: N815

    def dispatch(self) -> None:
        path = urlsplit(self.path).path
        if path == "/token":
            self.token()
        elif not self.allowed():
            self.body()
            self.challenge()
        elif path == "/v2/":
            self.reply(200, b"{}")
        elif found := _MANIFEST.match(path):
            self.manifest(found["repo"], found["ref"])
        elif found := _BLOB.match(path):
            self.blob(found["repo"], found["digest"])
        elif found := _UPLOADS.match(path):
            self.start(found["repo"])
        elif found := _UPLOAD.match(path):
            self.upload(found["repo"], found["id"])
        else:
            self.refuse(404, "NAME_UNKNOWN", "no such thing")

    # -- who may ask -----------------------------------------------------------------------------------------

    def allowed(self) -> bool:
        registry, given = self.server, self.headers.get("Authorization", "")
        if registry.auth == "basic":
            return given == registry.basic()
        if registry.auth == "bearer":
            return given.removeprefix("Bearer ") in registry.tokens
        return True

    def challenge(self) -> None:
        registry = self.server
        if registry.auth == "basic":
            words = 'Basic realm="crew only"'
        else:
            repo = re.match(r"/v2/(.+?)/(?:blobs|manifests)/", self.path)
            scope = f',scope="repository:{repo[1]}:pull"' if repo else ""
            words = f'Bearer realm="{registry.realm or registry.url("/token")}",service="here"{scope}'
        self.refuse(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": words})

    def token(self) -> None:
        registry = self.server
        fields = parse_qs(
            self.body().decode() if self.command == "POST" else urlsplit(self.path).query,
            keep_blank_values=True,
        )
        registry.asked_tokens.append({"method": self.command, **fields})
        given = self.headers.get("Authorization", "")
        wanted = registry.identity_token
        if (given and given != registry.basic()) or (wanted and fields.get("refresh_token") != [wanted]):
            self.refuse(401, "UNAUTHORIZED", "wrong password")
            return
        token = f"token-{next(registry.numbers)}"
        registry.tokens.add(token)
        self.reply(200, json.dumps({"token": token, **registry.token_fields}).encode())

    # -- what there is ---------------------------------------------------------------------------------------

    def manifest(self, repo: str, ref: str) -> None:
        registry = self.server
        if self.command == "PUT":
            data, kind = self.body(), self.headers["Content-Type"]
            registry.manifests[repo, ref] = registry.manifests[repo, sha256(data)] = (data, kind)
            self.reply(201, headers={"Docker-Content-Digest": sha256(data)})
            return
        if (repo, ref) not in registry.manifests:
            self.refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
            return
        data, kind = registry.manifests[repo, ref]
        headers = {"Content-Type": kind}
        if registry.tells_digests:
            headers["Docker-Content-Digest"] = sha256(data)
        self.reply(200, data if self.wrong is None else self.wrong, headers)

    def blob(self, repo: str, digest: str) -> None:
        registry = self.server
        if digest not in registry.repositories.get(repo, ()):
            self.refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
            return
        if registry.blobs_at:
            self.reply(307, headers={"Location": f"{registry.blobs_at}{self.path}"})
            return
        data = registry.blobs[digest] if self.wrong is None else self.wrong
        asked = re.match(r"bytes=(\d+)-\Z", self.headers.get("Range", ""))
        if asked and registry.ranges:
            start = int(asked[1])
            place = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            self.reply(206, data[start:], place)
        else:
            self.reply(200, data)

    # -- what is brought -------------------------------------------------------------------------------------

    def start(self, repo: str) -> None:
        registry = self.server
        self.body()
        fields = parse_qs(urlsplit(self.path).query)
        if registry.mounts and "mount" in fields:
            digest = fields["mount"][0]
            if digest in registry.repositories.get(fields["from"][0], ()):
                registry.repositories.setdefault(repo, set()).add(digest)
                self.reply(201, headers={"Location": f"/v2/{repo}/blobs/{digest}"})
                return
        number = str(next(registry.numbers))
        registry.uploads[number] = b""
        self.reply(202, headers={"Location": self.place(repo, number), "Range": "0-0"})

    def upload(self, repo: str, number: str) -> None:
        registry = self.server
        if number not in registry.uploads:
            self.body()
            self.refuse(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown")
        elif self.command == "GET":
            self.reply(204, headers=self.progress(repo, number))
        elif self.command == "PATCH" and not registry.chunks:
            self.body()
            self.refuse(405, "UNSUPPORTED", "no pieces, please")
        elif (begin := self.begin()) is not None and begin != len(registry.uploads[number]):
            self.body()
            self.refuse(416, "BLOB_UPLOAD_INVALID", "out of order")
        else:
            self.receive(number)
            if self.command == "PATCH":
                self.reply(202, headers=self.progress(repo, number))
            else:
                self.finish_upload(repo, number)

    def finish_upload(self, repo: str, number: str) -> None:
        registry, data = self.server, self.server.uploads.pop(number)
        if sha256(data) != parse_qs(urlsplit(self.path).query)["digest"][0]:
            self.refuse(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            return
        registry.add_blob(repo, data)
        self.reply(201, headers={"Docker-Content-Digest": sha256(data if self.wrong is None else self.wrong)})

    def begin(self) -> int | None:
        found = re.match(r"(\d+)-\d+\Z", self.headers.get("Content-Range", ""))
        return int(found[1]) if found else None

    def receive(self, number: str, most: int | None = None) -> None:
        """Take the body, or its first bytes, into the upload."""
        self.server.uploads[number] += self.body(most)

    def progress(self, repo: str, number: str) -> dict[str, str]:
        have = len(self.server.uploads[number])
        return {"Location": self.place(repo, number), "Range": f"0-{max(0, have - 1)}"}

    def place(self, repo: str, number: str) -> str:
        path = f"/v2/{repo}/blobs/uploads/{number}?state=a%3Db"
        return path if self.server.relative else self.server.url(path)

    # -- how to say it ---------------------------------------------------------------------------------------

    def body(self, most: int | None = None) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length if most is None else min(length, most))
        self.seen.sent += len(data)
        return data

    def refuse(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        words = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.reply(status, words, {"Content-Type": "application/json", **(headers or {})})

    def reply(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        if self.command == "HEAD":
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
        else:
            self.answer(status, data, headers, self.cut)


class FaultRegistry(Server):
    """Each request takes the first of `faults` that fits it, and is served well when none does."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(context)
        self.RequestHandlerClass = cast("Any", RegistryHandler)
        self.blobs: dict[str, bytes] = {}
        self.repositories: dict[str, set[str]] = {}
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.uploads: dict[str, bytes] = {}
        self.faults: list[tuple[str, str, Fault]] = []
        self.seen: list[Seen] = []
        self.numbers = itertools.count(1)
        # who may ask: "", "basic" or "bearer"
        self.auth = ""
        self.user, self.password, self.identity_token = "crew", "s3cret", ""
        self.realm = ""
        self.tokens: set[str] = set()
        self.token_fields: dict[str, object] = {"expires_in": 300}
        self.asked_tokens: list[dict[str, object]] = []
        # how it behaves
        self.mounts = self.ranges = self.chunks = self.tells_digests = True
        self.relative = False
        self.blobs_at = ""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def basic(self) -> str:
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()

    def add_blob(self, repo: str, data: bytes) -> str:
        digest = sha256(data)
        self.blobs[digest] = data
        self.repositories.setdefault(repo, set()).add(digest)
        return digest

    def add_manifest(self, repo: str, tag: str, data: bytes, kind: str) -> str:
        digest = sha256(data)
        self.manifests[repo, tag] = self.manifests[repo, digest] = (data, kind)
        return digest

    def fault(self, method: str, pattern: str, *faults: Fault) -> None:
        """The next requests of this method (empty: any) whose path has `pattern` meet these faults, one each."""
        self.faults += [(method, pattern, fault) for fault in faults]

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of every request whose path has `path` in it."""
        return [seen.headers for seen in self.seen if path in seen.path]

    def methods(self, part: str = "") -> list[str]:
        """The methods of the requests whose path has `part` in it."""
        return [seen.method for seen in self.seen if part in seen.path]


@contextmanager
def fault_registry(context: ssl.SSLContext | None = None) -> Iterator[FaultRegistry]:
    registry = FaultRegistry(context)
    try:
        yield registry
    finally:
        registry.stop()


def status(code: int, **headers: str) -> Fault:
    """This answer, instead of the right one."""

    def fault(handler: RegistryHandler, serve: Callable[[], None]) -> None:
        handler.body()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.refuse(code, "UNAVAILABLE", "not now", named)

    return fault


def cut(size: int) -> Fault:
    """The right answer, whose connection ends after `size` bytes of the body."""

    def fault(handler: RegistryHandler, serve: Callable[[], None]) -> None:
        handler.cut = size
        serve()

    return fault


def cut_upload(size: int, *, keep: bool = True) -> Fault:
    """Take `size` bytes of what is sent and hang up; with `keep`, the upload has them."""

    def fault(handler: RegistryHandler, serve: Callable[[], None]) -> None:
        found = _UPLOAD.match(urlsplit(handler.path).path)
        if keep and found:
            handler.receive(found["id"], size)
        else:
            handler.body(size)
        handler.close_connection = True

    return fault


def forgotten(handler: RegistryHandler, serve: Callable[[], None]) -> None:
    """Hang up in the middle of what is sent, and forget the upload."""
    handler.body(10)
    handler.server.uploads.clear()
    handler.close_connection = True


def unanswered(handler: RegistryHandler, serve: Callable[[], None]) -> None:
    """Do what is asked, and hang up instead of saying so."""
    handler.reply = lambda *_, **__: None  # type: ignore[method-assign]
    serve()
    handler.close_connection = True


def wrong(data: bytes) -> Fault:
    """These bytes instead of the right ones."""

    def fault(handler: RegistryHandler, serve: Callable[[], None]) -> None:
        handler.wrong = data
        serve()

    return fault


def silence(handler: RegistryHandler, serve: Callable[[], None]) -> None:
    """Say nothing until the test is over."""
    handler.server.released.wait(20)
    handler.close_connection = True


def short(size: int) -> Fault:
    """Announce `size` bytes fewer than there are, and send no more than that."""

    def fault(handler: RegistryHandler, serve: Callable[[], None]) -> None:
        digest = handler.path.rpartition("/")[2]
        handler.wrong = handler.server.blobs[digest][:-size]
        serve()

    return fault
