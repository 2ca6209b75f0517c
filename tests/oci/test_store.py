from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slipway.errors import StoreError, UsageError
from slipway.oci import digest as dg
from slipway.oci.store import Descriptor, Store
from slipway.oci.usage import check
from tests.images.making import Maker, member


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def put(store: Store, text: str) -> Descriptor:
    return store.put(text.encode(), "text/plain")


def test_blobs_come_back_and_damage_is_found(store: Store) -> None:
    blob = put(store, "hello")
    assert blob.digest == dg.of_bytes(b"hello")
    assert store.read(blob.digest) == b"hello"
    store.path(blob.digest).write_bytes(b"jello")
    with pytest.raises(StoreError, match="damaged"):
        store.read(blob.digest)
    store.path(blob.digest).unlink()
    with pytest.raises(StoreError, match="lacks"):
        store.read(blob.digest)


def test_a_blob_written_in_pieces_has_the_digest_of_the_whole(store: Store) -> None:
    with store.writer() as out:
        out.write(b"hel")
        out.write(b"lo")
    assert out.digest == dg.of_bytes(b"hello")
    assert out.size == 5
    assert store.read(out.digest) == b"hello"


def test_an_interrupted_write_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), store.writer() as out:
        out.write(b"half")
        raise KeyboardInterrupt
    assert list((store.root / "blobs/sha256").iterdir()) == []


def test_names_move_and_go(store: Store) -> None:
    one, two = put(store, "1"), put(store, "2")
    store.tag("a:latest", one)
    store.tag("b:1", one)
    store.tag("a:latest", two)
    assert {i.name: i.digest for i in store.images()} == {"a:latest": two.digest, "b:1": one.digest}
    assert store.find("a").digest == two.digest
    named = store.named("a:latest")
    assert named is not None
    assert named.digest == two.digest
    store.add(put(store, "3"))
    assert (store.named("a"), store.named("")) == (None, None)
    assert [i.name for i in store.remove("a")] == ["a:latest"]
    with pytest.raises(UsageError, match="no image 'a'") as caught:
        store.find("a")
    assert "b:1" in caught.value.hint


def test_images_are_found_by_digest(store: Store) -> None:
    image = put(store, "1")
    store.tag("a:1", image)
    store.tag("b:1", image)
    for reference in (image.digest, dg.hex_of(image.digest), image.digest[: len("sha256:") + 6]):
        assert store.find(reference).digest == image.digest
    with pytest.raises(UsageError):
        store.find(dg.hex_of(image.digest)[:5])
    assert len(store.remove(image.digest)) == 2
    assert store.images() == []


def test_a_name_that_looks_like_a_digest_is_still_a_name(store: Store) -> None:
    image = put(store, "1")
    store.tag("facade:latest", image)
    store.tag("other:1", image)
    assert [i.name for i in store.remove("facade")] == ["facade:latest"]
    assert [i.name for i in store.images()] == ["other:1"]


def test_an_image_without_a_name_is_kept_once(store: Store) -> None:
    image = put(store, "1")
    store.add(image)
    store.add(image)
    assert len(store.images()) == 1
    store.tag("a:1", image)
    assert [i.name for i in store.images()] == ["a:1"]
    store.add(image)
    assert len(store.images()) == 1


def test_the_store_is_an_image_layout(store: Store) -> None:
    store.tag("a:1", put(store, "1"))
    assert json.loads((store.root / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    (row,) = json.loads((store.root / "index.json").read_bytes())["manifests"]
    assert row["annotations"] == {"org.opencontainers.image.ref.name": "a:1"}


def test_a_damaged_index_is_named(store: Store) -> None:
    store.tag("a:1", put(store, "1"))
    (store.root / "index.json").write_text("{")
    with pytest.raises(StoreError, match=r"index\.json is damaged"):
        store.images()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"mediaType": "x", "digest": "sha256:zz", "size": 1},
        {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": "many"},
        {"mediaType": "x", "digest": 5, "size": 1},
        {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1, "platform": "linux"},
    ],
)
def test_malformed_descriptors(data: dict[str, object]) -> None:
    with pytest.raises(StoreError, match="malformed"):
        Descriptor.from_json(data)


def test_a_layer_record_counts_only_with_its_blob(store: Store) -> None:
    blob = put(store, "1")
    store.put_layer_record("k", {"digest": blob.digest}, [["etc"]])
    assert store.layer_record("k") == {"digest": blob.digest}
    assert store.layer_dirs("k") == [["etc"]]
    store.path(blob.digest).unlink()
    assert store.layer_record("k") is None
    assert store.layer_record("never") is None


def test_no_name_is_lost_when_many_write(store: Store) -> None:
    image = put(store, "1")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.tag(f"n{n}:1", image), range(30)))
    assert len(store.images()) == 30


_WRITER = """
import os, sys
from pathlib import Path
from slipway.oci.store import Store
from tests.images.making import Maker, member
maker = Maker(Path(sys.argv[1]))
print("ready", flush=True)
n = 0
while True:
    n += 1
    layer = maker.layer(member("f", os.urandom(200_000)))
    maker.image(layer, tag=f"t{n % 5}:1")
"""


def test_a_killed_writer_leaves_a_valid_store(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    maker.image(maker.layer(member("a", b"1")), tag="first:1")
    for pause in (0.15, 0.25):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(pause)
            writer.send_signal(signal.SIGKILL)
        assert check(maker.store).problems == ()
        assert "first:1" in {i.name for i in maker.store.images()}
        maker.image(maker.layer(member("b", b"2")), tag="next:1")
