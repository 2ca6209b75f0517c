from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import ToolError
from slipway.events import Event, Reporter, StepBegan
from slipway.images.load import load
from slipway.oci import compress
from slipway.oci.digest import Digest
from slipway.oci.reader import Slice, read_image, this_machine
from slipway.settings import Settings
from tests.images.making import Maker, member, tar

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def daemon(docker_host: str) -> Iterator[Any]:
    import docker

    client = docker.DockerClient(base_url=docker_host)
    yield client
    client.close()


@pytest.fixture
def at(maker: Maker, docker_host: str) -> Settings:
    return maker.settings.with_(docker_host=docker_host)


def loads(events: list[Event]) -> int:
    return sum(isinstance(e, StepBegan) and e.name == "load" for e in events)


@pytest.mark.docker
@pytest.mark.net
@pytest.mark.parametrize("form", ["built", "members", "zstd"])
def test_an_image_runs_in_docker(maker: Maker, at: Settings, daemon: Any, busybox: bytes, form: str) -> None:
    layer = maker.built({"bin/busybox": (busybox, 0o755)}, {"bin/sh": "busybox"})
    if form != "built":
        plain = b"".join(compress.decompress([maker.store.read(layer.blob.digest)]))
        blob = {
            "members": gzip.compress(plain[:1024]) + gzip.compress(plain[1024:]),
            "zstd": compress.get("zstd").compress(plain),
        }[form]
        layer = maker.raw(plain, blob, suffix="+gzip" if form == "members" else "+zstd")
    image = maker.image(
        layer,
        maker.layer(member("word", form.encode())),
        Cmd=["/bin/sh", "-c", "echo `/bin/busybox cat /word`"],
    )
    name = f"slipway-test-{form}"
    identity = load(maker.store, image, name, at, Reporter())
    assert identity == read_image(maker.store, image).config_blob.digest
    output = daemon.containers.run(f"{name}:latest", network_mode="none", remove=True)
    assert output.decode().strip() == form


@pytest.mark.docker
def test_an_image_that_is_there_is_only_named(maker: Maker, at: Settings, daemon: Any) -> None:
    image = maker.image(maker.layer(member("a", b"only-named")))
    events: list[Event] = []
    for name in ("slipway-test-one:1", "slipway-test-two:2"):
        load(maker.store, image, name, at, Reporter(events.append))
    assert loads(events) == 1
    assert set(daemon.images.get("slipway-test-one:1").tags) == {"slipway-test-one:1", "slipway-test-two:2"}


@pytest.mark.docker
def test_of_an_index_the_platform_of_the_daemon(maker: Maker, at: Settings) -> None:
    mine = maker.image(maker.layer(member("a", b"mine")), platform=this_machine())
    other = maker.image(maker.layer(member("a", b"other")), platform="linux/s390x")
    index = maker.index([("linux/s390x", other), (this_machine(), mine)])
    identity = load(maker.store, index, "slipway-test-multi", at, Reporter())
    assert identity == read_image(maker.store, mine).config_blob.digest


@pytest.mark.docker
def test_the_words_of_the_daemon_are_passed_on(maker: Maker, at: Settings) -> None:
    good = maker.layer(member("a", b"lie"))
    image = maker.image(Slice(good.blob, Digest("sha256:" + "1" * 64)))
    with pytest.raises(ToolError, match="could not load") as caught:
        load(maker.store, image, "slipway-test-lie", at, Reporter())
    assert "layer" in caught.value.details or "sha256" in caught.value.details
    cut = maker.image(maker.raw(tar([member("a", b"1" * 9000)])[:5000]))
    with pytest.raises(ToolError) as caught:
        load(maker.store, cut, "slipway-test-cut", at, Reporter())
    assert caught.value.details


@pytest.mark.parametrize("where", ["settings", "environment"])
def test_without_a_daemon_the_error_says_what_else_there_is(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, where: str, tmp_path: Path
) -> None:
    image = maker.image(maker.layer(member("a", b"1")))
    address = f"unix://{tmp_path}/none.sock"
    settings = maker.settings
    if where == "settings":
        settings = settings.with_(docker_host=address)
    else:
        monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(ToolError, match="no Docker daemon") as caught:
        load(maker.store, image, "x", settings, Reporter())
    assert address in caught.value.brief
    assert "--output" in caught.value.hint
    assert "slipway run" in caught.value.hint
