"""Layers that are sent while others are still being made."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest

from slipway.build.api import build
from slipway.build.model import Options
from slipway.errors import InputError
from slipway.events import Event, Reporter, StepBegan, StepEnded
from slipway.oci import layer as layers_of
from slipway.oci.origins import note_origin, origins
from slipway.recipe import load
from slipway.registry import small
from slipway.registry.pull import pull
from slipway.registry.push import Pushed, push
from slipway.registry.reference import parse
from slipway.registry.sender import Sender
from tests.images.making import Maker, member
from tests.registry.faults import fault_registry, silence, status
from tests.registry.kit import asked, contents, since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.oci.store import Descriptor
    from tests.registry.faults import FaultRegistry
    from tests.registry.real import RealRegistry

QUIET = Reporter()


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "one")


@pytest.fixture
def faults() -> Iterator[FaultRegistry]:
    with fault_registry() as registry:
        yield registry


def noise(seed: int) -> bytes:
    return random.Random(seed).randbytes(small.LARGEST + 1000)


def image(maker: Maker) -> tuple[Descriptor, list[Descriptor]]:
    """Two large layers and a small one."""
    made = [maker.layer(member(f"large{n}", noise(n))) for n in range(2)]
    made.append(maker.layer(member("small", b"1")))
    return maker.image(*made), [layer.blob for layer in made]


def test_a_push_finds_what_was_sent_before(registry: RealRegistry, maker: Maker, tmp_path: Path) -> None:
    made, blobs = image(maker)
    reference = parse(f"{registry.host}/sender/whole:1")
    events: list[Event] = []
    with Sender(maker.store, reference, maker.settings, Reporter(events.append)) as sender:
        sender.offer(blobs[:1])
        sender.offer(blobs)
        sender.finish()
        sent = since([], asked(registry, "sender/whole"))
        pushed = push(maker.store, made, reference, maker.settings, QUIET)
    assert [m for m, _ in sent].count("PUT") == 2
    assert not any(path.endswith(("/manifests/1", str(blobs[2].digest))) for _, path in sent)
    assert [type(e) for e in events if isinstance(e, StepBegan | StepEnded)] == [StepBegan, StepEnded]
    config = (
        sum(len(d) for d in contents(maker.store, made).values()) - made.size - sum(b.size for b in blobs)
    )
    assert pushed == Pushed(str(reference), made.digest, 2, 0, 2, blobs[2].size + config)
    whole = sum(blob.size for blob in blobs) + config
    assert sender.counted(pushed) == Pushed(str(reference), made.digest, 4, 0, 0, whole)
    other = Maker(tmp_path / "other")
    assert pull(reference, None, other.store, other.settings, QUIET).digest == made.digest


def test_nothing_is_asked_for_what_is_small_or_there(registry: RealRegistry, maker: Maker) -> None:
    _, blobs = image(maker)
    reference = parse(f"{registry.host}/sender/there:1")
    for blob in blobs[:2]:
        note_origin(maker.store, blob.digest, reference.name)
    with Sender(maker.store, reference, maker.settings, QUIET) as sender:
        sender.offer(blobs)
        sender.finish()
    assert asked(registry, "sender/there") == []
    pushed = Pushed(str(reference), "sha256:0")
    assert sender.counted(pushed) is pushed or sender.counted(pushed) == pushed


def test_layers_of_another_repository_are_mounted(registry: RealRegistry, maker: Maker) -> None:
    made, blobs = image(maker)
    push(maker.store, made, parse(f"{registry.host}/sender/base:1"), maker.settings, QUIET)
    reference = parse(f"{registry.host}/sender/above:1")
    with Sender(maker.store, reference, maker.settings, QUIET) as sender:
        sender.offer(blobs)
        sender.finish()
        done = sender.counted(push(maker.store, made, reference, maker.settings, QUIET))
    assert (done.uploaded, done.mounted, done.skipped) == (0, 4, 0)


@pytest.mark.parametrize("code", [400, 401, 403])
def test_what_could_not_be_sent_is_pushed(faults: FaultRegistry, maker: Maker, code: int) -> None:
    made, blobs = image(maker)
    reference = parse(f"{faults.host}/team/app:1")
    faults.fault("POST", "uploads", status(code))
    with Sender(maker.store, reference, maker.settings, QUIET) as sender:
        sender.offer(blobs[:1])
        sender.finish()
        assert not any(reference.name in origins(maker.store, blob.digest) for blob in blobs[:1])
        done = sender.counted(push(maker.store, made, reference, maker.settings, QUIET))
    assert done.uploaded == 4


def test_what_is_going_on_at_the_end_is_given_up(faults: FaultRegistry, maker: Maker) -> None:
    _, blobs = image(maker)
    faults.fault("POST", "uploads", silence)

    def build_that_fails() -> None:
        with Sender(maker.store, parse(f"{faults.host}/team/app:1"), maker.settings, QUIET) as sender:
            sender.offer(blobs[:1])
            raise InputError("a broken wheel")

    with pytest.raises(InputError, match="broken wheel"):
        build_that_fails()
    for thread in threading.enumerate():
        if thread.name.startswith(("ThreadPool", "fetch-")):
            thread.join(5)
            assert not thread.is_alive(), "nobody ends what nobody waits for"


def test_a_build_that_fails_leaves_no_image(
    registry: RealRegistry, maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One layer is sent, the next cannot be made; then it can."""
    base = maker.layer(member("etc/large", noise(7)), member("bin/sh", mode=0o755))
    maker.image(base, tag="base:1", Entrypoint=["/bin/sh"])
    name = f"{registry.host}/sender/fails:1"
    (tmp_path / "a.bin").write_bytes(noise(8))
    recipe = load(
        tmp_path / "image.yaml", f"tag: {name}\nbase: oci:{maker.store.root}:base:1\nfiles: [a.bin]\n"
    )
    settings = maker.settings.with_(store=tmp_path / "own")

    def go(sender: Sender) -> Descriptor:
        done = build(recipe, settings, QUIET, Options(finished=sender.offer))
        sender.finish()
        return done.image

    from slipway.oci.store import Store

    store, reference = Store(settings.store), parse(name)

    def broken(*_: object) -> None:
        raise InputError("a broken layer")

    with monkeypatch.context() as patch, Sender(store, reference, settings, QUIET) as sender:
        patch.setattr(layers_of, "assemble", broken)
        with pytest.raises(InputError, match="broken layer"):
            go(sender)
        sender.finish()
    seen = asked(registry, "sender/fails")
    assert not any("/manifests/" in line.path for line in seen)
    assert reference.name in origins(store, base.blob.digest)
    with Sender(store, reference, settings, QUIET) as sender:
        image_ = go(sender)
        done = sender.counted(push(store, image_, reference, settings, QUIET))
    assert (done.uploaded, done.skipped) == (3, 1)
    other = Maker(tmp_path / "other")
    assert pull(reference, None, other.store, other.settings, QUIET).digest == image_.digest
