"""Repositories made with git itself, and real servers for them: git's daemon, and its HTTP backend behind TLS and a password."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.registry.real import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "crew", "canary-p4ss/w@rd"
_ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}


def git(directory: Path, *words: str | Path, **env: str) -> str:
    """Run git as somebody who develops."""
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *words],
        cwd=directory,
        env=_ENV | {"HOME": str(directory)} | env,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@dataclass
class Repo:
    """A repository with a working tree, `path`; its clock goes on by a second with each commit."""

    path: Path
    time: int = 1_700_000_000

    @classmethod
    def new(cls, path: Path, **files: str) -> Repo:
        path.mkdir(parents=True)
        git(path, "init", "-q", "-b", "main")
        made = cls(path)
        if files:
            made.commit(**files)
        return made

    def git(self, *words: str | Path, **env: str) -> str:
        return git(self.path, *words, **env)

    def commit(self, message: str = "change", **files: str) -> str:
        """Commit files (`a__b` is `a/b`, and `_` a dot, as far as names of arguments go) and what was staged before."""
        for name, text in files.items():
            self.write(name.replace("__", "/").replace("_", "."), text)
        self.git("add", "--all")
        self.time += 1
        date = f"{self.time} +0000"
        self.git(
            "commit", "-q", "--allow-empty", "-m", message, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date
        )
        return self.head

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")


def sample(path: Path) -> Repo:
    """Three commits: `one` has the tag v1 (annotated), the branch old is at `two`; modes, links, directories in it."""
    repo = Repo.new(path)
    repo.write("run.sh", "#!/bin/sh\n").chmod(0o755)
    repo.write("lib/deep/data", b"\x00\xff" * 50)
    (repo.path / "link").symlink_to("lib/deep")
    (repo.path / "out").symlink_to("../../../etc/passwd")
    repo.commit("one", README_md="one\n")
    repo.git("tag", "-a", "v1", "-m", "first")
    repo.commit("two", README_md="two\n")
    repo.git("branch", "old")
    repo.commit("three", README_md="three\n")
    return repo


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("the server does not start")


@contextmanager
def daemon(base: Path) -> Iterator[str]:
    """`git daemon` for all that is below `base`; its address without a slash at the end."""
    if not (Path(git(Path("/"), "--exec-path")) / "git-daemon").exists():
        pytest.skip("git's daemon is not installed")
    port = free_port()
    process = subprocess.Popen(
        ["git", "daemon", "--export-all", f"--base-path={base}", "--listen=127.0.0.1", f"--port={port}"],
        env=_ENV | {"HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(port, process)
        yield f"git://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(10)


@dataclass
class WebGit:
    """`git http-backend` behind a server; `requests` are (method, path, Authorization) in their order."""

    base: Path
    port: int
    scheme: str
    ca: Path | None = None
    login: tuple[str, str] | None = None
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    answer: int = 0  # a status to give to everything
    redirect: str = ""
    protocol: bool = True  # whether the backend is told which protocol the client asked for
    hang: threading.Event = field(default_factory=threading.Event)
    hanging: bool = False

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/{path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: WebGit

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        state, said = self.state, self.headers.get("Authorization", "")
        body = self._body()
        state.requests.append((self.command, self.path, said))
        if state.hanging:
            state.hang.wait(30)
            self.close_connection = True
            return
        if state.redirect:
            self._answer(302, b"", {"Location": state.redirect + self.path})
        elif state.answer:
            self._answer(state.answer, b"no")
        elif state.login and said != _basic(*state.login):
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="git"'})
        else:
            self._backend(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _backend(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        env = _ENV | {
            "GIT_PROJECT_ROOT": str(self.state.base),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": "someone",
            "HOME": "/nonexistent",
        }
        if self.state.protocol:
            env["GIT_PROTOCOL"] = self.headers.get("Git-Protocol", "")
        done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(headers.pop("Status", "200").split()[0])
        self._answer(status, content, headers)

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in the base class
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that do not like the certificate go away


@contextmanager
def web(base: Path, *, login: bool = False, tls: Path | None = None) -> Iterator[WebGit]:
    """What is below `base`, by HTTP; with `tls` by HTTPS, the certificates being made in that directory."""
    state = WebGit(base, 0, "https" if tls else "http", login=(USER, PASSWORD) if login else None)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    state.port = server.server_port
    if tls:
        tls.mkdir(parents=True, exist_ok=True)
        make_certificates(tls)
        state.ca = tls / "ca.pem"
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls / "server.pem", tls / "server.key")
        # the handshake in the handler's thread: a client that refuses must not stop the others
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield state
    finally:
        state.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass
class Proxy:
    """A proxy that counts: `seen` are the places (`HOST:PORT`) that it was asked for."""

    port: int = 0
    seen: list[str] = field(default_factory=list)


@contextmanager
def proxy(*, socks: bool) -> Iterator[Proxy]:
    """A SOCKS 5 proxy (RFC 1928), or one of HTTP that answers CONNECT; names are looked up by it."""
    state = Proxy()
    listener = socket.create_server(("127.0.0.1", 0))
    state.port = listener.getsockname()[1]
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_one, args=(client, state, socks), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _one(client: socket.socket, state: Proxy, socks: bool) -> None:
    with client:
        try:
            host, port = (_socks if socks else _connect)(client)
            state.seen.append(f"{host}:{port}")
            # every name is this machine, so that a name nobody knows proves who looked it up
            with socket.create_connection(("127.0.0.1", port)) as server:
                client.sendall(b"\5\0\0\1\0\0\0\0\0\0" if socks else b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()
        except (OSError, ValueError):
            return


def _socks(client: socket.socket) -> tuple[str, int]:
    _, methods = _exactly(client, 2)
    _exactly(client, methods)
    client.sendall(b"\5\0")
    _, _, _, kind = _exactly(client, 4)
    if kind == 1:
        host = socket.inet_ntoa(_exactly(client, 4))
    else:
        host = _exactly(client, _exactly(client, 1)[0]).decode()
    return host, int.from_bytes(_exactly(client, 2), "big")


def _connect(client: socket.socket) -> tuple[str, int]:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _exactly(client, 1)
    method, place, *_ = head.decode().split()
    if method != "CONNECT":
        raise ValueError(method)
    host, _, port = place.rpartition(":")
    return host, int(port)


def _exactly(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = client.recv(size - len(found))
        if not piece:
            raise ValueError("the client went away")
        found += piece
    return found


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def installed(program: str, package: str) -> None:
    """Skip the test unless `program` is there, or can be installed."""
    if shutil.which(program) is None and os.geteuid() == 0:
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", package]
        subprocess.run(command, capture_output=True, check=False)
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed, and cannot be")
