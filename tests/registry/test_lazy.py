"""Layers that stay in the registry until somebody reads them, and all that works without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, StoreError
from slipway.events import Reporter
from slipway.images.diff import diff
from slipway.images.inspect import inspect
from slipway.images.ls import ls
from slipway.images.outputs import write_output
from slipway.oci.gc import collect
from slipway.oci.origins import note_origin, origins
from slipway.oci.store import Descriptor
from slipway.oci.usage import check, usage
from slipway.registry.lazy import ensure
from slipway.registry.pull import pull
from slipway.registry.push import push
from slipway.registry.reference import parse
from slipway.sandbox.run import run_image
from tests.images.making import Maker, member
from tests.registry.faults import fault_registry, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.registry.faults import FaultRegistry

QUIET = Reporter()


@pytest.fixture
def registry() -> Iterator[FaultRegistry]:
    with fault_registry() as registry:
        yield registry


@pytest.fixture
def lean(registry: FaultRegistry, tmp_path: Path) -> tuple[Maker, Descriptor]:
    """A store that holds an image, `lean:1`, but not its two layers."""
    origin = Maker(tmp_path / "origin")
    layers = [origin.layer(member("a", b"1" * 900)), origin.layer(member("b", b"2"))]
    image = origin.image(*layers, Cmd=["/a"])
    reference = parse(f"{registry.host}/team/lean:1")
    push(origin.store, image, reference, origin.settings, QUIET)
    maker = Maker(tmp_path)
    found = pull(reference, "linux/amd64", maker.store, maker.settings, QUIET, blobs=False)
    maker.store.tag("lean:1", found)
    registry.seen.clear()
    return maker, found


def layers_of(maker: Maker, image: Descriptor) -> list[Descriptor]:
    return [Descriptor.from_json(d) for d in maker.store.read_json(image.digest)["layers"]]


def test_nothing_is_asked_of_a_whole_image(lean: tuple[Maker, Descriptor], registry: FaultRegistry) -> None:
    maker, image = lean
    ensure(maker.store, image, maker.settings, QUIET)
    assert len(registry.asked("/blobs/")) == 2
    registry.seen.clear()
    ensure(maker.store, image, maker.settings.with_(offline=True), QUIET)
    assert registry.seen == []


def test_one_platform_of_an_index(tmp_path: Path, registry: FaultRegistry) -> None:
    origin, maker = Maker(tmp_path / "origin"), Maker(tmp_path)
    made = [
        (f"linux/{arch}", origin.image(origin.layer(member(arch, b"1")), platform=f"linux/{arch}"))
        for arch in ("amd64", "arm64")
    ]
    reference = parse(f"{registry.host}/team/multi:1")
    push(origin.store, origin.index(made), reference, origin.settings, QUIET)
    index = pull(reference, None, maker.store, maker.settings, QUIET, blobs=False)
    ensure(maker.store, index, maker.settings, QUIET, platform="linux/arm64")
    assert [maker.store.has(layers_of(maker, image)[0].digest) for _, image in made] == [False, True]
    ensure(maker.store, index, maker.settings, QUIET)
    assert maker.store.has(layers_of(maker, made[0][1])[0].digest)


def test_the_next_place_is_asked_when_one_has_lost_it(
    lean: tuple[Maker, Descriptor], registry: FaultRegistry
) -> None:
    maker, image = lean
    layer = layers_of(maker, image)[0]
    note_origin(maker.store, layer.digest, f"{registry.host}/team/gone")
    assert origins(maker.store, layer.digest)[0].endswith("/team/gone")
    ensure(maker.store, image, maker.settings, QUIET)
    assert check(maker.store).problems == ()
    assert check(maker.store).remote == {}


def test_the_last_place_tells_what_is_wrong(lean: tuple[Maker, Descriptor], registry: FaultRegistry) -> None:
    maker, image = lean
    layer = layers_of(maker, image)[0]
    bad = wrong(b"x" * layer.size)
    registry.fault("GET", layer.digest, bad, bad)
    with pytest.raises(FetchError, match="not what was promised"):
        ensure(maker.store, image, maker.settings, QUIET)
    assert not maker.store.has(layer.digest)


def test_a_blob_that_nobody_has_is_damage(lean: tuple[Maker, Descriptor]) -> None:
    maker, image = lean
    layer = layers_of(maker, image)[0]
    (maker.store.root / "origins" / f"{layer.digest[7:]}.json").unlink()
    with pytest.raises(StoreError, match="lacks the blob"):
        ensure(maker.store, image, maker.settings, QUIET)
    assert check(maker.store).problems == (f"lean:1: the blob {layer.digest} is missing",)


def test_offline_says_so(lean: tuple[Maker, Descriptor]) -> None:
    maker, image = lean
    with pytest.raises(FetchError) as refused:
        ensure(maker.store, image, maker.settings.with_(offline=True), QUIET)
    assert "offline" in refused.value.hint


def test_looking_at_an_image_needs_no_layer(lean: tuple[Maker, Descriptor], registry: FaultRegistry) -> None:
    maker, image = lean
    layers = layers_of(maker, image)
    (row,) = ls(maker.store)
    assert (row.layers, row.size > layers[0].size) == (2, True)
    told = inspect(maker.store, "lean:1")
    assert (told["Size"], told["RawSize"]) == (sum(layer.size for layer in layers), None)
    assert {layer["origin"] for layer in told["Layers"]} == {f"{registry.host}/team/lean"}
    assert usage(maker.store, maker.settings).images[0].size == row.size
    found = check(maker.store)
    assert (found.problems, found.blobs, found.remote) == ((), 2, {f"{registry.host}/team/lean": 2})
    assert found.as_dict()["remote"] == {f"{registry.host}/team/lean": 2}
    assert registry.seen == []


def test_gc_keeps_what_leads_to_layers(lean: tuple[Maker, Descriptor]) -> None:
    maker, base = lean
    layers = layers_of(maker, base)
    note_origin(maker.store, maker.layer(member("stray", b"9")).blob.digest, "registry.example.org/x")
    assert collect(maker.store, maker.settings).swept["records"].count == 1  # the stray one's
    assert all(origins(maker.store, layer.digest) for layer in layers)
    maker.store.remove("lean:1")
    collect(maker.store, maker.settings)
    assert not any(origins(maker.store, layer.digest) for layer in layers)
    assert not maker.store.has(base.digest)


def test_outputs_bring_what_they_write(lean: tuple[Maker, Descriptor], tmp_path: Path) -> None:
    maker, image = lean
    write_output(maker.store, image, f"oci:{tmp_path}/out", "lean:1", maker.settings, QUIET)
    names = {p.name for p in (tmp_path / "out/blobs/sha256").iterdir()}
    assert {layer.digest[7:] for layer in layers_of(maker, image)} < names


def test_an_archive_brings_what_it_holds(lean: tuple[Maker, Descriptor], tmp_path: Path) -> None:
    maker, image = lean
    write_output(maker.store, image, f"docker-archive:{tmp_path}/x.tar", "lean:1", maker.settings, QUIET)
    assert all(maker.store.has(layer.digest) for layer in layers_of(maker, image))


def test_comparing_brings_the_layers(lean: tuple[Maker, Descriptor], registry: FaultRegistry) -> None:
    maker, _ = lean
    assert diff(maker.store, "lean:1", "lean:1", maker.settings, QUIET).paths == ()
    assert registry.seen == []
    maker.image(maker.layer(member("a", b"3")), tag="other:1")
    found = diff(maker.store, "lean:1", "other:1", maker.settings, QUIET)
    assert [(p.path, p.before, p.after) for p in found.paths] == [("a", 900, 1), ("b", 1, None)]


def test_running_an_image_brings_its_layers(
    lean: tuple[Maker, Descriptor], monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, image = lean
    monkeypatch.setattr("slipway.sandbox.host.this_machine", lambda: "linux/amd64")
    monkeypatch.setattr("slipway.sandbox.run.start", lambda spec: len(spec.lowers))
    assert run_image(maker.store, image, [], settings=maker.settings) == 2
    assert all(maker.store.has(layer.digest) for layer in layers_of(maker, image))
