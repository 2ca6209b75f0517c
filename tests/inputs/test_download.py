from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, InputError, StoreError, VerifyError
from slipway.events import Reporter, StepBegan, StepEnded, StepMoved
from slipway.inputs.crew import run_all
from slipway.inputs.download import Download, download_all, fetch_bytes
from slipway.inputs.kept import part_of, path_of
from slipway.net import Client
from tests.inputs.server import Resource, Server, cut, hang, instead, status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.events import Event
    from slipway.settings import Settings

SILENT = Reporter()
BIG = random.Random(1).randbytes(3_000_000)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    pause = Client.pause

    def short(client: Client, seconds: float) -> None:
        pause(client, seconds / 1000)

    monkeypatch.setattr(Client, "pause", short)


def item(server: Server, path: str, **kw: object) -> Download:
    resource = server.resources[path]
    values: dict[str, object] = {"sha256": resource.sha256, "size": len(resource.data), **kw}
    return Download(server.url(path), **values)  # type: ignore[arg-type]


def leftovers(settings: Settings) -> list[str]:
    """Everything in the cache that is not a finished download."""
    files = (p for p in settings.cache.rglob("*") if p.is_file())
    return sorted(p.name for p in files if len(p.name) != 64)


def test_many_in_order_then_none(server: Server, settings: Settings) -> None:
    for n in range(20):
        server.add(f"/{n}", random.Random(n).randbytes(1000 * n))
    items = [item(server, f"/{n}") for n in range(20)]
    paths = download_all(items, settings, SILENT)
    assert [p.read_bytes() for p in paths] == [server.resources[f"/{n}"].data for n in range(20)]
    assert [p.name for p in paths] == [i.sha256 for i in items]
    assert paths[0].stat().st_mode & 0o777 == 0o644
    assert leftovers(settings) == []
    server.requests.clear()
    assert download_all(items, settings, SILENT) == paths
    assert server.requests == []


def test_nothing(settings: Settings) -> None:
    assert download_all([], settings, SILENT) == []


def test_the_same_twice(server: Server, settings: Settings) -> None:
    server.add("/a", BIG)
    one = item(server, "/a")
    first, second = download_all([one, item(server, "/a", name="other")], settings, SILENT)
    assert first == second
    assert len(server.requests) == 1


def test_largest_first(server: Server, settings: Settings) -> None:
    for name, size in (("/s", 10), ("/l", 5000), ("/m", 300)):
        server.add(name, bytes(size))
    items = [item(server, name) for name in ("/s", "/l", "/m")]
    download_all(items, settings.with_(workers=1), SILENT)
    assert [path for path, _ in server.requests] == ["/l", "/m", "/s"]


def test_without_hash(server: Server, settings: Settings) -> None:
    resource = server.add("/a", BIG)
    (path,) = download_all([Download(server.url("/a"))], settings, SILENT)
    assert path == path_of(resource.sha256, settings)
    assert path.read_bytes() == BIG
    assert leftovers(settings) == []


def test_progress(server: Server, settings: Settings) -> None:
    server.add("/a", BIG, faults=[cut(1_000_000)])
    server.add("/b", bytes(1000))
    events: list[Event] = []
    items = [item(server, "/a"), Download(server.url("/b"))]
    download_all(items, settings, Reporter(events.append), what="packages")
    began, *moved, ended = events
    assert isinstance(began, StepBegan)
    assert (began.name, began.total, began.unit) == ("packages", len(BIG), "bytes")
    assert isinstance(ended, StepEnded)
    assert ended.ok
    last = moved[-1]
    assert isinstance(last, StepMoved)
    assert last.done == last.total == len(BIG) + 1000


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("headers", [{}, {"ETag": '"1"'}, {"ETag": 'W/"1"'}])
def test_cut_connections(
    server: Server, settings: Settings, headers: dict[str, str], *, ranges: bool, pinned: bool
) -> None:
    faults = [cut(1_000_000), status(500), cut(700_000)]
    server.add("/a", BIG, ranges=ranges, headers=headers, faults=faults)
    one = item(server, "/a") if pinned else Download(server.url("/a"))
    (path,) = download_all([one], settings, SILENT)
    assert path.read_bytes() == BIG
    assert leftovers(settings) == []
    resumed = pinned or headers == {"ETag": '"1"'}
    assert ("Range" in server.asked("/a")[1]) is resumed
    if resumed and headers == {"ETag": '"1"'}:
        assert server.asked("/a")[1]["If-Range"] == '"1"'


def test_many_cuts_are_fine_while_bytes_come(server: Server, settings: Settings) -> None:
    server.add("/a", BIG, faults=[cut(300_000)] * 9)
    (path,) = download_all([item(server, "/a")], settings, SILENT)
    assert path.read_bytes() == BIG


