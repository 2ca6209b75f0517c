"""What is attached to images in a store: kept as long as they are, and taken along where they go."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from slipway.events import Reporter
from slipway.images.ls import ls
from slipway.images.rm import rm
from slipway.oci.gc import collect
from slipway.oci.layout import Layout, export_layout, import_layout
from slipway.oci.referrer import attach, attached, family, referrers
from slipway.oci.usage import check, usage
from slipway.scan.inventory import take
from tests.images.making import Maker, member

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.oci.referrer import Referrer
    from slipway.oci.store import Descriptor

BILL, SIGNATURE = "application/vnd.example.bill", "application/vnd.example.signature"


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture
def image(maker: Maker) -> Descriptor:
    return maker.image(maker.layer(member("a")), tag="hello:1")


def put(maker: Maker, subject: Descriptor, kind: str = BILL, text: bytes = b"1", **told: str) -> Referrer:
    return attach(maker.store, subject, kind, text, title="x", annotations=told)


def blobs(maker: Maker) -> int:
    return len(list((maker.store.root / "blobs/sha256").iterdir()))


def test_the_same_is_attached_once(maker: Maker, image: Descriptor) -> None:
    first = put(maker, image, a="b")
    assert put(maker, image, a="b") == first
    assert referrers(maker.store, image.digest) == [first]
    assert first.annotations == {"a": "b"}


def test_another_of_the_same_type_takes_its_place(maker: Maker, image: Descriptor) -> None:
    put(maker, image)
    signature = put(maker, image, SIGNATURE)
    new = put(maker, image, text=b"2")
    assert {r.manifest.digest for r in referrers(maker.store, image.digest)} == {
        signature.manifest.digest,
        new.manifest.digest,
    }


def test_what_is_attached_to_what_is_attached(maker: Maker, image: Descriptor) -> None:
    bill = put(maker, image)
    signature = put(maker, bill.manifest, SIGNATURE)
    assert attached(maker.store, image) == [bill, signature]
    assert {bill.manifest.digest, signature.manifest.digest} < family(maker.store, image).keys()


def test_it_stays_with_the_image_and_goes_with_it(maker: Maker, image: Descriptor) -> None:
    index = maker.index([("linux/amd64", image)], tag="many:1")
    put(maker, put(maker, image).manifest, SIGNATURE)
    put(maker, index)
    stale = put(maker, image, SIGNATURE, b"old")
    put(maker, image, SIGNATURE, b"new")
    before = blobs(maker)
    collect(maker.store, maker.settings)
    assert not maker.store.has(stale.manifest.digest)
    assert blobs(maker) == before - 2
    rm(maker.store, ["hello:1"])
    collect(maker.store, maker.settings)
    assert blobs(maker) == before - 2
    assert len(attached(maker.store, index)) == 4
    rm(maker.store, ["many:1"])
    report = collect(maker.store, maker.settings)
    assert blobs(maker) == 0
    assert report.swept["records"].count == 3
    assert not list((maker.store.root / "referrers").iterdir())


def test_it_is_no_image(maker: Maker, image: Descriptor) -> None:
    before = ls(maker.store), usage(maker.store, maker.settings).images[0].size
    made = put(maker, image)
    assert ls(maker.store) == before[0]
    found = usage(maker.store, maker.settings)
    assert found.images[0].size == before[1] + sum(
        b.size for d, b in family(maker.store, made.manifest).items()
    )
    assert found.reclaimable == 0


def test_damage_is_found(maker: Maker, image: Descriptor) -> None:
    made = put(maker, image, text=b"all the packages")
    assert check(maker.store).problems == ()
    blob = maker.store.read_json(made.manifest.digest)["layers"][0]["digest"]
    maker.store.path(blob).write_bytes(b"all the packageS")
    (problem,) = check(maker.store).problems
    assert f"the blob {blob} is damaged" in problem
    maker.store.path(blob).unlink()
    (problem,) = check(maker.store).problems
    assert f"the blob {blob} is missing" in problem


def test_layouts_carry_it(maker: Maker, image: Descriptor, tmp_path: Path) -> None:
    made = put(maker, image, note="n")
    out = tmp_path / "out"
    for _ in range(2):
        export_layout(maker.store, image, out, "hello:1")
    index: dict[str, Any] = json.loads((out / "index.json").read_bytes())
    artifact, named = index["manifests"]
    assert artifact == {
        "mediaType": made.manifest.media_type,
        "digest": made.manifest.digest,
        "size": made.manifest.size,
        "artifactType": BILL,
        "annotations": {"note": "n"},
    }
    assert named["annotations"] == {"org.opencontainers.image.ref.name": "hello:1"}
    for digest in family(maker.store, image):
        assert (out / "blobs/sha256" / digest.removeprefix("sha256:")).is_file()
    # it does not stand in the way of the image: there is still only one
    assert Layout(out).find("").digest == image.digest
    other = Maker(tmp_path / "other")
    assert import_layout(out, "", "", other.store).digest == image.digest
    assert take(f"oci:{out}", other.settings, Reporter()).digest == image.digest


def test_damaged_records_are_as_good_as_none(maker: Maker, image: Descriptor) -> None:
    made = put(maker, image)
    (path,) = (maker.store.root / "referrers" / image.digest.removeprefix("sha256:")).iterdir()
    path.write_text("[")
    assert referrers(maker.store, image.digest) == []
    assert put(maker, image) == made
    assert referrers(maker.store, image.digest) == [made]
    shutil.rmtree(maker.store.root / "referrers")
    assert check(maker.store).problems == ()
