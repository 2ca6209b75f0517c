"""Files on loopback for everybody alike: what recipes fetch, tini, and the directories that pip on this machine reads.

It is a process of its own (`python -m benchmarks.peers.web ROOT`), serves what is below ROOT, follows links
there, and knows ranges, which uv uses to read the metadata in wheels.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two small packets: do not hold back the second

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        wanted = _RANGE.match(self.headers.get("Range", ""))
        if not (wanted and path.is_file()):
            super().do_GET()
            return
        size = path.stat().st_size
        first, last = wanted.groups()
        start = int(first) if first else max(0, size - int(last or 0))
        end = min(int(last) if first and last else size - 1, size - 1)
        if start > end:
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        with path.open("rb") as file:
            self.wfile.flush()
            self.connection.sendfile(file, start, end - start + 1)

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def copyfile(self, source: object, _: object) -> None:
        self.wfile.flush()
        if hasattr(source, "fileno") and not hasattr(source, "getvalue"):
            self.connection.sendfile(source)
        else:
            self.wfile.write(source.read())  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """The address of a server of `root`, while the block lasts."""
    command = [sys.executable, "-m", "benchmarks.peers.web", str(root)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # uv opens many connections at once
    daemon_threads = True


def main(root: str) -> None:
    server = Server(("127.0.0.1", 0), lambda *a: Handler(*a, directory=root))
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main(sys.argv[1])
