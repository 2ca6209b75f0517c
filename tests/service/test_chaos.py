"""The service is killed while clients write, again and again; and two of them write to one database at once.

`SLIPWAY_CHAOS_KILLS` is how often it is killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

from tests.e2e.kit import COMMAND, machine_environment
from tests.service import nursery, writers
from tests.service.writers import Caller, Writer, check, check_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")
pytestmark = pytest.mark.slow

KILLS: Final = int(os.environ.get("SLIPWAY_CHAOS_KILLS", "8"))
REAL: Final = 10  # of so many starts one is that of the command, which loads its modules from the disk
TURNS: Final = 30


@dataclass(frozen=True)
class Running:
    """A service that answers; `ended` waits for its end."""

    pid: int
    url: str
    ended: Callable[[], object]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.ended()


class Site:
    """A place where services are started; all that run are killed in the end."""

    def __init__(self, path: Path, database: str, stack: ExitStack) -> None:
        self.data, self.database = path / "data", database
        self._log, self._stack = path / "log", stack
        self._nursery: subprocess.Popen[str] | None = None

    def command(self) -> subprocess.Popen[str]:
        options = ("--json", "--port", "0", "--data", str(self.data), "--log-level", "warning")
        return self.process([*COMMAND, "serve", *options])

    def start(self) -> Running:
        """By the command."""
        process = self.command()
        return Running(process.pid, self._line(process)["address"], process.wait)

    def fork(self) -> Running:
        if self._nursery is None:
            arguments = (str(self.data), self.database, str(self._log))
            self._nursery = self.process([sys.executable, "-m", nursery.__name__, *arguments])
        mother = self._nursery
        assert mother.stdin
        mother.stdin.write("\n")
        mother.stdin.flush()
        said = self._line(mother)
        assert said != "ended", self._said()
        return Running(said["pid"], said["url"], lambda: self._line(mother))

    def process(self, command: list[str]) -> subprocess.Popen[str]:
        environment = {**machine_environment(), "SLIPWAY_SERVICE_DATABASE": self.database}
        with self._log.open("a") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**environment, "HOME": str(self.data.parent)},
                text=True,
            )
        self._stack.callback(process.communicate)
        self._stack.callback(process.kill)
        return process

    def _line(self, process: subprocess.Popen[str]) -> Any:
        assert process.stdout
        line = process.stdout.readline()
        assert line, self._said()
        return json.loads(line)

    def _said(self) -> str:
        return self._log.read_text()[-3000:]


@contextmanager
def site(path: Path, database: str) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(path, database, stack)


def test_killed_while_clients_write(database: str, tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost, no record is in two places, and it always starts again."""
    chance = random.Random(6)
    lives = (writers.image, writers.image, writers.together, writers.once, writers.recipe)
    clients = [Writer(f"{life.__name__}{number}", life) for number, life in enumerate(lives)]
    with site(tmp_path, database) as here:
        service = here.start()
        for number in range(KILLS):
            for client in clients:
                client.start(service.url)
            time.sleep(chance.uniform(0.05, 0.7))
            service.kill()
            for client in clients:
                client.join()
            service = here.start() if number % REAL == REAL - 1 else here.fork()
            check(service.url, clients)
            for client in clients:
                client.retry(service.url)
        check(service.url, clients)
        check_objects(service.url)
        service.kill()
    acknowledged = [client.acknowledged for client in clients]
    sys.stdout.write(f"{KILLS} kills, acknowledged: {acknowledged}\n")
    assert min(acknowledged) > 0


@pytest.mark.parametrize(
    "database", [pytest.param("sqlite", marks=pytest.mark.thorough), "postgresql"], indirect=True
)
def test_killed_while_it_starts(database: str, tmp_path: Path) -> None:
    """In the middle of making its tables, and of all that follows."""
    chance = random.Random(7)
    with site(tmp_path, database) as here:
        here.fork().kill()
        for _ in range(max(3, KILLS // 20)):
            process = here.command()
            time.sleep(chance.uniform(0.8, 3))
            process.kill()
            process.wait()
        service = here.start()
        client = Writer("image", writers.image)
        client.start(service.url)
        time.sleep(1)
        service.kill()
        client.join()
        assert client.acknowledged


def test_two_services_agree(new_postgres: str, tmp_path: Path) -> None:
    """What one has acknowledged the other shows at once, and changes of one record through both are all there."""
    with site(tmp_path, new_postgres) as here:
        urls = [here.start().url, here.start().url]
        with callers(urls) as (one, two):
            shared = one.ask("POST", "/v3/images", {"name": "shared"}, status=201)["id"]
            together(4, lambda number: changed(urls, shared, number))
            answers = [each.ask("GET", "/v3/images") for each in (one, two)]
            assert answers[0] == answers[1]
            wanted = {f"k{number}-{turn}" for number in range(4) for turn in range(TURNS)}
            assert [set(each["metadata"]) for each in answers[0]] == [wanted]
            one.ask("PATCH", f"/v4/images/{shared}", {"metadata": {"count": "0"}})
            statuses = [status for each in together(3, lambda _: counted(urls, shared)) for status in each]
            assert 412 in statuses
            for each in (one, two):
                metadata = each.ask("GET", f"/v4/images/{shared}")["metadata"]
                assert metadata["count"] == str(statuses.count(200))


def changed(urls: list[str], shared: str, number: int) -> None:
    """Write through one, look through the other, in turn."""
    with callers(urls) as both:
        for turn in range(TURNS):
            here, there = both if (turn + number) % 2 else both[::-1]
            key = f"k{number}-{turn}"
            step = {"operation": "set", "key": key, "value": "1"}
            here.ask("PATCH", f"/v3/images/{shared}", {"metadata": step})
            assert key in there.ask("GET", f"/v3/images/{shared}")["metadata"]
            made = here.ask("POST", "/v3/images", {"name": key}, status=201)
            assert made in there.ask("GET", "/v3/images")
            assert there.ask("GET", f"/v4/images/{made['id']}")["name"] == key
            there.ask("DELETE", f"/v3/images/{made['id']}", status=204)
            here.ask("GET", f"/v3/images/{made['id']}", status=404)
            assert made["id"] in {each["id"] for each in here.ask("GET", "/v3/deleted/images")}
            here.ask("DELETE", f"/v3/deleted/images/{made['id']}", status=204)
            there.ask("GET", f"/v3/deleted/images/{made['id']}", status=404)


def counted(urls: list[str], image: str) -> list[int]:
    """Read, add one, and write that if it is still what was read (If-Match); how each of these went."""
    statuses = []
    with callers(urls) as both:
        for turn in range(TURNS):
            read, write = both if turn % 2 else both[::-1]
            count = int(read.ask("GET", f"/v4/images/{image}")["metadata"]["count"]) + 1
            new = {"metadata": {"count": str(count)}}
            write.ask("PATCH", f"/v4/images/{image}", new, or_else=412, headers={"If-Match": read.etag})
            statuses.append(write.status)
    return statuses


@contextmanager
def callers(urls: list[str]) -> Iterator[tuple[Caller, ...]]:
    found = tuple(Caller(url) for url in urls)
    yield found
    for each in found:
        each.close()


def together(count: int, work: Callable[[int], T]) -> list[T]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(work, range(count)))
