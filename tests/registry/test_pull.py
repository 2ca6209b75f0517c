from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, InputError, UsageError
from slipway.events import Reporter
from slipway.images.ls import ls
from slipway.images.pull import pull_image
from slipway.oci.origins import origins
from slipway.oci.reader import every_blob, this_machine
from slipway.oci.store import INDEX_TYPE, MANIFEST_TYPE, Descriptor
from slipway.oci.usage import check
from slipway.registry.pull import pull
from slipway.registry.push import push
from slipway.registry.reference import parse
from tests.images.making import Maker, member
from tests.registry.faults import cut, fault_registry, status, wrong
from tests.registry.kit import asked, contents, since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.registry.faults import FaultRegistry
    from tests.registry.real import RealRegistry

QUIET = Reporter()
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "one")


@pytest.fixture
def other(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "two")


def publish(maker: Maker, image: Descriptor, registry: RealRegistry, name: str) -> None:
    push(maker.store, image, parse(f"{registry.host}/{name}"), maker.settings, QUIET)


def multi(maker: Maker) -> tuple[Descriptor, Descriptor, Descriptor]:
    amd, arm = (
        maker.image(maker.layer(member("a", arch.encode())), platform=f"linux/{arch}")
        for arch in ("amd64", "arm64")
    )
    return maker.index([("linux/amd64", amd), ("linux/arm64", arm)]), amd, arm