def test_resource_changes_in_the_middle(server: Server, settings: Settings) -> None:
    new = BIG[::-1]

    def change(handler: object, resource: Resource) -> None:
        cut(1_000_000)(handler, resource)  # type: ignore[arg-type]
        resource.data, resource.headers = new, {"ETag": '"2"'}

    server.add("/a", BIG, headers={"ETag": '"1"'}, faults=[change])
    (path,) = download_all([Download(server.url("/a"))], settings, SILENT)
    assert path.read_bytes() == new


@pytest.mark.parametrize("pinned", [True, False])
def test_wrong_ranges_are_not_believed(server: Server, settings: Settings, *, pinned: bool) -> None:
    def wrong(handler: object, resource: Resource) -> None:
        handler.answer(206, BIG[5:], {"Content-Range": f"bytes 5-{len(BIG) - 1}/{len(BIG)}"})  # type: ignore[attr-defined]

    server.add("/a", BIG, headers={"ETag": '"1"'}, faults=[cut(1_000_000), wrong])
    one = item(server, "/a") if pinned else Download(server.url("/a"))
    (path,) = download_all([one], settings, SILENT)
    assert path.read_bytes() == BIG


def test_next_run_resumes(server: Server, settings: Settings) -> None:
    server.add("/a", BIG, faults=[cut(1_000_000), *[status(500)] * 9])
    one = item(server, "/a")
    with pytest.raises(FetchError, match="500"):
        download_all([one], settings, SILENT)
    assert part_of(one.sha256, settings).read_bytes() == BIG[:1_000_000]
    server.resources["/a"].faults.clear()
    server.requests.clear()
    (path,) = download_all([one], settings, SILENT)
    assert path.read_bytes() == BIG
    assert [h["Range"] for h in server.asked("/a")] == ["bytes=1000000-"]


@pytest.mark.parametrize("etag", ['"1"', ""])
def test_next_run_without_hash_resumes_only_with_an_etag(
    server: Server, settings: Settings, etag: str
) -> None:
    headers = {"ETag": etag} if etag else {}
    server.add("/a", BIG, headers=headers, faults=[cut(1_000_000), *[status(404)] * 2])
    with pytest.raises(FetchError, match="404"):
        download_all([Download(server.url("/a"))], settings, SILENT)
    server.resources["/a"].faults.clear()
    server.requests.clear()
    (path,) = download_all([Download(server.url("/a"))], settings, SILENT)
    assert path.read_bytes() == BIG
    assert [("Range" in h) for h in server.asked("/a")] == [bool(etag)]
    assert leftovers(settings) == []


def test_complete_part_needs_no_request(server: Server, settings: Settings) -> None:
    server.add("/a", BIG)
    one = item(server, "/a")
    part = part_of(one.sha256, settings)
    part.parent.mkdir(parents=True)
    part.write_bytes(BIG)
    (path,) = download_all([one], settings, SILENT)
    assert path.read_bytes() == BIG
    assert server.requests == []
    path.unlink()
    part.write_bytes(BIG)
    (path,) = download_all([item(server, "/a", size=0)], settings, SILENT)  # the server answers 416
    assert path.read_bytes() == BIG


def test_damaged_part(server: Server, settings: Settings) -> None:
    server.add("/a", BIG)
    one = item(server, "/a")
    part = part_of(one.sha256, settings)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    (path,) = download_all([one], settings, SILENT)
    assert path.read_bytes() == BIG
    assert len(server.requests) == 2


def test_wrong_hash_once(server: Server, settings: Settings) -> None:
    server.add("/a", BIG, faults=[instead(BIG[::-1])])
    (path,) = download_all([item(server, "/a")], settings, SILENT)
    assert path.read_bytes() == BIG
    assert [h.get("Cache-Control") for h in server.asked("/a")] == [None, "no-cache"]


def test_wrong_hash_always(server: Server, settings: Settings) -> None:
    server.add("/a", BIG)
    one = item(server, "/a", sha256="0" * 64, name="lib_1.0.deb")
    with pytest.raises(VerifyError, match=r"lib_1\.0\.deb is not what was promised") as caught:
        download_all([one], settings, SILENT)
    assert hashlib.sha256(BIG).hexdigest() in caught.value.details
    assert len(server.requests) == 2
    assert leftovers(settings) == []
    assert not path_of("0" * 64, settings).exists()


