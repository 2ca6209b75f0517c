from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from slipway.errors import StoreError
from slipway.events import Reporter
from slipway.oci.gc import collect
from slipway.oci.layerindex import layer_index
from slipway.oci.reader import read_image
from slipway.oci.rootfs import Trees, held
from slipway.oci.usage import check, usage
from tests.images.making import Maker, member

DAY = 86400


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def aged(path: Path, seconds: float, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(content)
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def blobs(maker: Maker) -> set[str]:
    return {p.name for p in (maker.store.root / "blobs/sha256").iterdir()}


def test_what_no_image_needs_goes_and_all_else_stays(maker: Maker) -> None:
    shared = maker.layer(member("a", b"1"))
    kept = maker.image(shared, tag="kept:1")
    nested = maker.index(
        [("linux/amd64", maker.image(shared, maker.layer(member("n", b"5"))))], tag="multi:1"
    )
    needed = blobs(maker)
    gone_layer = maker.layer(member("b", b"2"))
    gone = maker.image(shared, gone_layer)
    for layer in (shared, gone_layer):
        layer_index(maker.store, layer.blob)
        maker.store.put_layer_record(
            f"key-{layer.blob.size}-{layer.diff_id[-6:]}", {"digest": layer.blob.digest}, []
        )
    maker.store.put_layer_record("dangling", {"digest": "sha256:" + "0" * 64}, [])
    for image in (kept, gone):
        maker.store.put_build_record(image.digest, {"layers": []})
    dry = collect(maker.store, maker.settings, dry_run=True)
    assert len(blobs(maker)) == len(needed) + 3
    report = collect(maker.store, maker.settings)
    assert blobs(maker) == needed
    assert report.swept == dry.swept
    assert report.swept["blobs"].count == 3
    assert report.swept["records"].count == 5  # of the image; of two layers, each with its directories
    assert report.swept["indexes"].count == 1
    assert maker.store.build_record(kept.digest) is not None
    assert len(list((maker.store.root / "layers").iterdir())) == 2  # a record and its directories
    assert check(maker.store).problems == ()
    assert maker.store.has(nested.digest)
    assert collect(maker.store, maker.settings).swept == {}


def test_left_overs_go_after_an_hour(maker: Maker) -> None:
    maker.image(maker.layer(member("a", b"1")), tag="x:1")
    old = aged(maker.store.root / "blobs/sha256/.tmp-old", 2 * 3600)
    new = aged(maker.store.root / "blobs/sha256/.tmp-new", 60)
    part = aged(maker.settings.cache / "downloads/parts/k.part", 2 * 3600)
    orphan = aged(maker.settings.cache / "fragments/ab/abcd.tar.gzip", 2 * 3600)
    report = collect(maker.store, maker.settings)
    assert [p.exists() for p in (old, new, part, orphan)] == [False, True, False, False]
    assert report.swept["left-overs"].count == 3


def test_caches_go_by_last_use(maker: Maker) -> None:
    cache = maker.settings.cache
    old = [
        aged(cache / "fragments/ab/ab1.tar.gzip", 1 * DAY),
        aged(cache / "fragments/ab/ab1.json", 9 * DAY),
        aged(cache / "downloads/12/123", 9 * DAY),
        aged(cache / "web/x.json", 9 * DAY),
    ]
    new = [
        aged(cache / "fragments/cd/cd1.tar.gzip", 20 * DAY),
        aged(cache / "fragments/cd/cd1.json", 1 * DAY),
        aged(cache / "downloads/45/456", 1 * DAY),
        aged(cache / "uv/old-file", 99 * DAY),
    ]
    report = collect(maker.store, maker.settings, older_than=7 * DAY)
    assert not any(p.exists() for p in old)
    assert all(p.exists() for p in new)
    assert {k: s.count for k, s in report.swept.items()} == {"downloads": 1, "fragments": 1, "web": 1}
    collect(maker.store, maker.settings, older_than=7 * DAY, now=time.time() + 100 * DAY)
    assert not (cache / "uv").exists()


def test_trees_go_with_their_image_or_age_but_not_while_in_use(maker: Maker) -> None:
    trees = Trees(maker.settings.cache / "trees")
    images = [maker.image(maker.layer(member(n, b"1")), tag=f"{n}:1") for n in "abc"]
    a, b, c = (
        trees.provide(maker.store, read_image(maker.store, image).layers, Reporter())[0] for image in images
    )
    aged(b, 99 * DAY)
    maker.store.remove("a:1")
    maker.store.remove("c:1")
    with held([c]):
        report = collect(maker.store, maker.settings)
    assert [p.exists() for p in (a, b, c)] == [False, False, True]
    assert report.swept["trees"].count == 2
    assert not list(trees.root.glob(".tmp-*"))


def test_nothing_is_collected_while_a_build_runs(maker: Maker) -> None:
    maker.layer(member("a", b"1"))
    with maker.store.shared(), pytest.raises(StoreError, match="in use"):
        collect(maker.store, maker.settings)
    assert len(blobs(maker)) == 1


def test_an_image_that_cannot_be_read_stops_the_collection(maker: Maker) -> None:
    image = maker.image(maker.layer(member("a", b"1")), tag="x:1")
    maker.store.path(image.digest).write_bytes(b"{}")
    with pytest.raises(StoreError, match="damaged"):
        collect(maker.store, maker.settings)
    assert len(blobs(maker)) == 3


def test_usage_tells_shared_from_unique(maker: Maker) -> None:
    shared = maker.layer(member("a", os.urandom(1000)))
    own = maker.layer(member("b", os.urandom(5000)))
    maker.image(shared, own, tag="one:1")
    maker.image(shared, tag="two:1")
    stray = maker.layer(member("c", os.urandom(3000)))
    told = usage(maker.store, maker.settings)
    one, two = told.images
    assert (one.names, two.names) == (("one:1",), ("two:1",))
    assert one.shared == two.shared == shared.blob.size
    assert one.unique == one.size - one.shared
    assert own.blob.size < one.unique < own.blob.size + 2000
    assert told.reclaimable == stray.blob.size
    files = (maker.store.root / "blobs/sha256").iterdir()
    assert told.blobs == sum(p.stat().st_size for p in files)
    assert told.total >= told.blobs
    assert told.as_dict()["images"][0]["names"] == ["one:1"]


def test_check_finds_what_is_missing_or_damaged(maker: Maker) -> None:
    layers = [maker.layer(member(n, b"x" * 100)) for n in "abc"]
    image = maker.image(*layers, tag="x:1")
    sound = check(maker.store)
    assert (sound.images, sound.blobs, sound.problems) == (1, 5, ())
    maker.store.path(layers[0].blob.digest).unlink()
    path = maker.store.path(layers[1].blob.digest)
    path.write_bytes(path.read_bytes()[:-1] + b"~")
    problems = check(maker.store).problems
    assert len(problems) == 2
    assert "missing" in problems[0] + problems[1]
    assert "damaged" in problems[0] + problems[1]
    maker.store.path(image.digest).unlink()
    assert "x:1: the store lacks" in check(maker.store).problems[0]


def test_an_empty_store(maker: Maker) -> None:
    assert collect(maker.store, maker.settings).swept == {}
    assert check(maker.store).problems == ()
    assert usage(maker.store, maker.settings).total == 0


def test_copies_of_repositories_go_as_a_whole(maker: Maker) -> None:
    """What nobody used for a month; the time of a tree is that of its listing, that of a repository its directory's."""
    git = maker.settings.cache / "git"
    for name, days in (("old", 40), ("new", 3)):
        aged(git / "repositories" / name / "objects/pack/one", 50 * DAY)
        aged(git / "repositories" / name, days * DAY)
        aged(git / "trees" / name / "tree/file", 50 * DAY)
        aged(git / "trees" / name / "listing.json", days * DAY)
        aged(git / "answers" / f"{name}.json", days * DAY)
    aged(git / "trees/.tmp-x/tree/file", DAY)
    aged(git / "trees/.tmp-x", DAY)
    assert collect(maker.store, maker.settings, dry_run=True).swept["git"].count == 3
    assert len(list(git.rglob("*"))) > 20
    report = collect(maker.store, maker.settings)
    assert report.swept["git"].count == 3
    assert report.swept["left-overs"].count == 1
    assert sorted(str(p.relative_to(git)) for p in git.rglob("*") if p.is_file()) == [
        "answers/new.json",
        "repositories/new/objects/pack/one",
        "trees/new/listing.json",
        "trees/new/tree/file",
    ]


def test_what_steps_left_goes_as_a_whole_when_nobody_uses_it(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    store, settings = maker.store, maker.settings
    for name in ("failed/root/one", "failed/root/two", "steps-cache/root/one"):
        (settings.cache / name / "content").mkdir(parents=True)
        (settings.cache / name / "content" / "file").write_text("x")
        if not name.endswith("two"):
            os.utime(settings.cache / name, (1000, 1000))
    with held([settings.cache / "steps-cache/root/one"]):
        collect(store, settings)
    left = sorted(str(p.relative_to(settings.cache)) for p in settings.cache.glob("*/*/*"))
    assert left == ["failed/root/two", "steps-cache/root/one"]
    swept = collect(store, settings).swept
    assert swept["steps-cache"].count == 1
    assert sorted(p.name for p in settings.cache.glob("*/*/*")) == ["two"]
