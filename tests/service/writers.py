"""Clients that write all the time and remember what was acknowledged.

What was asked for when the service died is in doubt: it may have happened or not, but as a whole.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

Seen = tuple[str, str]  # the collection, `images` or `deleted/images`, and the value of `n` in its metadata
Ends = tuple[Seen | None, Seen | None]  # of one record, before and after; None where there is none
COLLECTIONS: Final = ("images", "deleted/images", "recipes", "deleted/recipes")
CONTENT: Final = b"recipe"


class Caller:
    """One connection. Answers that are not wanted are an AssertionError, no answer an OSError or HTTPException."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._connection = HTTPConnection(place.hostname or "", place.port, timeout=60)
        self.status, self.etag = 0, ""

    def ask(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        status: int = 200,
        or_else: int = 0,
        raw: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Any:
        body = json.dumps(content).encode() if content is not None else raw or None
        kind = {"Content-Type": "application/json"} if content is not None else {}
        self._connection.request(method, path, body, {**kind, **(headers or {})})
        answer = self._connection.getresponse()
        data = answer.read()
        self.status, self.etag = answer.status, answer.getheader("etag", "")
        assert answer.status in (status, or_else), (method, path, answer.status, data)
        return json.loads(data) if data.startswith((b"{", b"[")) else data

    def close(self) -> None:
        self._connection.close()


@dataclass
class Writer:
    """`known` is where each record is, by its name: all that this writer was told. `doubt` is what was not answered."""

    name: str
    life: Callable[[Writer, str], None]
    known: dict[str, Seen] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    doubt: dict[str, Ends] = field(default_factory=dict)
    again: Callable[[], None] | None = None
    acknowledged: int = 0
    problem: BaseException | None = None
    _caller: Caller = field(init=False)
    _thread: threading.Thread = field(init=False)
    _number: int = 0

    def start(self, url: str) -> None:
        self._caller = Caller(url)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """After the service has died."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self.problem is not None:
            raise self.problem

    def retry(self, url: str) -> None:
        """Ask once more for what was in doubt, where that may be done: it is there afterwards, and once."""
        again, self.again = self.again, None
        if again is not None:
            self._caller = Caller(url)
            again()
            self._caller.close()

    def _run(self) -> None:
        try:
            while True:
                self._number += 1
                self.life(self, f"{self.name}-{self._number}")
        except (OSError, HTTPException):
            pass  # it was killed
        except BaseException as error:  # noqa: BLE001 - for the one who joins
            self.problem = error
        finally:
            self._caller.close()

    def do(self, after: dict[str, Seen | None], *request: Any, **more: Any) -> Any:
        """A request that changes these records so."""
        self.doubt = {name: (self.known.get(name), seen) for name, seen in after.items()}
        answer = self._caller.ask(*request, **more)
        self.settled(after)
        self.acknowledged += 1
        return answer

    def settled(self, after: dict[str, Seen | None]) -> None:
        self.doubt = {}
        for name, seen in after.items():
            if seen is None:
                self.known.pop(name, None)
            else:
                self.known[name] = seen


def image(writer: Writer, name: str) -> None:
    """The life of an image without objects; every second one stays."""
    path = "/v3/images"
    made = writer.do(
        {name: ("images", "0")}, "POST", path, {"name": name, "metadata": {"n": "0"}}, status=201
    )
    one, gone = f"{path}/{made['id']}", f"/v3/deleted/images/{made['id']}"
    for number in ("1", "2"):
        change = {"metadata": {"operation": "set", "key": "n", "value": number}}
        writer.do({name: ("images", number)}, "PATCH", one, change)
    writer.do({name: ("deleted/images", "2")}, "DELETE", one, status=204)
    writer.do({name: ("images", "2")}, "PATCH", gone, {"operation": "undelete"}, status=204)
    if int(name.rpartition("-")[2]) % 2:
        writer.do({name: ("deleted/images", "2")}, "DELETE", one, status=204)
        writer.do({name: None}, "DELETE", gone, status=204)


def together(writer: Writer, name: str) -> None:
    """Three images that are made, changed and removed in one transaction each."""
    names = [f"{name}/{letter}" for letter in "abc"]

    def bulk(after: Seen | None, operations: list[dict[str, Any]]) -> Any:
        return writer.do(dict.fromkeys(names, after), "POST", "/v4/bulk", {"operations": operations})

    bodies = [{"name": each, "metadata": {"n": "0"}} for each in names]
    made = bulk(("images", "0"), [{"op": "create", "kind": "image", "body": body} for body in bodies])
    which = [{"kind": "image", "id": each["record"]["id"]} for each in made["results"]]
    bulk(("images", "1"), [{"op": "patch", "body": {"metadata": {"n": "1"}}, **each} for each in which])
    bulk(("deleted/images", "1"), [{"op": "delete", **each} for each in which])
    bulk(None, [{"op": "purge", **each} for each in which])


def once(writer: Writer, name: str) -> None:
    """Images that are made with a key, so that asking again makes no second one."""

    def make() -> None:
        body = {"name": name, "metadata": {"n": "0"}}
        key = {"Idempotency-Key": name}
        made = writer.do({name: ("images", "0")}, "POST", "/v4/images", body, status=201, headers=key)
        writer.ids[name] = made["id"]

    writer.again = make
    make()
    writer.again = None
    writer.do({name: None}, "DELETE", f"/v2/images/{writer.ids[name]}", status=204)


def recipe(writer: Writer, name: str) -> None:
    """A recipe with an object, which is moved away and back."""
    path = f"ims/{name}/recipe.tgz"
    writer.do({}, "PUT", f"/v4/artifacts/{path}", status=201, raw=CONTENT)
    body = {
        "name": name,
        "recipe_type": "packer",
        "linux_distribution": "sles15",
        "link": {"path": f"s3://{path}", "type": "s3"},
    }
    made = writer.do({name: ("recipes", "")}, "POST", "/v3/recipes", body, status=201)
    one, gone = f"/v3/recipes/{made['id']}", f"/v3/deleted/recipes/{made['id']}"
    writer.do({name: ("deleted/recipes", "")}, "DELETE", one, status=204)
    if int(name.rpartition("-")[2]) % 3:
        writer.do({name: ("recipes", "")}, "PATCH", gone, {"operation": "undelete"}, status=204)


def check(url: str, writers: list[Writer]) -> None:
    """All that was acknowledged is there, nothing else, each in one place; what was in doubt is settled."""
    caller = Caller(url)
    found: dict[str, Seen] = {}
    for collection in COLLECTIONS:
        for record in caller.ask("GET", f"/v3/{collection}"):
            name = record["name"]
            assert name not in found, (name, collection, found[name])
            found[name] = (collection, record.get("metadata", {}).get("n", ""))
    caller.close()
    for writer in writers:
        before = {name: ends[0] for name, ends in writer.doubt.items()}
        after = {name: ends[1] for name, ends in writer.doubt.items()}
        now = {name: found.get(name) for name in writer.doubt}
        assert now in (before, after), (now, before, after)
        writer.settled(now)
    known = {name: seen for writer in writers for name, seen in writer.known.items()}
    names = found.keys() | known.keys()
    wrong = {name: (found.get(name), known.get(name)) for name in names if found.get(name) != known.get(name)}
    assert not wrong


def check_objects(url: str) -> None:
    """When all moves have ended, each recipe leads to its object, wherever it is."""
    caller = Caller(url)
    until = time.monotonic() + 60
    while any(task["status"] in ("waiting", "running") for task in _tasks(caller)):
        assert time.monotonic() < until, _tasks(caller)
        time.sleep(0.1)
    assert {task["status"] for task in _tasks(caller)} <= {"done"}, _tasks(caller)
    for collection in ("recipes", "deleted/recipes"):
        for record in caller.ask("GET", f"/v3/{collection}"):
            path = record["link"]["path"].removeprefix("s3://")
            assert caller.ask("GET", f"/v4/artifacts/{path}") == CONTENT
            other = f"ims/{record['name']}/recipe.tgz" if "deleted" in collection else ""
            assert path != other
    caller.close()


def _tasks(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.ask("GET", "/v4/tasks")["items"]
    return found
