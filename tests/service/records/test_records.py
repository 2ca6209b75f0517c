"""Records in both databases: what is written is there, what is refused leaves nothing, and nobody sees half."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from slipway.errors import NotYetError, UsageError
from slipway.service.model import Actor, Image, Job, Link, Node, PublicKey, Recipe, SshContainer
from slipway.service.records import schema
from slipway.service.records.engine import address, connect
from slipway.service.records.errors import DatabaseError, StaleError, TakenError
from slipway.service.records.query import Filter, Query
from slipway.service.records.store import Records
from slipway.service.records.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.records.tx import Tx

ME = Actor("me")


@pytest.fixture
def records(database: str) -> Iterator[Records]:
    with Records.open(database) as opened:
        yield opened


def image(name: str = "x", path: str = "", created: int = 1, **more: object) -> Image:
    link = Link(path, "e") if path else None
    return Image(id=str(uuid4()), created=created, name=name, link=link, **more)  # type: ignore[arg-type]


def put(records: Records, *some: Image) -> None:
    records.write(lambda tx: [tx.add(each) for each in some])


def test_each_kind_there_and_back(records: Records) -> None:
    hosts = (("customer_access", "h", 22), ("cluster.local", "i", 22))
    made = [
        PublicKey(id=str(uuid4()), created=5, name="k", public_key="ssh-rsa é\n"),
        Recipe(
            id=str(uuid4()),
            created=2**50,
            name="r",
            recipe_type="kiwi-ng",
            linux_distribution="sles15",
            link=Link("s3://ims/a"),
            home=Link("s3://ims/b", "x"),
            template_dictionary=(("a", "b"), ("a", "c")),
            require_dkms=False,
            arch="aarch64",
            project="p",
            owner="o",
        ),
        image(metadata={"a": "b", "ü": ""}),
        Job(
            id=str(uuid4()),
            created=1,
            job_type="customize",
            artifact_id="a",
            public_key_id="p",
            image_root_archive_name="n",
            ssh_containers=(SshContainer("c", jail=True, hosts=hosts),),
            kubernetes_job="j",
        ),
        Node(id="x3000c0", created=1),
    ]
    for record in made:
        records.write(lambda tx, record=record: tx.add(record, ME))  # type: ignore[misc]
        assert records.get(type(record), record.id) == record
        assert records.all(type(record)) == [record]
        assert records.get(type(record), record.id, gone=True) is None
    assert [event.action for event in records.events()] == ["created"] * 5
    assert [event.stamp for event in records.events()] == [1, 2, 3, 4, 5]
    assert records.stamp() == records.stamp(Node) == 5


def test_a_link_belongs_to_one_that_is_there(records: Records) -> None:
    one = image(path="s3://b/k")
    put(records, one)
    with pytest.raises(TakenError) as refused:
        put(records, image(path="s3://b/k"))
    assert (refused.value.field, refused.value.other) == ("link", one.id)
    with pytest.raises(TakenError, match="id"):
        put(records, replace(one, link=None))
    records.write(lambda tx: tx.replace(replace(one, state="deleting")))
    other = image(path="s3://b/k")
    put(records, other)
    deleted = records.get(Image, one.id, gone=True)
    assert deleted
    with pytest.raises(TakenError):
        records.write(lambda tx: tx.replace(replace(deleted, state="live")))
    assert records.get(Image, one.id, gone=True) == deleted


def test_changes_by_version(records: Records) -> None:
    one = image()
    put(records, one)
    two = records.write(lambda tx: tx.replace(replace(one, name="y"), ME))
    assert (two.name, two.version) == ("y", 2)
    assert records.events()[-1].change == {"name": "y"}
    assert records.events()[-1].actor == "me"
    with pytest.raises(StaleError):
        records.write(lambda tx: tx.replace(one))
    with pytest.raises(StaleError):
        records.write(lambda tx: tx.remove(one))
    records.write(lambda tx: tx.remove(two))
    assert records.get(Image, one.id) is None
    with pytest.raises(StaleError):
        records.write(lambda tx: tx.replace(two))


def test_what_fails_leaves_nothing(records: Records) -> None:
    before = records.stamp()

    def half(tx: Tx) -> Image:
        tx.add(image())
        raise ValueError("enough")

    good: Future[Image] = records.submit(lambda tx: tx.add(image("good")))
    bad = records.submit(half)
    also = records.submit(lambda tx: tx.add(image("also")))
    wait([good, bad, also])
    with pytest.raises(ValueError, match="enough"):
        bad.result()
    assert {each.name for each in records.all(Image)} == {"good", "also"}
    assert records.stamp() == before + 2
    assert len(records.events()) == 2


def test_what_the_database_refuses_hurts_nobody_else(records: Records) -> None:
    started, go = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        started.set()
        go.wait()

    first = records.submit(slow)
    started.wait()
    works: list[Future[Any]] = [
        records.submit(lambda tx: tx.add(image("good"))),
        records.submit(lambda tx: tx.connection.execute(sa.text("SELECT nothing FROM nowhere"))),
        records.submit(lambda tx: tx.add(image("also"))),
    ]
    go.set()
    wait([first, *works])
    with pytest.raises(DatabaseError):
        works[1].result()
    assert len(records.all(Image)) == 2


def test_what_changed_since(records: Records) -> None:
    one, two = image("one", created=1), image("two", created=2)
    put(records, one, two)
    since = records.stamp(Image)
    assert records.changed(Image, since) == ([], [])
    records.write(lambda tx: tx.remove(one))
    gone = records.write(lambda tx: tx.replace(replace(two, state="deleting")))
    assert records.changed(Image, since) == ([gone], [one.id])
    assert records.all(Image) == []
    assert records.all(Image, gone=True) == [gone]


def test_pages(records: Records) -> None:
    made = [image(f"n{n % 3}", created=n // 2, metadata={"n": str(n % 2)}) for n in range(20)]
    put(records, *made)
    for sort in (("created",), ("-created",), ("name", "-created")):
        seen: list[str] = []
        query = Query(sort=sort, limit=7)
        while True:
            page = records.page(Image, query)
            seen += [record.id for record in page.records]
            if page.last is None:
                break
            query = replace(query, after=page.last)
        assert len(seen) == len(set(seen)) == 20, sort
    found = records.page(Image, Query((Filter("name", ("n1",)), Filter("metadata.n", ("1",)))))
    expected = {r.id for r in made if r.name == "n1" and r.metadata["n"] == "1"}
    assert {record.id for record in found.records} == expected
    assert expected
    assert not records.page(Image, Query(projects=frozenset({"other"}))).records
    assert len(records.page(Image, Query((Filter("name", ("1",), "contains"),))).records) == 7
    assert not records.page(Image, Query((Filter("name", ("%",), "contains"),))).records
    for field in ("nothing", "metadata", "name.x"):
        with pytest.raises(UsageError):
            records.page(Image, Query((Filter(field, ("1",)),)))
    for field in ("metadata.n", "link_path", "-nothing"):
        with pytest.raises(UsageError):
            records.page(Image, Query(sort=(field,)))


def test_many_threads(records: Records) -> None:
    def write() -> None:
        for _ in range(10):
            put(records, image())

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records.all(Image)) == 80
    assert records.stamp() == 80


def test_two_services_on_one_database(database: str) -> None:
    with Records.open(database) as one, Records.open(database) as two:
        futures = [each.submit(lambda tx: tx.add(image())) for _ in range(25) for each in (one, two)]
        for future in futures:
            future.result()
        assert one.all(Image) == two.all(Image)
        stamps = [event.stamp for event in one.events()]
        assert stamps == list(range(1, 51))
        assert one.stamp(Image) == two.stamp(Image) == 50


def test_the_migrations_make_the_tables(database: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    Records.open(database).close()
    engine = connect(address(database), writer=False)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert schema.revision(engine) == schema.HEAD
    engine.dispose()


def test_a_newer_database_is_refused(database: str) -> None:
    Records.open(database).close()
    engine = connect(address(database), writer=True)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(NotYetError, match="newer release"):
        Records.open(database)


@pytest.mark.parametrize("text", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_other_databases(text: str) -> None:
    with pytest.raises(UsageError):
        address(text)


def test_no_password_in_errors() -> None:
    with pytest.raises(DatabaseError) as refused:
        Records.open("postgresql://me:CANARY@127.0.0.1:1/x")
    assert "CANARY" not in str(refused.value)


def test_a_closed_database(database: str) -> None:
    records = Records.open(database)
    records.close()
    with pytest.raises(DatabaseError):
        put(records, image())
