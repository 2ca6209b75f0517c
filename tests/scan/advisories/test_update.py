"""Feeds from directories, archives and the web; what is wrong with them is said, and what was there stays."""

from __future__ import annotations

import json
import threading
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import FetchError, InputError, SlipwayError, UsageError
from slipway.events import Note, Reporter
from slipway.net import Client
from slipway.scan.advisories import documents, osvfeed, osvweb
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.advisories.update import update
from slipway.scan.model import Level, Range
from tests.inputs.server import Server, cut, status
from tests.scan.advisories.kit import (
    JINJA,
    JINJA_PYSEC,
    LODASH,
    NOW,
    Record,
    archive,
    bring,
    directory,
    record,
    settings_in,
    store,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def ids(settings: Settings, feed: str = "osv:PyPI") -> set[str]:
    with store(settings) as opened:
        return set(opened.modified(feed))


def test_a_directory(tmp_path: Path, settings: Settings) -> None:
    tree = directory(tmp_path / "tree" / "2024", [JINJA, JINJA_PYSEC])
    (tree.parent / "README.md").write_text("no advisory")
    (tree.parent / "package.json").write_text('{"name": "not an advisory"}')
    (tree.parent / ".github").mkdir()
    (tree.parent / ".github" / "broken.json").write_text("{")
    (tree.parent / "PYSEC-2.yaml").write_text(
        "id: PYSEC-2\nmodified: 2024-05-06T14:20:59.123456Z\n"
        "affected:\n- package: {name: thing, ecosystem: PyPI}\n"
        "  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: '0'\n    - fixed: 1.10\n"
    )
    change = bring(settings, "osv:PyPI", tree.parent)
    assert (change.total, change.feed.date) == (3, "2026-11-20T12:00:00Z")
    with store(settings) as opened:
        (yaml,) = opened.by_id("PYSEC-2")
        assert yaml.affected[0].ranges == (Range(fixed="1.10"),)
        assert opened.kept()[0].source == str(tree.parent)


def test_an_archive_and_later_a_newer_one(tmp_path: Path, settings: Settings) -> None:
    path = archive(tmp_path / "all.zip", [JINJA, JINJA_PYSEC])
    bring(settings, "osv:PyPI", path)
    withdrawn = {**JINJA_PYSEC, "withdrawn": "2026-11-21T00:00:00Z", "modified": "2026-11-21T00:00:00Z"}
    archive(path, [withdrawn, LODASH])
    (change,) = update([], settings, Reporter(), now=NOW)  # all that are there, from where they came
    assert (change.added, change.changed, change.removed) == (1, 1, 1)
    with store(settings) as opened:
        assert list(opened.about("PyPI", ["jinja2"])) == []
        assert opened.by_id(withdrawn["id"])[0].withdrawn


def bad_archive(path: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(f"{JINJA['id']}.json", json.dumps(JINJA))
        out.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.json", b'{"id": "X-1", "modified": "2024', "a.json is not valid JSON"),
        ("a.json", b"[" * 100_000, "a.json is not valid JSON"),
        ("a.json", b'{"id": "X-1", "modified": "2024-01-01T00:00:00Z", "affected": 1}', "a.json is not a valid advisory"),
        ("a.yaml", b"id: [", "a.yaml is not valid YAML"),
        ("a.json", b" " * 500_000, "a.json has more than the 200000 bytes allowed"),
    ],
)  # fmt: skip
def test_hostile_archives(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, message: str
) -> None:
    monkeypatch.setattr(documents.documents, "__defaults__", (200_000,))
    bring(settings, "osv:PyPI", archive(tmp_path / "good.zip", [JINJA]))
    with pytest.raises(InputError, match=message):
        bring(settings, "osv:PyPI", bad_archive(tmp_path / "bad.zip", name, data))
    assert ids(settings) == {JINJA["id"]}


def test_names_that_lead_out_of_an_archive_are_passed_over(tmp_path: Path, settings: Settings) -> None:
    path = bad_archive(tmp_path / "bad.zip", "../../../etc/a.json", json.dumps(LODASH).encode())
    assert bring(settings, "osv:PyPI", path).total == 1


def test_halves_of_characters_do_no_harm(tmp_path: Path, settings: Settings) -> None:
    bring(settings, "osv:PyPI", archive(tmp_path / "all.zip", [{**JINJA, "details": "a\ud800b\x00"}]))
    with store(settings) as opened:
        assert opened.by_id(JINJA["id"])[0].details == "a?b\x00"


