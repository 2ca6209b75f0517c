"""What a download costs here, next to curl and to plain httpx2, from a server on loopback.

On loopback the network is faster than any mirror, so the processor time per MB is what counts: curl and httpx2 only move bytes
(httpx2 into nothing), Slipway also hashes, checks and stores them under their hash.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.events import Reporter
from slipway.inputs.download import Download, download_all
from slipway.oci.digest import hex_of, of_file
from slipway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

WORKLOADS = {"126 Debian packages": (126, 60), "120 wheels": (120, 180)}  # files, MB together
ROUNDS = 3


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two small packets: do not hold back the second

    def copyfile(self, source: object, _: object) -> None:
        self.wfile.flush()
        self.connection.sendfile(source)

    def log_message(self, *_: object) -> None:
        pass


def serve(directory: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Handler(*a, directory=directory))
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever).start()


def fill(directory: Path, count: int, megabytes: int) -> list[Path]:
    """Files of very different sizes, as packages are."""
    weights = [random.Random(n).paretovariate(1.2) for n in range(count)]
    paths = []
    for number, weight in enumerate(weights):
        path = directory / f"{count}-{number}"
        path.write_bytes(os.urandom(int(megabytes * 1e6 * weight / sum(weights))))
        paths.append(path)
    return paths


def measure(work: Callable[[], None], prepare: Callable[[], None]) -> tuple[float, float]:
    """The best of some rounds: seconds, and seconds of processor time (ours and our children's)."""

    def cpu() -> float:
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(u.ru_utime + u.ru_stime for u in usages)

    results = []
    for _ in range(ROUNDS):
        prepare()
        start, before = time.perf_counter(), cpu()
        work()
        results.append((time.perf_counter() - start, cpu() - before))
    return min(results)


def with_httpx2(urls: list[str]) -> None:
    import httpx2

    with httpx2.Client(trust_env=False) as client, ThreadPoolExecutor(8) as threads:

        def get(url: str) -> None:
            with client.stream("GET", url) as response:
                for _ in response.iter_raw():
                    pass

        list(threads.map(get, urls))


def with_curl(urls: list[str], out: Path) -> None:
    config = "".join(f"url={url}\noutput={out / str(n)}\n" for n, url in enumerate(urls))
    command = ["curl", "-sZ", "--parallel-max", "8", "-K", "-"]
    subprocess.run(command, input=config.encode(), check=True, stderr=subprocess.DEVNULL)  # its meter


def compare(name: str, files: list[Path], base: str, scratch: Path) -> None:
    settings = Settings(store=scratch, cache=scratch / "cache", workers=8)
    items = [Download(f"{base}/{f.name}", hex_of(of_file(f)), f.stat().st_size) for f in files]
    urls = [item.url for item in items]
    out = scratch / "curl"

    def clean() -> None:
        for directory in (out, settings.cache):
            shutil.rmtree(directory, ignore_errors=True)
        out.mkdir()

    def ours() -> None:
        download_all(items, settings, Reporter())

    rows = {"httpx2, thrown away": measure(lambda: with_httpx2(urls), clean)}
    if shutil.which("curl"):
        rows["curl, stored"] = measure(lambda: with_curl(urls, out), clean)
    rows["slipway, checked and stored"] = measure(ours, clean)
    rows["slipway, already there"] = measure(ours, lambda: None)
    megabytes = sum(item.size for item in items) / 1e6
    print(f"{name}: {len(items)} files, {megabytes:.0f} MB")
    plain = rows["httpx2, thrown away"]
    for label, (wall, cpu) in rows.items():
        print(
            f"  {label:28} {wall:7.3f} s ({wall / plain[0]:5.2f} x)   "
            f"cpu {cpu / megabytes * 1000:6.2f} ms/MB ({cpu / plain[1]:5.2f} x)"
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        served = Path(temporary) / "served"
        served.mkdir()
        command = [sys.executable, __file__, "--serve", str(served)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            base = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            try:
                for name, (count, megabytes) in WORKLOADS.items():
                    compare(name, fill(served, count, megabytes), base, Path(temporary))
            finally:
                server.terminate()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        main()
