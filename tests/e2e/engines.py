"""Other builders for end-to-end tests: where they are, and how one asks them what they have."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.kit import Home, machine_environment, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.oci.store import Descriptor
    from tests.images.making import Maker


@dataclass(frozen=True)
class Engine:
    """`env` leads its programs, and Slipway, to the storage or daemon of the tests."""

    name: str
    env: dict[str, str]

    def home(self, home: Home) -> Home:
        return home.with_(**self.env)

    def config(self, image: str) -> dict[str, Any]:
        """What the engine says of an image: its id and its settings."""
        if self.name == "docker":
            (found,) = json.loads(self.run("docker", "image", "inspect", image))
            return {"id": found["Id"], **found["Config"]}
        found = json.loads(self.run("buildah", "inspect", "--type", "image", image))
        return {"id": f"sha256:{found['FromImageID']}", **found["Docker"]["config"]}

    def run(self, *argv: str | Path) -> str:
        return run(argv, env=machine_environment() | self.env).out

    def build(self, directory: Path, tag: str, *more: str) -> None:
        """By hand."""
        if self.name == "docker":
            self.run("docker", "build", f"--tag={tag}", *more, directory)
        else:
            isolation = ("--isolation=chroot", "--network=host")
            self.run("buildah", "build", "--format=docker", *isolation, f"--tag={tag}", directory)

    def load_base(self, archive: Path) -> None:
        if self.name == "docker":
            self.run("docker", "load", "--input", archive)
        else:
            self.run("buildah", "pull", f"docker-archive:{archive}")

    def save(self, image: str, archive: Path) -> None:
        if self.name == "docker":
            self.run("docker", "save", "--output", archive, image)
        else:
            self.run("buildah", "push", image, f"docker-archive:{archive}:{image}")


def docker_engine(docker_host: str) -> Engine:
    # the older command line has BuildKit in it; the newer one would need a plugin
    path = {"PATH": f"/usr/bin:{machine_environment()['PATH']}"}
    return Engine(
        "docker",
        {"DOCKER_HOST": docker_host, "DOCKER_CONFIG": "/nonexistent", "DOCKER_BUILDKIT": "0", **path},
    )


@contextmanager
def buildah_engine() -> Iterator[Engine]:
    """buildah with a storage of its own; skips where it is not, and cannot be, installed."""
    if shutil.which("buildah") is None:
        done = subprocess.run(
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "buildah"],
            capture_output=True,
            check=False,
        )
        if shutil.which("buildah") is None:
            pytest.skip(f"cannot install buildah: {done.stderr.decode().strip()[-300:]}")
    with tempfile.TemporaryDirectory(prefix="slipway-buildah-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        (root / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{root}/graph"\nrunroot = "{root}/run"\n'
        )
        (root / "registries.conf").write_text("")
        (root / "auth.json").write_text("{}")
        env = {
            "CONTAINERS_STORAGE_CONF": str(root / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(root / "registries.conf"),
            "REGISTRY_AUTH_FILE": str(root / "auth.json"),
            "BUILDAH_ISOLATION": "chroot",
        }
        yield Engine("buildah", env)
        # what it leaves mounted could not be removed
        subprocess.run(["umount", "--recursive", "--quiet", f"{root}/graph/overlay"], check=False)


def image_of(result: dict[str, Any]) -> str:
    return str(result["image"]["digest"])


def with_history(maker: Maker, image: Descriptor) -> Descriptor:
    """buildah wants to know of each layer how it came to be."""
    manifest = maker.store.read_json(image.digest)
    whole = maker.store.read_json(manifest["config"]["digest"])
    whole["history"] = [{"created": "2020-01-01T00:00:00Z", "created_by": "test"} for _ in manifest["layers"]]
    manifest["config"] = maker.store.put(
        json.dumps(whole).encode(), manifest["config"]["mediaType"]
    ).as_json()
    return maker.store.put(json.dumps(manifest).encode(), image.media_type)
