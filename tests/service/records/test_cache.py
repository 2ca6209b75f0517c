"""Answers that are kept: never older than what anybody was told before, in any process, on both databases."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.service.ims import render
from slipway.service.model import Image, Node
from slipway.service.records.cache import Cache, Entry, Shelf
from slipway.service.records.store import Records


@pytest.fixture
def both(database: str) -> Iterator[tuple[Records, Records]]:
    """Two processes, as far as the database can tell."""
    with Records.open(database) as one, Records.open(database) as other:
        yield one, other


def cache_of(records: Records, kind: Any = Image) -> Cache[Any]:
    return Cache(records, kind, asyncio.to_thread, render.record)


async def seen(cache: Cache[Any], *, gone: bool = False) -> list[Any]:
    shelf = await cache.shelf(gone=gone)
    found: list[Any] = json.loads(shelf.body())
    assert [each["id"] for each in found] == [record.id for record in shelf.records()]
    return found


def image(name: str, created: int = 1, **more: Any) -> Image:
    return Image(id=name, created=created, name=name, **more)


def test_each_sees_what_the_other_wrote(both: tuple[Records, Records]) -> None:
    async def run() -> None:
        one, other = both
        caches = [cache_of(one), cache_of(other)]
        for cache in caches:
            assert await seen(cache) == []
        for number in range(4):
            writer = both[number % 2]
            writer.write(lambda tx, n=number: tx.add(image(f"{n}", 10 - n)))  # type: ignore[misc]
            for cache in caches:
                assert [each["id"] for each in await seen(cache)] == [f"{n}" for n in range(number, -1, -1)]
        found = one.get(Image, "0")
        assert found
        first = one.write(lambda tx: tx.replace(replace(found, name="new")))
        assert (await seen(caches[1]))[-1]["name"] == "new"
        deleted = one.write(lambda tx: tx.replace(replace(first, state="deleted", deleted=5)))
        assert [each["id"] for each in await seen(caches[1], gone=True)] == ["0"]
        assert [each["id"] for each in await seen(caches[1])] == ["3", "2", "1"]
        other.write(lambda tx: tx.remove(deleted))
        for cache in caches:
            assert await seen(cache, gone=True) == []

    asyncio.run(run())


def test_a_long_sleep(both: tuple[Records, Records], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was removed meanwhile is gone, also when the audit trail has forgotten it."""

    async def run() -> None:
        one, other = both
        cache = cache_of(other)
        one.write(lambda tx: tx.add(image("a")))
        assert len(await seen(cache)) == 1
        found = one.get(Image, "a")
        assert found
        one.write(lambda tx: tx.remove(found))
        monkeypatch.setattr(other, "changed", lambda kind, since: ([], []))
        monkeypatch.setattr(cache, "_asked", -10_000.0)
        assert await seen(cache) == []

    asyncio.run(run())


def test_one_that_comes_back_under_its_id(both: tuple[Records, Records]) -> None:
    async def run() -> None:
        one, other = both
        cache = cache_of(other, Node)
        one.write(lambda tx: [tx.add(Node(id="a", created=1)), tx.add(Node(id="b", created=2))])
        assert [each["xname"] for each in json.loads((await cache.shelf()).body())] == ["a", "b"]
        node = one.get(Node, "a")
        assert node
        one.write(lambda tx: tx.remove(node))
        one.write(lambda tx: tx.add(Node(id="a", created=3)))
        assert [each["xname"] for each in json.loads((await cache.shelf()).body())] == ["b", "a"]
        again = one.get(Node, "a")
        assert again
        one.write(lambda tx: tx.remove(again))
        assert [each["xname"] for each in json.loads((await cache.shelf()).body())] == ["b"]

    asyncio.run(run())


def test_nothing_that_was_acknowledged_is_missed(both: tuple[Records, Records]) -> None:
    """While one process writes, the other is asked: whatever was written before is there."""
    one, other = both
    written: list[str] = []
    done = threading.Event()

    def write() -> None:
        for number in range(150):
            one.write(lambda tx, n=number: tx.add(image(f"{n:03}", n)))  # type: ignore[misc]
            written.append(f"{number:03}")
        done.set()

    async def run() -> None:
        cache = cache_of(other)
        while not done.is_set():
            before = len(written)
            shelves = await asyncio.gather(*(cache.shelf() for _ in range(4)))
            for shelf in shelves:
                assert [record.id for record in shelf.records()][:before] == written[:before]
        assert len(await seen(cache)) == 150

    thread = threading.Thread(target=write)
    thread.start()
    try:
        asyncio.run(run())
    finally:
        thread.join()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3))))
def test_a_shelf_is_a_sorted_dictionary(steps: list[tuple[bool, int, int]]) -> None:
    shelf: Shelf[Image] = Shelf()
    expected: dict[str, Image] = {}
    for put, name, created in steps:
        if put:
            record = image(f"{name}", created)
            shelf.put(Entry(record, f'"{name}:{created}"'.encode()))
            expected[record.id] = record
        else:
            shelf.drop(f"{name}")
            expected.pop(f"{name}", None)
        ordered = sorted(expected.values(), key=lambda record: (record.created, record.id))
        assert shelf.records() == ordered
        assert json.loads(shelf.body()) == [f"{record.id}:{record.created}" for record in ordered]
        assert json.loads(shelf.body(frozenset({"default"}))) == json.loads(shelf.body())
        assert shelf.body(frozenset({"other"})) == b"[]\n"
