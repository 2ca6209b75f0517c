"""Listing and getting what is attached to an image, in the store and in registries."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError, SlipwayError, StoreError, UsageError, VerifyError
from slipway.events import Reporter
from slipway.images.push import push_image
from slipway.images.referrers import fetch_attached, list_attached
from slipway.oci.reader import this_machine
from slipway.oci.referrer import attach, referrers
from slipway.oci.store import MANIFEST_TYPE
from tests.images.making import Maker, member
from tests.registry.conftest import registry
from tests.registry.faults import fault_registry, wrong
from tests.scan.inventory.kit import debian, dpkg

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.oci.store import Descriptor
    from tests.registry.real import RealRegistry

__all__ = ["registry"]

QUIET = Reporter()
CDX, SPDX = "application/vnd.cyclonedx+json", "application/spdx+json"
PLATFORMS = (this_machine(), "linux/s390x")


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "here")


def put(maker: Maker, subject: Descriptor, kind: str, text: bytes) -> str:
    return attach(maker.store, subject, kind, text, title="x", annotations={}).manifest.digest


def got(maker: Maker, name: str, wanted: str, platform: str = "") -> bytes:
    out = io.BytesIO()
    fetch_attached(name, wanted, out, maker.settings, QUIET, platform=platform)
    return out.getvalue()


@pytest.fixture
def index(maker: Maker) -> Descriptor:
    images = [(p, maker.image(maker.layer(member(p)), platform=p)) for p in PLATFORMS]
    whole = maker.index(images, tag="many:1")
    for platform, image in images:
        put(maker, image, SPDX, platform.encode())
    put(maker, images[0][1], CDX, b"cdx")
    put(maker, whole, "application/vnd.example.whole", b"whole")
    return whole


@pytest.mark.parametrize("place", ["store", "registry"])
def test_of_all_platforms(registry: RealRegistry, maker: Maker, index: Descriptor, place: str) -> None:
    name, here = "many:1", maker
    if place == "registry":
        name = f"{registry.host}/attached/many:1"
        assert push_image(maker.store, "many:1", name, maker.settings, QUIET).attached == 4
        here = Maker(maker.root / "elsewhere")
    found = list_attached(name, here.settings, QUIET)
    assert {(r.platform, r.type) for r in found} == {
        ("", "application/vnd.example.whole"),
        (PLATFORMS[0], CDX),
        (PLATFORMS[0], SPDX),
        (PLATFORMS[1], SPDX),
    }
    assert {r.subject for r in found if not r.platform} == {index.digest}
    other = list_attached(name, here.settings, QUIET, platform=PLATFORMS[1])
    assert [(r.platform, r.type) for r in other] == [(PLATFORMS[1], SPDX)]
    assert got(here, name, "spdx") == PLATFORMS[0].encode()
    assert got(here, name, "spdx", PLATFORMS[1]) == PLATFORMS[1].encode()
    assert got(here, name, other[0].digest) == PLATFORMS[1].encode()
    assert got(here, name, CDX) == got(here, name, "cyclonedx") == b"cdx"
    assert got(here, name, "application/vnd.example.whole") == b"whole"
    with pytest.raises(UsageError, match="nothing attached that is 'cyclonedx'"):
        got(here, name, "cyclonedx", PLATFORMS[1])
    with pytest.raises(UsageError, match="not there for linux/mips"):
        got(here, name, "spdx", "linux/mips")


def test_what_others_attached_is_in_the_registry(registry: RealRegistry, maker: Maker) -> None:
    """An image that was pulled has nothing here; `registry:` asks there."""
    name = f"{registry.host}/attached/asked:1"
    image = maker.image(maker.layer(member("a")), tag=name)
    put(maker, image, SPDX, b"1")
    push_image(maker.store, name, "", maker.settings, QUIET)
    (path,) = (maker.store.root / "referrers").glob("*/*")
    path.unlink()
    assert list_attached(name, maker.settings, QUIET) == []
    assert len(list_attached(f"registry:{name}", maker.settings, QUIET)) == 1


def test_a_push_may_leave_them_here(registry: RealRegistry, maker: Maker) -> None:
    name = f"{registry.host}/attached/alone:1"
    maker.image(maker.layer(debian(), dpkg(("bash", "5"))), tag=name)
    done = push_image(maker.store, name, "", maker.settings, QUIET, sbom=["spdx"], referrers=False)
    assert done.attached == 0
    assert len(list_attached(name, maker.settings, QUIET)) == 1
    assert list_attached(f"registry:{name}", maker.settings, QUIET) == []
    assert push_image(maker.store, name, "", maker.settings, QUIET).attached == 1
    (row,) = list_attached(f"registry:{name}", maker.settings, QUIET)
    assert row.type == SPDX
    assert json.loads(got(maker, f"registry:{name}", "spdx"))["spdxVersion"] == "SPDX-2.3"


def test_several_of_one_type_are_not_chosen_from(maker: Maker) -> None:
    with fault_registry() as faulty:
        name = f"{faulty.host}/team/two:1"
        image = maker.image(maker.layer(member("a")), tag=name)
        digests = []
        for text in (b"1", b"2"):
            digests.append(put(maker, image, SPDX, text))
            push_image(maker.store, name, "", maker.settings, QUIET)
        with pytest.raises(UsageError, match="has 2 attached") as caught:
            got(maker, f"registry:{name}", "spdx")
        assert set(caught.value.details.split()) == set(digests)
        assert got(maker, f"registry:{name}", digests[0]) == b"1"


def test_bytes_that_are_not_what_was_promised(maker: Maker) -> None:
    with fault_registry() as faulty:
        name = f"{faulty.host}/team/wrong:1"
        image = maker.image(maker.layer(member("a")), tag=name)
        digest = put(maker, image, SPDX, b"1234")
        push_image(maker.store, name, "", maker.settings, QUIET)
        blob = maker.store.read_json(digest)["layers"][0]["digest"]  # type: ignore[arg-type]
        faulty.fault("GET", f"blobs/{blob}", *[wrong(b"4321")] * 2)
        out = io.BytesIO()
        with pytest.raises(VerifyError):
            fetch_attached(f"registry:{name}", "spdx", out, maker.settings, QUIET)
        assert out.getvalue() == b""
        assert not maker.store.path(blob).with_name("tmp").exists()
        maker.store.path(blob).write_bytes(b"4321")
        with pytest.raises(StoreError, match="damaged"):
            got(maker, name, "spdx")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"layers": []}, InputError),
        ({"layers": [{"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1}] * 2}, InputError),
        ({"layers": [{"mediaType": "x", "digest": "nonsense", "size": 1}]}, InputError),
        ({"layers": [{"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 2 << 30}]}, InputError),
        ({"subject": {"mediaType": MANIFEST_TYPE, "digest": "sha256:" + "1" * 64, "size": 1}}, InputError),
        ({"subject": None}, InputError),
    ],
)
def test_artifacts_that_are_no_document(
    maker: Maker, changes: dict[str, Any], error: type[SlipwayError]
) -> None:
    image = maker.image(maker.layer(member("a")), tag="x:1")
    put(maker, image, SPDX, b"1")
    (made,) = referrers(maker.store, image.digest)
    odd = maker.store.read_json(made.manifest.digest) | changes
    stored = maker.store.put(json.dumps(odd).encode(), MANIFEST_TYPE)
    (path,) = (maker.store.root / "referrers").glob("*/*")
    path.write_text(json.dumps(stored.as_json() | {"artifactType": SPDX}))
    with pytest.raises(error):
        got(maker, "x:1", "spdx")


def test_what_is_not_there(maker: Maker) -> None:
    with pytest.raises(UsageError):
        list_attached("sha256:" + "0" * 64, maker.settings, QUIET)
    maker.image(maker.layer(member("a")), tag="x:1")
    with pytest.raises(UsageError, match="nothing attached") as caught:
        got(maker, "x:1", "spdx")
    assert caught.value.hint == "nothing is attached to it at all"