@pytest.mark.parametrize("announced", [10, len(BIG) - 1, len(BIG) + 1])
def test_wrong_size(server: Server, settings: Settings, announced: int) -> None:
    server.add("/a", BIG)
    with pytest.raises(VerifyError, match=f"{announced}"):
        download_all([item(server, "/a", size=announced)], settings, SILENT)
    assert leftovers(settings) == []


def test_body_without_announcement_is_bounded(server: Server, settings: Settings) -> None:
    def endless(handler: object, _: Resource) -> None:
        handler.send_response(200)  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]
        for _n in range(100):
            handler.wfile.write(bytes(1 << 20))  # type: ignore[attr-defined]
        handler.close_connection = True  # type: ignore[attr-defined]

    server.add("/a", b"", faults=[endless, endless])
    with pytest.raises(VerifyError, match="more than the 1000 bytes"):
        download_all([Download(server.url("/a"), "0" * 64, 1000)], settings, SILENT)


def test_short_body_without_announcement_is_cut(server: Server, settings: Settings) -> None:
    def short(handler: object, _: Resource) -> None:
        handler.send_response(200)  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]
        handler.wfile.write(BIG[:1_000_000])  # type: ignore[attr-defined]
        handler.close_connection = True  # type: ignore[attr-defined]

    server.add("/a", BIG, faults=[short])
    (path,) = download_all([item(server, "/a")], settings, SILENT)
    assert path.read_bytes() == BIG
    assert server.asked("/a")[1]["Range"] == "bytes=1000000-"


def test_a_file_of_the_wrong_size_in_the_cache_is_fetched_again(server: Server, settings: Settings) -> None:
    server.add("/a", BIG)
    (path,) = download_all([item(server, "/a")], settings, SILENT)
    path.write_bytes(b"")
    download_all([item(server, "/a")], settings, SILENT)
    assert path.read_bytes() == BIG


def test_first_failure_ends_the_others(server: Server, settings: Settings) -> None:
    server.add("/slow", BIG, faults=[hang(after=1_000_000)])
    server.add("/never", BIG[::-1], faults=[hang()])
    items = [item(server, "/slow"), item(server, "/never"), Download(server.url("/none"))]
    start = time.monotonic()
    with pytest.raises(FetchError, match="/none: the server answers 404"):
        download_all(items, settings, SILENT)
    assert time.monotonic() - start < 8
    assert [t for t in threading.enumerate() if t.name.startswith("fetch-")] == []


