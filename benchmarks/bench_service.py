"""The image service with 10,000 images: requests a second, on SQLite and PostgreSQL, and whether it answers while much is moved.

Beside each rate is what it would be if the service had a core for itself (requests for each second of its CPU time): that number
depends less on what else this machine does. Beside each wait is that of a server that does nothing, asked in turn in the same run.
With `--quick` images of 1 GB instead of 10, and shorter runs. With `--s3` only the waits, and artifacts are on an S3 server (rclone's).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from tests.inputs.s3d import KEY, SECRET, s3d
from tests.service import postgres

from slipway.service.model import Image, Link
from slipway.service.records.store import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

IMAGES = 10_000
BLOCK = os.urandom(1 << 20)
PAUSE = 0.005  # seconds between questions of the probe
SLOWEST = 50  # ms, at the 99th percentile
JSON = {"Content-Type": "application/json"}
PROCESSES = multiprocessing.get_context("spawn")
SERVE = (sys.executable, "-c", "from slipway.cli.main import main; main()", "serve", "--json", "--port", "0")


@dataclass(frozen=True)
class Service:
    pid: int
    url: str

    def cpu(self) -> float:
        """Seconds that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        place = urlsplit(self.url)
        with contextlib.closing(HTTPConnection(place.hostname or "", place.port, timeout=600)) as connection:
            connection.request(method, path, body if body is None else json.dumps(body), JSON)
            answer = connection.getresponse()
            data = answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {data!r}")
            return json.loads(data) if data else None


def main(*, quick: bool = False, s3: bool = False) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if s3:
            with s3d(directory) as server:
                for bucket in ("boot-images", "ims"):
                    (server.root / bucket).mkdir()
                place = directory / "s3"
                database = f"sqlite:///{place}/service.db"
                access = {"S3_ENDPOINT": server.url, "S3_ACCESS_KEY": KEY, "S3_SECRET_KEY": SECRET}
                with filled(place, database, **access) as (service, _):
                    waits(service, (1 if quick else 10) * 10**9)
            return
        database = f"sqlite:///{directory}/sqlite/service.db"
        with filled(directory / "sqlite", database) as (service, image):
            rates("SQLite", service, image, 3 if quick else 8)
            waits(service, (1 if quick else 10) * 10**9)
        with contextlib.suppress(pytest.skip.Exception), postgres.running(durable=True) as server:
            engine = sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(sa.text("CREATE DATABASE bench"))
            engine.dispose()
            with filled(directory / "postgresql", f"{server}/bench") as (service, image):
                rates("PostgreSQL", service, image, 3 if quick else 8)


@contextmanager
def filled(directory: Path, database: str, **more: str) -> Iterator[tuple[Service, str]]:
    """A service with images that have names and links, and the id of one of them."""
    directory.mkdir()
    ids = [str(uuid4()) for _ in range(IMAGES)]
    images = [
        Image(
            id=id_, created=number, name=f"image {number}", link=Link(f"s3://boot-images/{id_}/manifest.json")
        )
        for number, id_ in enumerate(ids)
    ]
    with Records.open(database) as records:
        records.write(lambda tx: [tx.add(image) for image in images])
    before = os.times()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*SERVE, "--data", str(directory)],
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "SLIPWAY_SERVICE_DATABASE": database, **more},
        )
    try:
        assert process.stdout
        service = Service(process.pid, json.loads(process.stdout.readline())["address"])
        print(f"start: {os.times().elapsed - before.elapsed:.1f} s, {service.cpu():.2f} s of CPU", flush=True)
        yield service, ids[IMAGES // 2]
    finally:
        process.terminate()
        process.communicate()


def rates(title: str, service: Service, image: str, seconds: int) -> None:
    print(f"{title}, {IMAGES} images", load())
    for name, path, connections, body, wanted in (
        ("GET one", f"/v3/images/{image}", 8, "", 3000),
        ("GET all", "/v3/images", 4, "", 100),
        ("POST", "/v3/images", 64, '{"name": "new"}', 500),
    ):
        service.ask("GET", "/v3/images")  # read once: the first one after a start waits for the database
        before = service.cpu()
        requests, took = ask_all(service.url + path, connections, seconds, body)
        rate, alone = requests / took, requests / (service.cpu() - before)
        print(
            f"  {name:8} {rate:7.0f}/s ({rate / wanted:5.2f} x the wanted {wanted}), {alone:6.0f} each CPU second"
        )


def ask_all(url: str, connections: int, seconds: int, body: str) -> tuple[int, float]:
    """How many requests were answered, and in how many seconds: by wrk where it is installed."""
    if shutil.which("wrk") is None:
        return asyncio.run(_ask_all(url, connections, seconds, body))
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body:
            script.write(
                f"wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = 'application/json'\n"
            )
            script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, url]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    found = re.search(r"(\d+) requests in ([\d.]+)s", said)
    if found is None:
        raise RuntimeError(said)
    return int(found[1]), float(found[2])


