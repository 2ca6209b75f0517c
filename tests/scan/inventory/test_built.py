"""Images that were built here: the fragments tell the same as the layers, which are then not read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.events import Reporter
from slipway.oci import compress
from slipway.oci.fragment import Component, Fragment, FragmentCache
from slipway.oci.fragmentwriter import FragmentWriter
from slipway.oci.layer import assemble, directories
from slipway.oci.reader import Slice, read_image
from slipway.oci.store import Descriptor
from slipway.scan.inventory import stored, take
from slipway.settings import Settings
from tests.e2e.kit import Home, packages_in, write_recipe
from tests.images.making import Maker
from tests.scan.inventory.kit import SITE, STATUS, rows, stanza

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """\
tag: built
base: {debian: bookworm, packages: [python3, python3-six, ca-certificates]}
packages: [setuptools, requests]
files: [note.txt]
"""


def fragment(cache: FragmentCache, component: Component, files: dict[str, str], **extra: Any) -> Fragment:
    def fill(writer: FragmentWriter) -> dict[str, Any]:
        for path, text in files.items():
            writer.file(path, text.encode())
        return extra

    return cache.make(cache.key(component.name, files, extra), component, fill)


@pytest.fixture
def cache(maker: Maker) -> FragmentCache:
    return FragmentCache(maker.settings.cache / "fragments", compress.get("gzip"))


@pytest.fixture
def parts(cache: FragmentCache) -> list[Fragment]:
    """A package that owns a distribution, dpkg's state, and a wheel with another in it."""
    control = [["Package", "python3-six"], ["Version", "1.16-4"], ["Architecture", "all"], ["Source", "six"]]
    info = f"{SITE}/six-1.16.egg-info"
    deb = fragment(
        cache,
        Component("deb", "python3-six", "1.16-4"),
        {info: "Name: six\nVersion: 1.16\n", "var/lib/dpkg/info/python3-six.list": f"/.\n/{info}\n"},
        control=control,
    )
    text = stanza("python3-six", "1.16-4", Architecture="all", Source="six")
    state = fragment(cache, Component("generated", "system"), {STATUS: text})
    wheel = fragment(
        cache,
        Component("pypi", "my-pkg", "1.0"),
        {
            "venv/site/my_pkg-1.0.dist-info/METADATA": "Name: My.Pkg\nVersion: 1.0.0\nLicense: MIT\n",
            "venv/site/my_pkg/_vendor/in-2.dist-info/METADATA": "Name: in\nVersion: 2\n",
            "venv/site/my_pkg-1.0.dist-info/INSTALLER": "slipway\n",
        },
    )
    return [deb, state, wheel]


def image(maker: Maker, parts: list[Fragment], /, **changes: Any) -> Descriptor:
    layer = assemble(maker.store, parts, directories(parts), compress.get("gzip"))
    made = maker.image(
        Slice(Descriptor(layer.media_type, layer.digest, layer.size), layer.diff_id), tag="x:1"
    )
    row = {
        "digest": layer.digest,
        "parts": [
            ["generated", "system state", ""]
            if p.component.name == "system"
            else [p.component.kind, p.component.name, p.component.version]
            for p in parts
        ],
        "keys": [p.key for p in parts],
    }
    maker.store.put_build_record(made.digest, {"layers": [row | changes]})
    return made


def test_fragments_tell_the_same_as_layers(
    maker: Maker, parts: list[Fragment], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = image(maker, parts)
    with monkeypatch.context() as patched:
        patched.setattr(stored, "verified", None)
        found = take("x:1", maker.settings, Reporter())
    assert rows(found) == ["deb python3-six 1.16-4", "pypi in 2", "pypi my-pkg 1.0.0", "pypi six 1.16"]
    assert found.components[3].owner == found.components[0].purl
    (maker.store.root / "builds" / f"{made.digest.removeprefix('sha256:')}.json").unlink()
    shutil.rmtree(maker.settings.cache / "inventory")
    assert take("x:1", maker.settings, Reporter()) == found


@pytest.mark.parametrize(
    "changes", [{"step": {}}, {"keys": []}, {"keys": ["0" * 64] * 3}, {"parts": [], "keys": []}]
)
def test_otherwise_the_layer_is_read(maker: Maker, parts: list[Fragment], changes: dict[str, Any]) -> None:
    image(maker, parts, **changes)
    found = take("x:1", maker.settings, Reporter())
    assert rows(found) == ["deb python3-six 1.16-4", "pypi in 2", "pypi my-pkg 1.0.0", "pypi six 1.16"]


def test_a_file_that_two_fragments_hold_is_read_from_the_layer(
    maker: Maker, cache: FragmentCache, parts: list[Fragment]
) -> None:
    path = "venv/site/x.dist-info/METADATA"
    first = fragment(cache, Component("pypi", "a", "1"), {path: "Name: x\nVersion: 1\n"})
    second = fragment(cache, Component("pypi", "b", "1"), {path: "Name: x\nVersion: 2\n"})
    made = image(maker, [first])
    layer = read_image(maker.store, made).layers[0].blob.digest
    row = {
        "digest": layer,
        "parts": [["pypi", "a", "1"], ["pypi", "b", "1"]],
        "keys": [first.key, second.key],
    }
    maker.store.put_build_record(made.digest, {"layers": [row]})
    assert rows(take("x:1", maker.settings, Reporter())) == ["pypi x 1"]


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.thorough
def test_a_real_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home")
    result = home.build(write_recipe(tmp_path / "recipe", RECIPE, **{"note.txt": "x"}))
    settings = Settings(store=home.store, cache=home.cache)
    with monkeypatch.context() as patched:
        patched.setattr(stored, "verified", None)
        found = take("built", settings, Reporter())
    assert found.unread == ()
    assert {f"{c.name}={c.version}" for c in found.components if c.kind == "deb"} == packages_in(home, result)
    assert found.system.distro == "debian-12"
    dists = {c.name: c for c in found.components if c.kind == "pypi"}
    assert dists["six"].owner.startswith("pkg:deb/debian/python3-six@")
    assert dists["requests"].owner == ""
    vendored = [c.path for c in found.components if "setuptools/_vendor" in c.path]
    assert vendored
    streamed = take("built", replace(settings, cache=tmp_path / "empty"), Reporter())
    assert streamed == found
