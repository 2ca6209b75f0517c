"""What every storage has to do, tried on each."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from slipway.errors import InputError
from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.artifacts.model import ArtifactError, ChangedError, MissingError, check_names, split
from slipway.service.artifacts.signing import signed, valid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.artifacts.model import Artifacts, Stat

BIG = os.urandom(3_000_000)


def pieces(content: bytes, size: int = 1 << 20) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def skip_rclone(request: pytest.FixtureRequest, why: str) -> None:
    if request.node.callspec.params.get("storage") == "rclone":
        pytest.skip(f"rclone's server {why}")


def test_in_and_out(storage: Artifacts) -> None:
    assert storage.head("boot-images", "a/b c/ü") is None
    with pytest.raises(MissingError):
        storage.read("boot-images", "a/b c/ü", 10)
    stat = storage.put("boot-images", "a/b c/ü", pieces(BIG), content_type="x/y", metadata={"Md5Sum": "1"})
    assert stat.md5 == hashlib.md5(BIG).hexdigest()
    assert stat.sha256 == hashlib.sha256(BIG).hexdigest()
    found = storage.head("boot-images", "a/b c/ü")
    assert found
    assert (found.size, found.etag, found.content_type) == (len(BIG), stat.etag, "x/y")
    assert found.metadata["md5sum"] == "1"
    assert storage.read("boot-images", "a/b c/ü", len(BIG)) == BIG
    with pytest.raises(InputError):
        storage.read("boot-images", "a/b c/ü", len(BIG) - 1)
    for start, stop in ((5, 2_000_005), (0, 1), (7, None), (len(BIG) - 1, len(BIG) + 9)):
        assert b"".join(storage.chunks("boot-images", "a/b c/ü", start, stop)) == BIG[start:stop]
    for start, stop in ((5, 5), (9, 5), (len(BIG), None), (len(BIG), len(BIG) + 1)):
        assert not list(storage.chunks("boot-images", "a/b c/ü", start, stop))
    storage.delete("boot-images", "a/b c/ü")
    storage.delete("boot-images", "a/b c/ü")
    assert storage.head("boot-images", "a/b c/ü") is None


def test_copies_keep_all(storage: Artifacts) -> None:
    storage.put("boot-images", "a", [b"one"], content_type="x/y", metadata={"md5sum": "1"})
    copied = storage.copy(("boot-images", "a"), ("boot-images", "deleted/a"))
    storage.delete("boot-images", "a")
    assert storage.read("boot-images", "deleted/a", 10) == b"one"
    found = storage.head("boot-images", "deleted/a")
    assert found
    # rclone's server adds a name of its own
    assert {name: value for name, value in found.metadata.items() if name != "mtime"} == {"md5sum": "1"}
    assert (found.content_type, found.size) == ("x/y", 3)
    assert copied.key == "deleted/a"
    with pytest.raises(MissingError):
        storage.copy(("boot-images", "a"), ("boot-images", "b"))


def test_a_new_object_takes_the_place_of_the_old(storage: Artifacts) -> None:
    for content in (b"one", b"two", b"two", b"one"):
        storage.put("boot-images", "k", [content])
        assert storage.read("boot-images", "k", 10) == content


def test_what_is_there(storage: Artifacts) -> None:
    for key in ("a/1", "a/2", "b/1", "a%/x"):
        storage.put("boot-images", key, [key.encode()])
    storage.put("ims-other", "a/3", [b""])
    assert [stat.key for stat in storage.walk("boot-images", "a/")] == ["a/1", "a/2"]
    assert [stat.key for stat in storage.walk("boot-images")] == ["a%/x", "a/1", "a/2", "b/1"]
    assert [stat.key for stat in storage.walk("boot-images", after="a/1")] == ["a/2", "b/1"]
    assert [stat.key for stat in storage.walk("boot-images", "a/", "a/0")] == ["a/1", "a/2"]
    assert [stat.key for stat in storage.walk("boot-images", "a/", "b")] == []


def test_uploads_that_are_not_ended(storage: Artifacts, request: pytest.FixtureRequest) -> None:
    begun = {(key, storage.begin("boot-images", key)) for key in ("a/1", "a/1", "b")}
    other = storage.begin("ims", "a/1")
    found = list(storage.uploads("boot-images"))
    assert {(each.key, each.id) for each in found} == begun
    assert all(abs(each.begun / 1_000_000 - time.time()) < 60 for each in found)
    assert {each.id for each in storage.uploads("boot-images", "a/")} == {
        i for key, i in begun if key == "a/1"
    }
    assert [(each.bucket, each.key, each.id) for each in storage.uploads("ims")] == [("ims", "a/1", other)]
    for key, upload in begun:
        storage.abort("boot-images", key, upload)
    if request.node.callspec.params["storage"] != "rclone":  # which says then that there is no upload
        assert list(storage.uploads("boot-images")) == []


@pytest.mark.parametrize("size", [10, (16 << 20) + 10], ids=["whole", "parts"])
def test_of_those_that_expect_the_same_one_succeeds(storage: Artifacts, size: int) -> None:
    """All have sent their bytes before one is stored."""
    many = 4 if size < 100 else 2
    together = threading.Barrier(many)

    def content(mark: bytes) -> Iterator[bytes]:
        yield mark * (size - 1)
        together.wait(30)
        yield mark

    def put(mark: bytes, expected: str) -> Stat | None:
        try:
            return storage.put("boot-images", "k", content(mark), expected=expected)
        except ChangedError:
            return None

    expected = ""
    with ThreadPoolExecutor(many) as threads:
        for marks in ((b"a", b"b", b"c", b"d")[:many], (b"e", b"f", b"g", b"h")[:many]):
            found = list(threads.map(put, marks, [expected] * many))
            [won] = [each for each in found if each]
            assert storage.read("boot-images", "k", size) == marks[found.index(won)] * size
            expected = won.etag
    assert next(storage.walk("boot-images")).etag == expected
    with pytest.raises(ChangedError):
        storage.put("boot-images", "other", [b"x"], expected=expected)
    assert storage.head("boot-images", "other") is None


def test_in_parts(storage: Artifacts, request: pytest.FixtureRequest) -> None:
    skip_rclone(request, "takes no part twice and lists none")
    five = os.urandom(5 << 20)
    upload = storage.begin("boot-images", "k", content_type="x/y", metadata={"md5sum": "7"})
    storage.part("boot-images", "k", upload, 1, pieces(b"wrong" * (1 << 20)))
    tags = [(2, storage.part("boot-images", "k", upload, 2, [b"end"]))]
    tags.insert(0, (1, storage.part("boot-images", "k", upload, 1, pieces(five))))
    assert storage.parts("boot-images", "k", upload) == {1: (len(five), tags[0][1]), 2: (3, tags[1][1])}
    assert storage.head("boot-images", "k") is None
    with pytest.raises((InputError, ArtifactError)):
        storage.complete("boot-images", "k", upload, [(1, "0" * 32), tags[1]])
    stat = storage.complete("boot-images", "k", upload, tags)
    assert stat.etag.endswith("-2")
    assert storage.read("boot-images", "k", 1 << 24) == five + b"end"
    found = storage.head("boot-images", "k")
    assert found
    assert found.metadata["md5sum"] == "7"
    with pytest.raises(MissingError):
        storage.parts("boot-images", "k", upload)
    other = storage.begin("boot-images", "k2")
    storage.abort("boot-images", "k2", other)
    storage.abort("boot-images", "k2", other)
    with pytest.raises(MissingError):
        storage.part("boot-images", "k2", other, 1, [b""])


def test_an_upload_that_breaks_off_leaves_nothing(storage: Artifacts) -> None:
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise ConnectionError("gone")

    storage.put("boot-images", "k", [b"old"])
    with pytest.raises(ConnectionError):
        storage.put("boot-images", "k", broken())
    assert storage.read("boot-images", "k", 10) == b"old"
    storage.check()


def test_the_same_bytes_are_kept_once(local: LocalArtifacts) -> None:
    local.put("boot-images", "a", pieces(BIG))
    local.put("boot-images", "b", pieces(BIG))
    local.copy(("boot-images", "a"), ("boot-images", "c"))
    blobs = [path for path in (local.root / "blobs").rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in blobs] == [len(BIG)]
    for key in "ab":
        local.delete("boot-images", key)
    assert local.read("boot-images", "c", len(BIG)) == BIG
    local.put("boot-images", "c", [b"small"])
    assert not blobs[0].exists()
    assert not list((local.root / "incoming").iterdir())


def test_what_a_killed_process_left(local: LocalArtifacts) -> None:
    local.put("boot-images", "a", [b"kept"])
    stray = local.root / "blobs" / "00" / ("0" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    (local.root / "incoming" / "x").write_bytes(b"x")
    assert local.sweep() == 0
    assert local.sweep(-5) == 2
    assert local.read("boot-images", "a", 10) == b"kept"
    assert not stray.exists()


def test_two_processes_and_many_threads(local: LocalArtifacts) -> None:
    other = LocalArtifacts(local.root)
    problems: list[BaseException] = []

    def work(storage: LocalArtifacts) -> None:
        try:
            for number in range(20):
                storage.put("boot-images", f"k{number % 3}", [b"same"])
                storage.delete("boot-images", f"k{(number + 1) % 3}")
        except ArtifactError as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(each,)) for each in (local, other, local, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    for stat in local.walk("boot-images"):
        assert local.read("boot-images", stat.key, 10) == b"same"
    other.close()


def test_the_secret_is_kept_and_private(local: LocalArtifacts) -> None:
    again = LocalArtifacts(local.root)
    assert again.secret == local.secret
    assert (local.root / "secret").stat().st_mode & 0o777 == 0o600
    again.close()


def test_addresses_expire() -> None:
    secret = b"s" * 32
    address = signed("http://h/artifacts", secret, "GET", "boot-images", "a b/c", 100)
    assert address.startswith("http://h/artifacts/boot-images/a%20b/c?expires=100&signature=")
    signature = address.rpartition("=")[2]
    assert valid(secret, "GET", "boot-images", "a b/c", "100", signature, 100)
    assert not valid(secret, "GET", "boot-images", "a b/c", "100", signature, 101)
    assert not valid(secret, "PUT", "boot-images", "a b/c", "100", signature, 1)
    assert not valid(secret, "GET", "boot-images", "a b/d", "100", signature, 1)
    assert not valid(secret, "GET", "boot-images", "a b/c", "200", signature, 1)
    assert not valid(b"t" * 32, "GET", "boot-images", "a b/c", "100", signature, 1)
    assert not valid(secret, "GET", "boot-images", "a b/c", "1e3", "ü", 1)


@pytest.mark.parametrize(
    "path", ["", "s3://", "s3://b", "s3://bb/", "http://bbb/k", "S3://bbb/k", "s3://Bbb/k", "s3://[b/k"]
)
def test_what_is_no_artifact(path: str) -> None:
    with pytest.raises(InputError):
        split(path)


def test_names() -> None:
    assert split("s3://boot-images/a/b?c#d%20") == ("boot-images", "a/b?c#d%20")
    for key in ("", "\0", "k" * 1025, "a\nb", "not utf-8: \ufffd"):
        with pytest.raises(InputError):
            check_names("bbb", key)
    for bucket, key in (("..", "k"), ("a/b", "k")):
        with pytest.raises(InputError):
            check_names(bucket, key)
