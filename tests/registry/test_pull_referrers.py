"""Bringing what is attached to an image: all of it, checked, kept with it, and sent on."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from slipway import __version__
from slipway.errors import FetchError
from slipway.events import Event, Note, Reporter
from slipway.images.pull import pull_image
from slipway.images.push import push_image
from slipway.images.referrers import fetch_attached, list_attached
from slipway.oci.digest import of_bytes
from slipway.oci.gc import collect
from slipway.oci.referrer import EMPTY_TYPE, attach, referrers
from slipway.oci.store import INDEX_TYPE, MANIFEST_TYPE, Descriptor
from slipway.oci.usage import check
from slipway.registry import pullreferrers
from slipway.scan.sbom.attach import attach_sboms
from tests.images.making import Maker, member
from tests.registry.faults import FaultRegistry, fault_registry, status, wrong
from tests.registry.referrers import ApiHandler, registry_with
from tests.scan.inventory.kit import debian, dpkg

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.images.pull import Pulled
    from tests.registry.real import RealRegistry

QUIET = Reporter()
CDX, SPDX, REPORT = "application/vnd.cyclonedx+json", "application/spdx+json", "application/sarif+json"


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "one")


@pytest.fixture
def other(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "two")


def put(maker: Maker, subject: Descriptor, kind: str, text: bytes = b"{}") -> Descriptor:
    return attach(maker.store, subject, kind, text, title="x", annotations={"a": "b"}).manifest


def pull(maker: Maker, name: str, warnings: list[str] | None = None, **more: Any) -> Pulled:
    def hear(event: Event) -> None:
        if isinstance(event, Note) and event.level == "warning" and warnings is not None:
            warnings.append(event.text)

    return pull_image(maker.store, name, maker.settings, Reporter(hear), referrers=True, **more)


def types(maker: Maker, name: str) -> list[str]:
    return sorted(row.type for row in list_attached(name, maker.settings, QUIET))


def test_it_comes_along_stays_and_goes_on(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    """Where clients keep the list. What is attached to a bill of materials comes too."""
    name = f"{registry.host}/along/hello:1"
    image = maker.image(maker.layer(debian(), dpkg(("bash", "5"))), tag=name)
    sbom = put(maker, image, SPDX, b'{"bill": 1}')
    put(maker, image, REPORT, b'{"report": 1}')
    signature = put(maker, sbom, "application/vnd.example.signature")
    assert push_image(maker.store, name, "", maker.settings, QUIET).attached == 3
    plain = pull_image(other.store, name, other.settings, QUIET)
    assert (plain.attached, types(other, name)) == (0, [])
    done = pull(other, name)
    assert (done.attached, done.as_dict()["attached"]) == (3, 3)
    assert types(other, name) == sorted([SPDX, REPORT])
    assert [r.manifest.digest for r in referrers(other.store, sbom.digest)] == [signature.digest]
    with (other.root / "fetched").open("wb") as file:
        fetch_attached(name, "spdx", file, other.settings, QUIET)
    assert (other.root / "fetched").read_bytes() == b'{"bill": 1}'
    assert pull(other, name).attached == 3

    collect(other.store, other.settings)
    assert types(other, name) == sorted([SPDX, REPORT])
    assert check(other.store).problems == ()
    assert push_image(other.store, name, "", other.settings, QUIET).attached == 0, "it came from there"
    target = f"{registry.host}/along/further:1"
    assert push_image(other.store, name, target, other.settings, QUIET, referrers=False).attached == 0
    assert push_image(other.store, name, target, other.settings, QUIET).attached == 3
    assert types(other, f"registry:{target}") == sorted([SPDX, REPORT])

    other.store.remove(name)
    collect(other.store, other.settings)
    assert not list((other.store.root / "referrers").glob("*/*"))
    assert not list((other.store.root / "blobs" / "sha256").iterdir())


def test_of_the_platforms_that_are_pulled(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    name = f"{registry.host}/along/many:1"
    images = [(p, maker.image(maker.layer(member(p)), platform=p)) for p in ("linux/amd64", "linux/arm64")]
    index = maker.index(images, tag=name)
    for platform, image in images:
        put(maker, image, SPDX, platform.encode())
    put(maker, index, REPORT)
    push_image(maker.store, name, "", maker.settings, QUIET)
    assert pull(other, name, platform="linux/arm64").attached == 1
    assert types(other, name) == [SPDX]
    assert pull(other, name, platform=None).attached == 3
    assert types(other, name) == sorted([SPDX, SPDX, REPORT])


def test_from_a_registry_that_lists_them_itself(maker: Maker, other: Maker) -> None:
    with registry_with(ApiHandler) as api:
        name = f"{api.host}/team/listed:1"
        image = maker.image(maker.layer(member("a")), tag=name)
        made = [put(maker, image, kind) for kind in (SPDX, CDX)]
        push_image(maker.store, name, "", maker.settings, QUIET)
        assert pull(other, name).attached == 2
        found = referrers(other.store, image.digest)
        assert {r.manifest.digest for r in found} == {m.digest for m in made}
        assert {(r.source, r.annotations["a"]) for r in found} == {(f"{api.host}/team/listed", "b")}
        before = len(api.asked("manifests/sha256:"))
        pull(other, name)
        assert len(api.asked("manifests/sha256:")) == before, "nothing is fetched again"


def test_ours_and_theirs_of_one_type(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    """A list that others attached is not taken for ours, whatever it says of itself, and ours does not take its place."""
    name = f"{registry.host}/along/both:1"
    image = maker.image(maker.layer(debian(), dpkg(("bash", "5"))), tag=name)
    told = {"slipway.version": __version__}
    theirs = attach(maker.store, image, SPDX, b"{}", title="x", annotations=told).manifest.digest
    push_image(maker.store, name, "", maker.settings, QUIET)
    pull(other, name)
    (ours,) = attach_sboms(other.store, image, ["spdx"], other.settings, QUIET)
    there = {r.manifest.digest for r in referrers(other.store, image.digest)}
    assert there == {theirs, ours.manifest.digest}
    assert not ours.source
    assert attach_sboms(other.store, image, ["spdx"], other.settings, QUIET) == (ours,)
    assert push_image(other.store, name, "", other.settings, QUIET).attached == 1
    pull(maker, name)
    assert {r.manifest.digest for r in referrers(maker.store, image.digest)} == there


# -- what others may have put there ---------------------------------------------------------------------------


def publish(maker: Maker, registry: FaultRegistry) -> tuple[str, Descriptor, str]:
    """An image with one good artifact, which has a blob of three bytes."""
    reference = f"{registry.host}/team/odd:1"
    image = maker.image(maker.layer(member("a")), tag=reference)
    good = put(maker, image, SPDX, b"123").digest
    push_image(maker.store, reference, "", maker.settings, QUIET)
    return reference, image, good


def add(registry: FaultRegistry, manifest: object) -> str:
    data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    digest = of_bytes(data)
    registry.manifests["team/odd", digest] = data, MANIFEST_TYPE
    return digest


def listing(registry: FaultRegistry, image: Descriptor, *digests: str, kind: str = MANIFEST_TYPE) -> None:
    rows = [{"mediaType": kind, "digest": d, "size": 1, "artifactType": SPDX} for d in digests]
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": rows}).encode()
    registry.manifests["team/odd", image.digest.replace(":", "-")] = data, INDEX_TYPE


BLOB = {"mediaType": SPDX, "digest": of_bytes(b"123"), "size": 3}
NO_BLOB = {"mediaType": SPDX, "digest": "sha256:" + "1" * 64, "size": 3}
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "another subject": ({"subject": {**BLOB, "mediaType": MANIFEST_TYPE}}, "attached to something else"),
    "no subject": ({"subject": None}, "malformed"),
    "no layers": ({"layers": None}, "malformed"),
    "no descriptor": ({"layers": [{}]}, "malformed"),
    "endless": ({"layers": [{**NO_BLOB, "size": 1e400}]}, "malformed"),
    "less than nothing": ({"layers": [{**NO_BLOB, "size": -1}]}, "malformed"),
    "a digest that is a path": ({"layers": [{**NO_BLOB, "digest": "sha256:../../x"}]}, "malformed"),
    "an image in it": ({"layers": [{**BLOB, "mediaType": MANIFEST_TYPE}]}, "malformed"),
    "an index as configuration": ({"config": {**BLOB, "mediaType": INDEX_TYPE}}, "malformed"),
    "a type that is no text": ({"artifactType": 5}, "malformed"),
    "annotations that are none": ({"annotations": {"a": 5}}, "malformed"),
    "too large": ({"layers": [{**NO_BLOB, "size": 2 << 30}]}, "at most 1073741824"),
    "a blob that is not there": ({"layers": [NO_BLOB]}, "lacks the blob"),
    "a blob of another size": ({"layers": [{**BLOB, "size": 4}]}, "size|bytes"),
    "layers and manifests": ({"manifests": []}, "malformed"),
}


@pytest.mark.parametrize(("changes", "why"), ODD.values(), ids=ODD)
def test_what_cannot_be_kept_is_left_out(
    maker: Maker, other: Maker, changes: dict[str, Any], why: str
) -> None:
    with fault_registry() as faulty:
        name, image, good = publish(maker, faulty)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": SPDX,
            "config": {"mediaType": EMPTY_TYPE, "digest": of_bytes(b"{}"), "size": 2},
            "layers": [BLOB],
            "subject": {"mediaType": MANIFEST_TYPE, "digest": image.digest, "size": image.size},
        } | changes
        listing(faulty, image, add(faulty, manifest), good)
        warnings: list[str] = []
        assert pull(other, name, warnings).attached == 1
        (told,) = warnings
        assert "left out" in told
        assert re.search(why, told), told
        assert [r.manifest.digest for r in referrers(other.store, image.digest)] == [good]
        collect(other.store, other.settings)
        assert check(other.store).problems == ()


def test_lists_that_are_not_true(maker: Maker, other: Maker) -> None:
    """Of what is gone, and of what is no manifest."""
    with fault_registry() as faulty:
        name, image, good = publish(maker, faulty)
        deep = add(faulty, b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
        listing(faulty, image, "sha256:" + "2" * 64, deep, add(faulty, b"[]"), good)
        warnings: list[str] = []
        assert pull(other, name, warnings).attached == 1
        assert len(warnings) == 3
        listing(faulty, image, good, kind=INDEX_TYPE)
        third = Maker(other.root / "third")
        assert pull(third, name, warnings).attached == 0
        assert "no artifact but" in warnings[-1]


def test_other_bytes_than_were_promised(maker: Maker, other: Maker, naps: list[float]) -> None:
    with fault_registry() as faulty:
        name, image, good = publish(maker, faulty)
        faulty.fault("GET", f"blobs/{of_bytes(b'123')}", *[wrong(b"321")] * 2)
        warnings: list[str] = []
        assert pull(other, name, warnings).attached == 0
        assert "not what was promised" in warnings[0]
        assert referrers(other.store, image.digest) == []
        faulty.fault("GET", f"manifests/{good}", wrong(b"{}"))
        assert pull(other, name, warnings).attached == 0
        assert pull(other, name).attached == 1
        assert not naps


def test_there_may_be_too_many(maker: Maker, other: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pullreferrers, "_MOST", 3)
    with fault_registry() as faulty:
        name, image, _ = publish(maker, faulty)
        for number in range(5):
            put(maker, image, f"application/vnd.example.n{number}")
        push_image(maker.store, name, "", maker.settings, QUIET)
        warnings: list[str] = []
        assert pull(other, name, warnings).attached == 3
        assert "more than 3 attached" in warnings[0]


@pytest.mark.parametrize("code", [403, 500])
def test_a_registry_that_does_not_answer_is_an_error(
    maker: Maker, other: Maker, naps: list[float], code: int
) -> None:
    """Then the name keeps its meaning."""
    with fault_registry() as faulty:
        name, _, good = publish(maker, faulty)
        faulty.fault("GET", f"manifests/{good}", *[status(code)] * 20)
        with pytest.raises(FetchError):
            pull(other, name)
        assert other.store.images() == []
        assert bool(naps) is (code == 500)
