"""The audit trail, and changes as they happen, through a real server."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from slipway.service.model import SYSTEM, Actor
from slipway.service.v4.api import application
from tests.service.v4.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.state import Service
    from tests.service.v4.conftest import Api


class Served:
    """`actors` by what the header `authorization` says."""

    def __init__(self, service: Service) -> None:
        self.app = application(service)
        self.feed = self.app.state.feed
        self.feed.pause = 0.05
        self.actors: dict[str, Actor] = {}
        self.stopping: asyncio.Event | None = None
        self.address = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.stopping = self.stopping or asyncio.Event()
            name = dict(scope["headers"]).get(b"authorization", b"").decode()
            scope["state"] = {"actor": self.actors.get(name, SYSTEM), "stopping": self.stopping}
        await self.app(scope, receive, send)


@pytest.fixture
def served(service: Service) -> Iterator[Served]:
    made = Served(service)
    with serving(made) as made.address:
        yield made


async def listen(client: httpx2.AsyncClient, path: str, count: int, **headers: str) -> list[dict[str, Any]]:
    """That many events."""
    found: list[dict[str, Any]] = []
    event: dict[str, str] = {}
    async with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
                continue
            if "data" in event:
                found.append(
                    {**json.loads(event["data"]), "number": int(event["id"]), "name": event["event"]}
                )
            event = {}
            if len(found) == count:
                return found
    return found


def test_changes_as_they_happen(served: Served) -> None:
    served.actors["me"] = Actor("me", frozenset({("a", "builder")}))

    async def run() -> None:
        async with httpx2.AsyncClient(base_url=served.address, timeout=20) as client:
            first = await client.post("/images", json={"name": "before"})
            listening = [asyncio.create_task(listen(client, "/events", 3)) for _ in range(5)]
            keys = asyncio.create_task(listen(client, "/events?kind=public-key", 1))
            mine = asyncio.create_task(listen(client, "/events", 1, authorization="me"))
            own = asyncio.create_task(listen(client, f"/images/{first.json()['id']}/events?after=0", 2))
            await asyncio.sleep(1)
            await client.patch(f"/images/{first.json()['id']}", json={"name": "after"})
            await client.post("/public-keys", json={"name": "k", "public_key": "k"})
            await client.post("/images", json={"name": "mine", "project": "a"})
            for each in listening:
                found = await each
                assert [(e["kind"], e["name"]) for e in found] == [
                    ("image", "changed"),
                    ("public-key", "created"),
                    ("image", "created"),
                ]
                assert found[0]["change"] == {"name": "after"}
            assert [e["kind"] for e in await keys] == ["public-key"]
            assert [e["project"] for e in await mine] == ["a"]
            assert [e["name"] for e in await own] == ["created", "changed"]
            # who comes back gets what it missed, and nothing twice
            resumed = await listen(client, "/events", 2, **{"last-event-id": str(found[0]["number"])})
            assert [e["number"] for e in resumed] == [e["number"] for e in found[1:]]
            all_ = await listen(client, "/events?after=0", 4)
            assert [e["number"] for e in all_] == sorted(e["number"] for e in all_)
            for bad in ("/events?after=x", "/events?kind=x", "/events?x=1"):
                assert (await client.get(bad)).status_code == 422

    asyncio.run(run())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_who_is_far_behind_misses_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.service.v4.feed._BUFFER", 10)
    monkeypatch.setattr("slipway.service.v4.feed._PIECE", 7)

    async def run() -> None:
        async with httpx2.AsyncClient(base_url=served.address, timeout=20) as client:
            listening = asyncio.create_task(listen(client, "/events?after=0", 300))
            await asyncio.sleep(0.3)
            for _ in range(6):
                operations = [{"op": "create", "kind": "image", "body": {"name": "x"}}] * 50
                assert (await client.post("/bulk", json={"operations": operations})).status_code == 200
            found = await listening
            assert [e["number"] for e in found] == list(range(found[0]["number"], found[0]["number"] + 300))

    asyncio.run(run())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_signs_of_life_and_the_end(served: Served) -> None:
    served.feed.heartbeat = 0.1

    async def run() -> None:
        async with httpx2.AsyncClient(base_url=served.address, timeout=20) as client:
            async with client.stream("GET", "/events") as answer:
                lines = answer.aiter_lines()
                seen = [await anext(lines) for _ in range(8)]
                assert seen.count(": still here") >= 2
                before = served.feed.looks
                assert served.stopping is not None
                served.stopping.set()
                rest = [line async for line in lines]
                assert len(rest) < 50
            await asyncio.sleep(0.3)
            assert served.feed.looks <= before + 10  # nobody listens: nobody looks

    asyncio.run(run())


def test_the_audit_trail(api: Api) -> None:
    api.actor = Actor("ann", frozenset({("*", "admin")}))
    image = api.image()
    api.actor = Actor("bob", frozenset({("*", "admin")}))
    api.patch(f"/images/{image['id']}", {"name": "j"})
    api.key()
    page = api.get("/audit").json()["items"]
    assert [(each["actor"], each["action"], each["kind"]) for each in page] == [
        ("bob", "created", "public-key"),
        ("bob", "changed", "image"),
        ("ann", "created", "image"),
    ]
    assert page[1]["change"] == {"name": "j"}
    assert [each["actor"] for each in api.get("/audit?actor=ann").json()["items"]] == ["ann"]
    assert len(api.get(f"/audit?record={image['id']}&action=changed").json()["items"]) == 1
    assert len(api.get("/audit?kind=image&sort=id").json()["items"]) == 2
    assert api.get("/audit?time_before=2000-01-01").json()["items"] == []
    seen = []
    answer = api.get("/audit?limit=1&sort=id")
    while answer.json()["next"]:
        seen += answer.json()["items"]
        assert "rel=" in answer.headers["link"]
        answer = api.get(f"/audit?limit=1&sort=id&cursor={answer.json()['next']}")
    assert [each["id"] for each in [*seen, *answer.json()["items"]]] == [
        each["id"] for each in reversed(page)
    ]
    for bad in ("limit=0", "sort=x", "cursor=x", "time_after=x", "x=1", "actor=%00"):
        assert api.get(f"/audit?{bad}").status_code == 422