async def _ask_all(url: str, connections: int, seconds: int, body: str) -> tuple[int, float]:
    place = urlsplit(url)
    head = f"{'POST' if body else 'GET'} {place.path} HTTP/1.1\r\nHost: x\r\n"
    kind = "Content-Type: application/json\r\n" if body else ""
    request = f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    begun = time.monotonic()

    async def one() -> int:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        count = 0
        while time.monotonic() - begun < seconds:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(answer)
            length = re.search(rb"(?i)content-length: (\d+)", answer)
            await reader.readexactly(int(length[1]) if length else 0)
            count += 1
        writer.close()
        return count

    counts = await asyncio.gather(*(one() for _ in range(connections)))
    return sum(counts), time.monotonic() - begun


def waits(service: Service, size: int) -> None:
    """`/healthz/live` while others keep the service busy."""
    print(f"/healthz/live, 99th percentile (wanted: {SLOWEST} ms)")
    upload(service.url, "one", size)
    path = "s3://boot-images/one/rootfs"
    artifacts = [{"type": "application/vnd.cray.image.rootfs.squashfs", "path": path}]
    image = service.ask("POST", "/v4/images", {"name": "large", "artifacts": artifacts})["id"]
    moves = 0

    def moving() -> None:
        nonlocal moves
        uploading = PROCESSES.Process(target=upload, args=(service.url, "two", size))
        uploading.start()
        while uploading.is_alive():
            service.ask("DELETE", f"/v3/images/{image}")
            service.ask("PATCH", f"/v3/deleted/images/{image}", {"operation": "undelete"})
            moves += 2

    def listing() -> None:
        ask_all(f"{service.url}/v3/images", 4, 8, "")

    tell("nothing else", service, lambda: time.sleep(3))
    tell(f"{size / 1e9:.0f} GB deleted, undeleted, uploaded", service, moving)
    print(f"    moved {moves} times meanwhile")
    tell(f"4 clients list {IMAGES} images", service, listing)


def tell(title: str, service: Service, busy: Callable[[], object]) -> None:
    with bare() as control:
        here, there = PROCESSES.Pipe()
        probe = PROCESSES.Process(target=probing, args=(there, service.url, control))
        probe.start()
        here.recv()
        before, begun = service.cpu(), time.monotonic()
        busy()
        share = (service.cpu() - before) / (time.monotonic() - begun)
        here.send("enough")
        ours, theirs = here.recv()
        probe.join()
    print(
        f"  {title:36} {at(ours, 0.99):6.1f} ms ({at(ours, 0.99) / SLOWEST:4.2f} x), median {at(ours, 0.5):4.2f};"
        f" a bare server {at(theirs, 0.99):6.1f} ms; {share:.0%} of a core; {len(ours)} questions {load()}",
        flush=True,
    )


def at(waited: list[float], part: float) -> float:
    """Milliseconds in which that part of the answers had come."""
    return sorted(waited)[int(part * (len(waited) - 1))] * 1000


def load() -> str:
    return f"[load {os.getloadavg()[0]:.1f}]"


def probing(pipe: Connection, *urls: str) -> None:
    """Asks each in turn until told to end, and sends the seconds that they took."""
    lines = []
    for url in urls:
        place = urlsplit(url)
        lines.append(socket.create_connection((place.hostname, place.port)))
        lines[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waited: list[list[float]] = [[] for _ in urls]
    pipe.send("ready")
    while not pipe.poll():
        for line, times in zip(lines, waited, strict=True):
            begun = time.perf_counter()
            line.sendall(b"GET /healthz/live HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.rstrip().endswith(b"{}"):
                answer += line.recv(4096)
            times.append(time.perf_counter() - begun)
        time.sleep(PAUSE)
    pipe.send(waited)


@contextmanager
def bare() -> Iterator[str]:
    """A server in a process of its own that answers everything at once."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = PROCESSES.Process(target=answering, args=(listening,))
        process.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        process.terminate()
        process.join()


def answering(listening: socket.socket) -> None:
    line, _ = listening.accept()
    while line.recv(4096):
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def upload(url: str, name: str, size: int) -> None:
    place = urlsplit(url)
    with contextlib.closing(HTTPConnection(place.hostname or "", place.port, timeout=600)) as connection:
        blocks = (BLOCK[: size - start] for start in range(0, size, len(BLOCK)))
        headers = {"Content-Length": str(size)}
        begun = time.monotonic()
        connection.request("PUT", f"/v4/artifacts/boot-images/{name}/rootfs", blocks, headers)
        answer = connection.getresponse()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status} {answer.read()!r}")
        print(f"  uploaded with {size / (time.monotonic() - begun) / 1e6:.0f} MB/s", flush=True)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:], s3="--s3" in sys.argv[1:])