def test_a_cut_archive(tmp_path: Path, settings: Settings) -> None:
    path = archive(tmp_path / "all.zip", [JINJA, {**LODASH, "details": "x" * 10_000}])
    data = path.read_bytes()
    path.write_bytes(data[:60] + bytes(40) + data[100:])
    with pytest.raises(InputError, match="not a readable zip archive"):
        bring(settings, "osv:PyPI", path)
    path.write_bytes(data[:-100])  # as a download that broke off
    with pytest.raises(InputError, match="a zip archive that is damaged or ends early"):
        bring(settings, "osv:PyPI", path)


@pytest.mark.parametrize("source", ["missing", "empty"])
def test_a_wrong_place(tmp_path: Path, settings: Settings, source: str) -> None:
    bring(settings, "osv:PyPI", archive(tmp_path / "good.zip", [JINJA]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SlipwayError, match=r"there is no file or directory|there are no OSV advisories"):
        bring(settings, "osv:PyPI", tmp_path / source)
    assert ids(settings) == {JINJA["id"]}


def test_an_archive_on_the_web(settings: Settings, server: Server, tmp_path: Path) -> None:
    data = archive(tmp_path / "all.zip", [JINJA]).read_bytes()
    resource = server.add("/all.zip", data, headers={"ETag": '"1"'}, faults=[cut(100)])
    change = bring(settings, "osv:PyPI", server.url("/all.zip"))
    assert change.total == 1
    assert change.feed.date == "2026-11-21T08:00:00Z"  # what the server has now
    assert server.asked("/all.zip")[1]["Range"] == "bytes=100-"  # went on where it was cut
    resource.data = archive(tmp_path / "all.zip", [JINJA, LODASH]).read_bytes()
    bring(settings, "osv:PyPI", server.url("/all.zip"))  # the same ETag: not transferred
    assert ids(settings) == {JINJA["id"]}
    resource.headers["ETag"] = '"2"'
    update([], settings, Reporter(), now=NOW)
    assert ids(settings) == {JINJA["id"], LODASH["id"]}


def publish(server: Server, tmp_path: Path, items: list[Record]) -> str:
    """As OSV does: an archive, a list of times, and each document."""
    server.resources.clear()
    server.requests.clear()
    listing = "".join(f"{item['modified']},{item['id']}\n" for item in items)
    server.add("/PyPI/modified_id.csv", listing.encode())
    server.add("/PyPI/all.zip", archive(tmp_path / "web.zip", items).read_bytes())
    for item in items:
        server.add(f"/PyPI/{item['id']}.json", json.dumps(item).encode())
    return server.url("/PyPI/")


def test_only_changes_are_fetched(settings: Settings, server: Server, tmp_path: Path) -> None:
    base = publish(server, tmp_path, [JINJA, JINJA_PYSEC])
    bring(settings, "osv:PyPI", base)
    assert [path for path, _ in server.requests] == ["/PyPI/all.zip"]
    newer = {**JINJA, "summary": "changed", "modified": "2026-11-20T23:00:00.5Z"}
    publish(server, tmp_path, [newer, LODASH])
    change = bring(settings, "osv:PyPI", base)
    assert (change.added, change.changed, change.removed, change.total) == (1, 1, 1, 2)
    asked = {path for path, _ in server.requests}
    assert asked == {"/PyPI/modified_id.csv", f"/PyPI/{JINJA['id']}.json", f"/PyPI/{LODASH['id']}.json"}
    publish(server, tmp_path, [newer, LODASH])
    bring(settings, "osv:PyPI", base)
    assert [path for path, _ in server.requests] == ["/PyPI/modified_id.csv"]


def test_too_many_changes_are_fetched_at_once(
    settings: Settings, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osvweb, "_MOST", 0)
    base = publish(server, tmp_path, [JINJA])
    bring(settings, "osv:PyPI", base)
    publish(server, tmp_path, [LODASH])
    bring(settings, "osv:PyPI", base)
    assert [path for path, _ in server.requests] == ["/PyPI/modified_id.csv", "/PyPI/all.zip"]
    assert ids(settings) == {LODASH["id"]}


@pytest.mark.parametrize(
    ("path", "data", "message"),
    [
        ("/PyPI/modified_id.csv", b"2026-01-01T00:00:00Z,../../etc/passwd\n", "no time and id"),
        ("/PyPI/modified_id.csv", b"<html>", "no time and id"),
        (
            f"/PyPI/{LODASH['id']}.json",
            b'{"id": "OTHER-1", "modified": "2026-01-01T00:00:00Z"}',
            "is not the advisory",
        ),
        (f"/PyPI/{LODASH['id']}.json", b"{", "not valid JSON"),
    ],
)
def test_a_lying_directory(
    settings: Settings, server: Server, tmp_path: Path, path: str, data: bytes, message: str
) -> None:
    base = publish(server, tmp_path, [JINJA])
    bring(settings, "osv:PyPI", base)
    publish(server, tmp_path, [LODASH])
    server.resources[path].data = data
    with pytest.raises(InputError, match=message):
        bring(settings, "osv:PyPI", base)
    assert ids(settings) == {JINJA["id"]}


def test_one_feed_fails_and_the_others_do_not(settings: Settings, server: Server, tmp_path: Path) -> None:
    bring(settings, "osv:b", archive(tmp_path / "b.zip", [JINJA]))
    server.add("/all.zip", archive(tmp_path / "a.zip", [JINJA]).read_bytes())
    bring(settings, "osv:a", server.url("/all.zip"))
    server.resources["/all.zip"].faults = [status(404)] * 2
    archive(tmp_path / "b.zip", [JINJA, LODASH])
    with pytest.raises(FetchError, match="not updated: osv:a"):
        update([], settings, Reporter(), now=NOW)
    assert ids(settings, "osv:b") == {JINJA["id"], LODASH["id"]}
    assert ids(settings, "osv:a") == {JINJA["id"]}


def test_two_updates_wait_for_each_other(settings: Settings, tmp_path: Path) -> None:
    items = [record(f"X-{n}") | {"affected": JINJA["affected"]} for n in range(300)]
    path = archive(tmp_path / "all.zip", items)
    notes: list[str] = []
    reporter = Reporter(lambda event: notes.append(event.text) if isinstance(event, Note) else None)
    threads = [threading.Thread(target=bring, args=(settings, f"osv:{n}", path, reporter)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store(settings) as opened:
        assert [row.advisories for row in opened.kept()] == [300, 300, 300]
    assert set(notes) <= {"another update is running; waiting for it"}


@pytest.mark.parametrize(
    ("feeds", "source", "message"),
    [
        (["nonsense"], "", "there is no feed 'nonsense'"),
        (["osv"], "", "it is not said which OSV advisories"),
        (["osv:a", "osv:b"], "x", "--from is for one feed"),
        ([], "x", "--from is for one feed"),
        (["osv:a"], "https://me:secret@example.org/x.zip", "an address with a password"),
    ],
)
def test_what_cannot_be_meant(settings: Settings, feeds: list[str], source: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        update(feeds, settings, Reporter(), source=source, now=NOW)


def test_offline(settings: Settings) -> None:
    with pytest.raises(FetchError, match="no network is to be used"):
        update(["osv:PyPI"], settings.with_(offline=True), Reporter(), now=NOW)


def test_a_place_that_is_out_of_reach(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of a feed is not reached from everywhere; then a copy from elsewhere will do."""
    monkeypatch.setattr(osvfeed, "HOME", "http://127.0.0.1:9")
    monkeypatch.setattr(Client, "pause", lambda *_: None)
    with pytest.raises(FetchError) as caught:
        update(["osv:PyPI"], settings, Reporter(), now=NOW)
    assert "slipway advisories update osv:PyPI --from" in caught.value.hint
    with pytest.raises(FetchError) as told:
        update(["osv:PyPI"], settings, Reporter(), source="http://127.0.0.1:9/all.zip", now=NOW)
    assert "--from" not in told.value.hint


# -- the statuses that distributions publish -------------------------------------------------------------------


def cve(name: str, *statuses: tuple[str, str, str, str], **more: Any) -> Record:
    rows = [
        dict(zip(("release_codename", "status", "description", "pocket"), s, strict=True)) for s in statuses
    ]
    return {"id": name, "priority": "high", "packages": [{"name": "openssl", "statuses": rows}], **more}


CVES = [
    cve(
        "CVE-2022-0778",
        ("jammy", "released", "3.0.2-0ubuntu1", "security"),
        ("bionic", "released", "1.1.1-1ubuntu2.1~18.04.15", "esm-infra"),
        ("focal", "ignored", "end of life", "security"),
        ("noble", "not-affected", "3.0.13-0ubuntu3", "security"),
        ("upstream", "released", "3.0.2", ""),
        description="a loop without end",
        published="2022-03-15T17:15:00",
        updated_at="2026-10-01T10:00:00.123+00:00",
    ),
    cve("CVE-2022-1", ("jammy", "needs-triage", "", "security"), ("focal", "needed", "", "security")),
]


def test_ubuntu(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "cves").mkdir()
    (tmp_path / "cves" / "list.json").write_text(json.dumps({"cves": CVES[:1], "total_results": 1}))
    (tmp_path / "cves" / "one.json").write_text(json.dumps(CVES[1]))
    change = bring(settings, "ubuntu", tmp_path / "cves")
    assert (change.total, change.feed.date) == (2, "2026-10-01T10:00:00Z")
    with store(settings) as opened:
        (found,) = opened.by_id("CVE-2022-0778")
        (other,) = opened.by_id("CVE-2022-1")
    assert {(e.ecosystem, e.status, e.fix_state, e.ranges) for e in found.affected} == {
        ("Ubuntu:22.04:LTS", "released", "fixed", (Range(fixed="3.0.2-0ubuntu1"),)),
        ("Ubuntu:Pro:18.04:LTS", "released", "fixed", (Range(fixed="1.1.1-1ubuntu2.1~18.04.15"),)),
        ("Ubuntu:18.04:LTS", "released (esm)", "wont-fix", (Range(),)),
        ("Ubuntu:20.04:LTS", "ignored", "wont-fix", (Range(),)),
        ("Ubuntu:24.04:LTS", "not-affected", "unknown", ()),
    }
    assert (found.severity.level, found.severity.original) == (Level.HIGH, "high")
    assert [(e.status, e.fix_state) for e in other.affected] == [
        ("needs-triage", "unknown"),
        ("needed", "not-fixed"),
    ]


def test_ubuntu_in_pages(settings: Settings, server: Server) -> None:
    server.add("/cves.json?version=jammy", json.dumps({"cves": CVES[:1], "total_results": 2}).encode())
    page = {"cves": CVES[1:], "total_results": 2}
    server.add("/cves.json?version=jammy&limit=1&offset=1", json.dumps(page).encode())
    assert bring(settings, "ubuntu", server.url("/cves.json?version=jammy")).total == 2


def test_debian_tracker(settings: Settings, tmp_path: Path) -> None:
    def release(**fields: str) -> dict[str, str]:
        return {"urgency": "not yet assigned", **fields}

    releases = {
        "bookworm": release(status="resolved", fixed_version="3.0.9-1", urgency="low**"),
        "trixie": release(status="resolved", fixed_version="0"),
        "bullseye": release(status="open", nodsa_reason="postponed"),
        "forky": release(status="open"),
        "sid": release(status="open"),
    }
    data = {
        "openssl": {"CVE-2023-0464": {"description": "certificates", "releases": releases}},
        "edk2": {"CVE-2023-0464": {"releases": {"bookworm": release(status="undetermined")}}},
    }
    path = tmp_path / "tracker.json"
    path.write_text(json.dumps(data))
    assert bring(settings, "debian-tracker", path).total == 1
    with store(settings) as opened:
        (found,) = opened.by_id("CVE-2023-0464")
    assert found.details == "certificates"
    assert {(e.ecosystem, e.name, e.status, e.fix_state, e.ranges) for e in found.affected} == {
        ("Debian:12", "openssl", "resolved", "fixed", (Range(fixed="3.0.9-1"),)),
        ("Debian:13", "openssl", "resolved", "unknown", ()),
        ("Debian:11", "openssl", "open", "deferred", (Range(),)),
        ("Debian:14", "openssl", "open", "not-fixed", (Range(),)),
        ("Debian:12", "edk2", "undetermined", "unknown", (Range(),)),
    }
    assert {e.severity.original for e in found.affected} == {"low**", ""}


@pytest.mark.parametrize("feed", ["ubuntu", "debian-tracker"])
@pytest.mark.parametrize(
    "text", ["[1]", '{"cves": 5}', '{"openssl": []}', '{"openssl": {"CVE-1": []}}', "{}", "{"]
)
def test_malformed_statuses(settings: Settings, tmp_path: Path, feed: str, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError):
        bring(settings, feed, path)
    with AdvisoryStore.of(settings) as opened:
        assert opened.feeds() == ()
