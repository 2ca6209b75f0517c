"""Bills of materials attached to images: the same for the same image, for each platform, and made once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from slipway.events import Note, Reporter
from slipway.oci.referrer import referrers
from slipway.scan.inventory import api
from slipway.scan.sbom import attach
from slipway.scan.sbom.attach import attach_sboms
from slipway.scan.sbom.read import read_sbom
from tests.images.making import Maker, member
from tests.scan.inventory.kit import debian, dpkg

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.events import Event
    from slipway.oci.store import Descriptor

BOTH = ("cyclonedx", "spdx")


def made(root: Path, tag: str = "", package: str = "bash") -> tuple[Maker, Descriptor]:
    maker = Maker(root)
    return maker, maker.image(maker.layer(debian(), dpkg((package, "5.2"))), tag=tag)


@pytest.mark.parametrize("form", BOTH)
def test_the_document_is_of_the_image(tmp_path: Path, form: str) -> None:
    maker, image = made(tmp_path)
    (done,) = attach_sboms(maker.store, image, [form], maker.settings, Reporter())
    assert done.subject == image.digest
    layer = maker.store.read_json(done.manifest.digest)["layers"][0]
    assert layer["mediaType"] == done.artifact_type
    found = read_sbom(maker.store.path(layer["digest"]))
    assert (found.name, found.digest) == (image.digest, image.digest)
    assert [c.name for c in found.components] == ["bash"]


def test_the_same_image_has_the_same_documents(tmp_path: Path) -> None:
    digests = []
    for name, tag in (("one", "x:1"), ("two", "y:2")):
        maker, image = made(tmp_path / name, tag)
        done = attach_sboms(maker.store, image, BOTH, maker.settings, Reporter())
        digests.append([r.manifest.digest for r in done])
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 2


def test_each_platform_has_its_own(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    rows = [
        (p, maker.image(maker.layer(dpkg((p.partition("/")[2], "1"))), platform=p))
        for p in ("linux/amd64", "linux/arm64")
    ]
    attestation = maker.image(maker.layer(member("a")), platform="unknown/unknown")
    index = maker.index([*rows, ("unknown/unknown", attestation)])
    done = attach_sboms(maker.store, index, ["spdx"], maker.settings, Reporter())
    assert [r.subject for r in done] == [image.digest for _, image in rows]
    assert not referrers(maker.store, index.digest)


def test_it_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maker, image = made(tmp_path)
    first = attach_sboms(maker.store, image, BOTH, maker.settings, Reporter())
    with monkeypatch.context() as patched:
        patched.setattr(api, "of_image", None)
        assert attach_sboms(maker.store, image, BOTH, maker.settings, Reporter()) == first
    # another release may know more
    monkeypatch.setattr(attach, "__version__", "99")
    second = attach_sboms(maker.store, image, BOTH, maker.settings, Reporter())
    assert [r.annotations["slipway.version"] for r in second] == ["99", "99"]
    assert len(referrers(maker.store, image.digest)) == 2


def test_what_could_not_be_read_is_told_and_tried_again(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    image = maker.image(maker.layer(member("var/lib/rpm/rpmdb.sqlite", b"damaged")))
    events: list[Event] = []
    for _ in range(2):
        (done,) = attach_sboms(maker.store, image, ["cyclonedx"], maker.settings, Reporter(events.append))
    notes = [event.text for event in events if isinstance(event, Note)]
    assert len(notes) == 2
    assert all("rpmdb.sqlite" in note for note in notes)
    layer = maker.store.read_json(done.manifest.digest)["layers"][0]
    document = json.loads(maker.store.path(layer["digest"]).read_bytes())
    assert document["compositions"][0]["aggregate"] == "incomplete"