def test_one_platform_of_several(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    index, amd, arm = multi(maker)
    publish(maker, index, registry, "pull/one:1")
    reference = parse(f"{registry.host}/pull/one:1")
    got = pull(reference, "linux/arm64", other.store, other.settings, QUIET)
    assert (got.digest, got.platform) == (arm.digest, "linux/arm64")
    assert contents(other.store, got) == contents(maker.store, arm)
    assert not other.store.has(amd.digest)
    mine = pull(reference, "", other.store, other.settings, QUIET)
    assert mine.platform == this_machine()
    with pytest.raises(UsageError, match="not there for linux/s390x") as refused:
        pull(reference, "linux/s390x", other.store, other.settings, QUIET)
    assert "linux/amd64, linux/arm64" in refused.value.hint


def test_all_platforms(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    index, _, _ = multi(maker)
    publish(maker, index, registry, "pull/all:1")
    got = pull(parse(f"{registry.host}/pull/all:1"), None, other.store, other.settings, QUIET)
    assert (got.digest, got.media_type) == (index.digest, INDEX_TYPE)
    assert contents(other.store, got) == contents(maker.store, index)


def test_attestations_come_along(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    image = maker.image(maker.layer(member("a", b"1")))
    words = maker.image(maker.layer(member("b", b"2")), platform="unknown/unknown")
    index = maker.index([("linux/amd64", image), ("unknown/unknown", words)])
    publish(maker, index, registry, "pull/attested:1")
    done = pull_image(other.store, f"{registry.host}/pull/attested:1", other.settings, QUIET, platform=None)
    assert done.platforms == ("linux/amd64",)
    assert contents(other.store, index) == contents(maker.store, index)
    assert ls(other.store)[0].platforms == ("linux/amd64",)


def test_an_image_that_is_here_costs_one_question(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    index, _, _ = multi(maker)
    publish(maker, index, registry, "pull/again:1")
    reference = parse(f"{registry.host}/pull/again:1")
    for platform in ("linux/arm64", None):
        first = pull(reference, platform, other.store, other.settings, QUIET)
        before = asked(registry, "pull/again")
        assert pull(reference, platform, other.store, other.settings, QUIET) == first
        assert since(before, asked(registry, "pull/again")) == [("HEAD", "/v2/pull/again/manifests/1")]
    before = asked(registry, "pull/again")
    pinned = reference.at(index.digest)
    assert pull(pinned, None, other.store, other.settings.with_(offline=True), QUIET).digest == index.digest
    assert since(before, asked(registry, "pull/again")) == []


def test_a_tag_that_moved_brings_the_new_image(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    reference = parse(f"{registry.host}/pull/moved:1")
    for text in (b"1", b"2"):
        image = maker.image(maker.layer(member("a", text)))
        publish(maker, image, registry, "pull/moved:1")
        assert pull(reference, "", other.store, other.settings, QUIET).digest == image.digest


def test_layers_that_nobody_asked_for_stay_there(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    image = maker.image(maker.layer(member("a", b"1")))
    publish(maker, image, registry, "pull/lean:1")
    got = pull(
        parse(f"{registry.host}/pull/lean:1"), "linux/amd64", other.store, other.settings, QUIET, blobs=False
    )
    assert (got.digest, got.platform) == (image.digest, "linux/amd64")
    here = {d: other.store.has(d) for d in every_blob(other.store, got)}
    layer = maker.store.read_json(image.digest)["layers"][0]["digest"]
    assert [digest for digest, is_here in here.items() if not is_here] == [layer]
    assert origins(other.store, layer) == (f"{registry.host}/pull/lean",)
    whole = pull(parse(f"{registry.host}/pull/lean:1"), "", other.store, other.settings, QUIET)
    assert contents(other.store, whole) == contents(maker.store, image)


def test_an_image_for_another_machine(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    image = maker.image(maker.layer(member("a", b"1")), platform="linux/s390x")
    publish(maker, image, registry, "pull/odd:1")
    reference = parse(f"{registry.host}/pull/odd:1")
    assert pull(reference, "", other.store, other.settings, QUIET).digest == image.digest
    with pytest.raises(UsageError, match="not there for linux/amd64"):
        pull(reference, "linux/amd64", other.store, other.settings, QUIET)


def test_docker_manifests_and_lists(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    image = maker.image(maker.layer(member("a", b"1")), manifest_type=DOCKER)
    rows = [Descriptor(DOCKER, image.digest, image.size, "linux/amd64").as_json()]
    text = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": rows}, indent=3)
    listed = maker.store.put(text.encode(), DOCKER_LIST)
    publish(maker, listed, registry, "pull/docker:1")
    got = pull(parse(f"{registry.host}/pull/docker:1"), None, other.store, other.settings, QUIET)
    assert (got.media_type, got.digest) == (DOCKER_LIST, listed.digest)
    assert contents(other.store, got) == contents(maker.store, listed)
    again = pull(parse(f"{registry.host}/pull/docker:1"), None, other.store, other.settings, QUIET)
    assert again == got


def test_no_such_image(registry: RealRegistry, other: Maker) -> None:
    with pytest.raises(FetchError, match=r"no image .*pull/none:1"):
        pull(parse(f"{registry.host}/pull/none:1"), "", other.store, other.settings, QUIET)


def test_pulled_images_have_the_name_as_written(registry: RealRegistry, maker: Maker, other: Maker) -> None:
    one, two = (maker.image(maker.layer(member("a", text))) for text in (b"1", b"2"))
    name = f"{registry.host}/pull/named"
    publish(maker, one, registry, "pull/named:latest")
    done = pull_image(other.store, name, other.settings, QUIET)
    assert (done.name, done.digest, done.platforms) == (f"{name}:latest", one.digest, ("linux/amd64",))
    assert other.store.find(name).digest == one.digest
    publish(maker, two, registry, "pull/named:latest")
    assert pull_image(other.store, name, other.settings, QUIET).replaced == one.digest
    assert pull_image(other.store, name, other.settings, QUIET, name="hello").name == "hello:latest"
    pinned = pull_image(other.store, f"{name}@{one.digest}", other.settings, QUIET)
    assert (pinned.name, pinned.digest) == ("", one.digest)
    with pytest.raises(UsageError, match="cannot name"):
        pull_image(other.store, name, other.settings, QUIET, name="No Name")
    assert check(other.store).problems == ()


# -- registries that misbehave -------------------------------------------------------------------------------


@pytest.fixture
def faulty(maker: Maker) -> Iterator[tuple[FaultRegistry, Descriptor]]:
    """An image in a registry that can be told to misbehave."""
    with fault_registry() as registry:
        image = maker.image(maker.layer(member("a", b"1" * 5000)))
        push(maker.store, image, parse(f"{registry.host}/team/app:1"), maker.settings, QUIET)
        yield registry, image


def test_what_may_pass_is_tried_again(
    faulty: tuple[FaultRegistry, Descriptor], maker: Maker, other: Maker
) -> None:
    registry, image = faulty
    layer = maker.store.read_json(image.digest)["layers"][0]["digest"]
    registry.fault("HEAD", "/manifests/1", status(500))
    registry.fault("GET", "/manifests/", status(429, Retry_After="1"))
    registry.fault("GET", layer, cut(60), wrong(b"x" * 77))
    got = pull(parse(f"{registry.host}/team/app:1"), "", other.store, other.settings, QUIET)
    assert registry.faults == []
    assert contents(other.store, got) == contents(maker.store, image)


def test_wrong_bytes_never_get_in(faulty: tuple[FaultRegistry, Descriptor], other: Maker) -> None:
    registry, _ = faulty
    manifest = json.loads(registry.manifests["team/app", "1"][0])
    layer = manifest["layers"][0]
    registry.fault("GET", layer["digest"], wrong(b"x" * layer["size"]), wrong(b"x" * layer["size"]))
    with pytest.raises(FetchError, match="not what was promised"):
        pull_image(other.store, f"{registry.host}/team/app:1", other.settings, QUIET)
    assert other.store.images() == []
    assert not other.store.has(layer["digest"])
    registry.fault("GET", "/manifests/", wrong(b"{}"))
    with pytest.raises(FetchError):
        pull(parse(f"{registry.host}/team/app@sha256:{'1' * 64}"), "", other.store, other.settings, QUIET)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layers": []}, "its manifest has 0 layers, its config 1"),
        ({"config": None}, "malformed descriptor"),
        ({"config": {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 5 << 20}}, "5242880 bytes"),
        ({"layers": [{"digest": "md5:x"}]}, "malformed descriptor"),
    ],
)
def test_what_is_no_image(
    faulty: tuple[FaultRegistry, Descriptor], other: Maker, changes: dict[str, object], said: str
) -> None:
    registry, _ = faulty
    data = json.loads(registry.manifests["team/app", "1"][0]) | changes
    registry.add_manifest("team/app", "1", json.dumps(data).encode(), MANIFEST_TYPE)
    with pytest.raises(InputError, match="not an image that Slipway understands") as refused:
        pull(parse(f"{registry.host}/team/app:1"), "", other.store, other.settings, QUIET)
    assert said in refused.value.details
    assert other.store.images() == []


def test_an_index_of_more_than_images(faulty: tuple[FaultRegistry, Descriptor], other: Maker) -> None:
    registry, image = faulty
    rows = [
        Descriptor(MANIFEST_TYPE, image.digest, image.size, "linux/amd64").as_json(),
        {"mediaType": "application/x-odd", "digest": "sha256:" + "7" * 64, "size": 3},
    ]
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": rows}).encode()
    registry.add_manifest("team/app", "1", data, INDEX_TYPE)
    reference = parse(f"{registry.host}/team/app:1")
    with pytest.raises(InputError, match="holds more than images: application/x-odd"):
        pull(reference, None, other.store, other.settings, QUIET)
    assert pull(reference, "linux/amd64", other.store, other.settings, QUIET).digest == image.digest