@pytest.mark.parametrize("sha256", ["../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_hashes_are_not_paths(settings: Settings, sha256: str) -> None:
    with pytest.raises(InputError, match="not a sha256"):
        download_all([Download("http://h/x", sha256)], settings, SILENT)


def test_file_urls(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "a b.whl"
    source.write_bytes(BIG)
    sha256 = hashlib.sha256(BIG).hexdigest()
    (path,) = download_all([Download(source.as_uri(), sha256, len(BIG))], settings, SILENT)
    source.write_bytes(b"changed in place")
    assert path.read_bytes() == BIG
    with pytest.raises(VerifyError, match=r"a b\.whl"):
        download_all([Download(source.as_uri(), "0" * 64)], settings, SILENT)
    with pytest.raises(FetchError, match="there is no file"):
        download_all([Download((tmp_path / "none").as_uri(), "0" * 64)], settings, SILENT)
    with pytest.raises(FetchError, match="not a URL of a file"):
        download_all([Download("file://elsewhere/x", "0" * 64)], settings, SILENT)
    assert leftovers(settings) == []


def test_fetch_bytes(server: Server, settings: Settings, tmp_path: Path) -> None:
    server.add("/a", b"hello", faults=[cut(2), status(503)])
    assert fetch_bytes(server.url("/a"), settings, max_size=5, headers={"Accept": "text/x"}) == b"hello"
    assert server.asked("/a")[0]["Accept"] == "text/x"
    with pytest.raises(FetchError, match="more than the 4 bytes"):
        fetch_bytes(server.url("/a"), settings, max_size=4)
    (tmp_path / "f").write_bytes(b"local")
    assert fetch_bytes((tmp_path / "f").as_uri(), settings, max_size=5) == b"local"
    with pytest.raises(FetchError, match="more than the 4 bytes"):
        fetch_bytes((tmp_path / "f").as_uri(), settings, max_size=4)


def test_keyboard_interrupt_ends_all(server: Server, settings: Settings) -> None:
    server.add("/slow", BIG, faults=[hang(after=1_000_000)])
    one = item(server, "/slow")

    def interrupt() -> None:
        while not part_of(one.sha256, settings).exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        download_all([one], settings, SILENT)
    thread.join()
    assert time.monotonic() - start < 8
    assert leftovers(settings) in ([], [f"{one.sha256}.part"])
    server.resources["/slow"].faults.clear()
    assert download_all([one], settings, SILENT)[0].read_bytes() == BIG


CHILD = """
import sys, pathlib
from slipway.events import Reporter
from slipway.inputs.download import Download, download_all
from slipway.settings import Settings
cache, url, sha256, size = sys.argv[1:]
settings = Settings(store=pathlib.Path(cache), cache=pathlib.Path(cache), timeout=5.0)
print(download_all([Download(url, sha256, int(size))], settings, Reporter())[0])
"""


def child(one: Download, settings: Settings) -> subprocess.Popen[bytes]:
    src = Path(__file__).parents[2] / "src"
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(settings.cache), one.url, one.sha256, str(one.size)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(src)},
    )


def test_killed_process(server: Server, settings: Settings) -> None:
    server.add("/a", BIG, faults=[hang(after=1_000_000)])
    one = item(server, "/a")
    part = part_of(one.sha256, settings)
    with child(one, settings) as process:
        while not (part.exists() and part.stat().st_size > 500_000):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.communicate()
    kept = part.stat().st_size
    server.requests.clear()
    (path,) = download_all([one], settings, SILENT)
    assert path.read_bytes() == BIG
    assert server.asked("/a")[0]["Range"] == f"bytes={kept}-"
    assert leftovers(settings) == []


def test_two_processes_share_one_download(server: Server, settings: Settings) -> None:
    release = threading.Event()

    def slow(handler: object, resource: Resource) -> None:
        release.wait(20)
        handler.serve(resource)  # type: ignore[attr-defined]

    server.add("/a", BIG, faults=[slow])
    one = item(server, "/a")
    with child(one, settings) as first, child(one, settings) as second:
        while not server.requests:
            time.sleep(0.01)
        time.sleep(0.3)
        release.set()
        outputs = {process.communicate()[0] for process in (first, second)}
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(outputs) == 1
    assert path_of(one.sha256, settings).read_bytes() == BIG
    assert len(server.requests) == 1
    assert leftovers(settings) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory with room for one MiB."""
    place = tmp_path / "tiny"
    place.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a small tmpfs: {error}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_full_disk(server: Server, settings: Settings, tiny_disk: Path) -> None:
    server.add("/a", BIG)
    with pytest.raises(StoreError, match="no space left") as caught:
        download_all([item(server, "/a")], settings.with_(cache=tiny_disk), SILENT)
    assert "SLIPWAY_CACHE" in caught.value.hint
    assert not path_of(hashlib.sha256(BIG).hexdigest(), settings.with_(cache=tiny_disk)).exists()


def test_cache_that_cannot_be_written(server: Server, settings: Settings, tmp_path: Path) -> None:
    server.add("/a", BIG)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot write"):
        download_all([item(server, "/a")], settings.with_(cache=tmp_path / "file"), SILENT)


def test_cache_of_somebody_else(server: Server, settings: Settings) -> None:
    server.add("/a", BIG)
    (path,) = download_all([item(server, "/a")], settings, SILENT)
    path.parent.chmod(0)
    try:
        if os.access(path, os.F_OK):
            pytest.skip("this user may look everywhere")
        with pytest.raises(StoreError, match="cannot look at"):
            download_all([item(server, "/a")], settings, SILENT)
    finally:
        path.parent.chmod(0o755)


@pytest.mark.net
def test_the_mirror_of_this_machine(settings: Settings) -> None:
    """A real index by the hash that its signed Release file announces."""
    command = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"APT does not say which mirror it uses: {error}")
    if len(listed) < 2:
        pytest.skip("APT has no mirror")
    base = f"{listed[0].rstrip('/')}/dists/{listed[1]}"
    release = fetch_bytes(f"{base}/InRelease", settings, max_size=1 << 22).decode()
    hashes = release.split("SHA256:")[1]
    sha256, size, name = next(
        line.split() for line in hashes.splitlines() if line.endswith("main/binary-amd64/Release")
    )
    (path,) = download_all([Download(f"{base}/{name}", sha256, int(size))], settings, SILENT)
    assert b"Component: main" in path.read_bytes()


def test_crew_returns_in_order_and_raises_the_first_error() -> None:
    assert run_all([lambda n=n: n * n for n in range(50)], None, 4) == [n * n for n in range(50)]  # type: ignore[misc]
    assert run_all([], None, 4) == []

    def fail() -> int:
        raise ValueError("first")

    started: list[int] = []

    def count() -> int:
        started.append(1)
        return 0

    with pytest.raises(ValueError, match="first"):
        run_all([fail, *[count] * 1000], None, 1)
    assert started == []
