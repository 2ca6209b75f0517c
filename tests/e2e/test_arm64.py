"""An image for another architecture: made without running anything, and really for that architecture."""

from __future__ import annotations

import json
import struct
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import need
from tests.e2e.kit import Home, example, layer_files, manifest_of, run, write_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.net, pytest.mark.slow]

AARCH64 = 183  # e_machine EM_AARCH64 (ELF for the Arm 64-bit Architecture)
RECIPE = """
tag: arm
base: {debian: trixie, packages: [python3, ca-certificates]}
platforms: [linux/arm64]
packages: [markupsafe, numpy, pyyaml]
"""


@pytest.fixture(scope="module")
def image(home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return home.build(write_recipe(tmp_path_factory.mktemp("arm"), RECIPE))


def machine(content: bytes) -> int:
    assert content[:4] == b"\x7fELF"
    (value,) = struct.unpack_from("<H", content, 18)
    return int(value)


def test_others_see_the_architecture(home: Home, image: dict[str, Any]) -> None:
    need("skopeo")
    seen = json.loads(
        run(["skopeo", "inspect", "--override-arch", "arm64", f"oci:{home.store}:arm:latest"]).out
    )
    assert seen["Architecture"] == "arm64"
    assert seen["Digest"] == image["image"]["digest"]


@pytest.mark.parametrize(
    "path", ["usr/bin/python3.13", "usr/lib/aarch64-linux-gnu/libc.so.6", "usr/bin/bash"]
)
def test_programs_and_libraries(home: Home, image: dict[str, Any], path: str) -> None:
    assert machine(next(layer_files(home, image, path, "arm64"))) == AARCH64


def test_nothing_is_for_another_machine(home: Home, image: dict[str, Any]) -> None:
    compiled = 0
    for layer in manifest_of(home, image, "arm64")["layers"]:
        with tarfile.open(home.blob(layer["digest"])) as archive:
            for entry in archive:
                file = archive.extractfile(entry) if entry.isreg() else None
                if file is None or (head := file.read(20))[:4] != b"\x7fELF":
                    continue
                assert machine(head) == AARCH64, entry.name
                compiled += 1
                assert "x86_64" not in entry.name
    assert compiled > 300


def test_wheels_with_compiled_code(home: Home, image: dict[str, Any]) -> None:
    layers = [layer["digest"] for layer in manifest_of(home, image, "arm64")["layers"]]
    names = []
    for digest in layers:
        with tarfile.open(home.blob(digest)) as archive:
            names += [n for n in archive.getnames() if n.startswith("pyats/lib/") and n.endswith(".so")]
    assert {n.split("/")[4] for n in names} >= {"markupsafe", "numpy", "yaml"}
    assert all("aarch64-linux-gnu" in n for n in names if "cpython" in n)


def test_python_of_the_environment(home: Home, image: dict[str, Any]) -> None:
    assert b"home = /usr/bin" in next(layer_files(home, image, "pyats/pyvenv.cfg", "arm64"))
    status = next(layer_files(home, image, "var/lib/dpkg/status", "arm64"))
    assert b"Architecture: amd64" not in status
    assert b"Architecture: arm64" in status
    cache = next(layer_files(home, image, "etc/ld.so.cache", "arm64"))
    assert b"aarch64-linux-gnu/libc.so.6" in cache
    assert b"x86_64" not in cache


def test_it_is_not_run_here(home: Home, image: dict[str, Any]) -> None:
    done = home.slipway("run", "arm", "--", "true", status=None)
    if done.status == 0:
        pytest.skip("this machine has an emulator of aarch64")
    assert done.status == 7
    assert "linux/arm64" in done.err
    assert "qemu-user-static" in done.err


def test_two_platforms_are_one_image(built: Callable[[str], dict[str, Any]], home: Home) -> None:
    index = home.json_blob(built("two-platforms")["image"]["digest"])
    assert [m["platform"] for m in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]
    for arch, place, code in (("amd64", "x86_64-linux-gnu", 62), ("arm64", "aarch64-linux-gnu", AARCH64)):
        found = next(layer_files(home, built("two-platforms"), f"usr/lib/{place}/libc.so.6", arch))
        assert machine(found) == code


def test_building_it_from_the_command_line(home: Home) -> None:
    result = home.build(example("two-platforms"), "--platform", "linux/arm64", "--tag", "only-arm")
    assert result["image"]["platform"] == {"architecture": "arm64", "os": "linux"}
    assert {layer["action"] for layer in result["layers"]} == {"reuse"}
