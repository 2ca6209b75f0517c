"""`image push`, `image pull` and `build --push`, with a real registry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.oci.store import Store
from tests.cli.test_build import RESULT
from tests.cli.test_image import make
from tests.registry.conftest import registry

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["registry"]


@pytest.fixture
def store(home: Path) -> Store:
    store = Store(home / ".local/share/slipway/store")
    make(store, "hello:1", {"a": b"1"})
    return store


def test_push_and_pull(call, store, registry):
    image = store.find("hello:1")
    target = f"{registry.host}/cli/hello:1"
    done = call("image", "push", "hello:1", target)
    assert (done.status, done.out) == (0, f"{target}@{image.digest}\n")
    assert f"pushed {target}: 2 sent (" in done.err
    again = call("image", "push", "hello:1", target, "--json")
    assert again.lines[-1]["pushed"] == {
        "reference": target,
        "digest": image.digest,
        "uploaded": 0,
        "mounted": 0,
        "skipped": 2,
        "bytes": 0,
        "attached": 0,
    }
    assert call("image", "rm", "hello:1").status == 0
    assert call("image", "pull", target).out == f"{target}\n"
    assert store.find(target).digest == image.digest
    assert call("image", "push", target).out == f"{target}@{image.digest}\n"
    pulled = call("image", "pull", target, "--tag", "back", "--json").lines[-1]["pulled"]
    assert (pulled["name"], pulled["platforms"]) == ("back:latest", ["linux/amd64"])
    assert call("image", "pull", target, "--platform", "linux/arm64").status == 2
    assert call("image", "pull", target, "--platform", "linux/arm64", "--all-platforms").status == 2
    assert call("image", "pull", f"{registry.host}/cli/none:1").status == 4


@pytest.mark.parametrize("target", ["", "hello:2", "team/hello:2"])
def test_a_push_needs_a_registry(call, store, target):
    done = call("image", "push", "hello:1", *([target] if target else []))
    assert done.status == 2
    assert f"{target or 'hello:1'} names no registry" in done.err
    assert "docker.io/USER/hello:" in done.err


def test_an_image_without_a_name_needs_a_reference(call, store):
    image = store.find("hello:1")
    store.remove("hello:1")
    store.add(image)
    done = call("image", "push", image.digest)
    assert done.status == 2
    assert "REGISTRY/REPOSITORY:TAG" in done.err


@pytest.fixture
def built(monkeypatch, store):
    """A build whose result is `hello:1`, under whatever tag."""
    image = store.find("hello:1")

    def build(recipe, settings, reporter, options):
        tag = options.tag or f"{recipe.tag}:latest"
        store.tag(tag, image)
        return replace(RESULT, image=image, tag=tag)

    monkeypatch.setattr("slipway.build.api.build", build)
    return image


def test_build_and_push(call, built, recipe, registry):
    target = f"{registry.host}/cli/built:1"
    done = call("build", str(recipe), "--tag", target, "--push", "--json")
    assert done.status == 0
    assert done.lines[-1]["pushed"]["digest"] == built.digest
    assert done.lines[-1]["tag"] == target
    again = call("build", str(recipe), "--tag", target, "--push")
    assert again.out == f"{target}\n"
    assert f"pushed {target}: nothing to send\n" in again.err


@pytest.mark.parametrize(
    ("text", "said"), [("tag: hello\n", "hello names no registry"), ("", "needs a name")]
)
def test_what_cannot_be_pushed_is_not_built(call, monkeypatch, recipe, text, said):
    monkeypatch.setattr("slipway.build.api.build", lambda *_: pytest.fail("it was built"))
    recipe.write_text(f"{text}base: scratch\n")
    done = call("build", str(recipe), "--push")
    assert done.status == 2
    assert said in done.err


def test_names_of_images_are_completed(spawn, store, monkeypatch):
    monkeypatch.setenv("_SLIPWAY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "slipway image push hel")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert spawn().out.split() == ["plain,hello:1"]
