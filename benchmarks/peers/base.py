"""The base image for everybody: a stand-in for `python:X-slim`, made from Debian packages before anything is measured.

It has what the official image offers to those who build on it: apt with sources, `python3`, `pip3`, certificates.
It also says where packages come from on this machine (pip.conf, uv.toml, sources.list), and has a `curl` in
`/usr/local/bin` that fetches tini from the benchmark's server instead of from its site, which
may be out of reach.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.machine import run, unpacked
from benchmarks.peers.registry import Blob, layer
from benchmarks.peers.sources import apt_sources, certificates, environment

if TYPE_CHECKING:
    from benchmarks.peers.registry import Registry
    from benchmarks.peers.sources import Indexes

SUITE = "bookworm"
PYTHON = "3.11"  # the suite's
_VERSION = "3.11.2"  # which the official image tells in this variable
SLIPWAY = (sys.executable, "-c", "from slipway.cli.main import main; main()")

_RECIPE = f"""\
tag: standin
base: {{debian: {SUITE}, packages: [python3, python3-pip, python3-venv, ca-certificates, tini]}}
"""
_CURL = """\
#!/bin/bash
args=()
for a in "$@"; do
    case $a in https://github.com/krallin/tini/*) a=ADDRESS/tini-static ;; esac
    args+=("$a")
done
exec /usr/bin/curl "${args[@]}"
"""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, slots=True)
class Base:
    """`image` and `uv` are pinned references in the registry: the base, and an image with uv as `/uv`."""

    image: str
    uv: str


def prepare(registry: Registry, address: str, indexes: Indexes, work: Path) -> Base:
    """Make the base, and an image that holds uv alone, and put both into the registry."""
    machine = layer(
        {
            "etc/apt/sources.list.d/debian.sources": (b"", 0o644),
            "etc/apt/sources.list": (apt_sources(SUITE).encode(), 0o644),
            "etc/pip.conf": (f"{indexes.pip_conf()}cert = {_BUNDLE}\n".encode(), 0o644),
            "etc/uv/uv.toml": (indexes.uv_toml().encode(), 0o644),
            _BUNDLE[1:]: (certificates(environment()), 0o644),
            "usr/local/bin/curl": (_CURL.replace("ADDRESS", address).encode(), 0o755),
        }
    )
    settings = {
        "Env": [f"PATH={_PATH}", f"SSL_CERT_FILE={_BUNDLE}", f"PYTHON_VERSION={_VERSION}"],
        "Cmd": ["python3"],
    }
    layers = [_debian(work / "base"), machine]
    base = registry.put("library/python", f"{PYTHON}-slim", layers, settings)
    program = Path(sys.executable).with_name("uv").read_bytes()
    uv = registry.put("uv", "latest", [layer({"uv": (program, 0o755)})], {})
    return Base(f"{registry.host}/library/python@{base}", f"{registry.host}/uv@{uv}")


def tini(work: Path) -> bytes:
    """The statically linked tini of Debian."""
    return (unpacked(SUITE, ["tini"], work / "tini") / "usr/bin/tini-static").read_bytes()


def _debian(work: Path) -> Blob:
    """The layer of Debian packages."""
    work.mkdir(parents=True, exist_ok=True)
    recipe = work / "image.yaml"
    recipe.write_text(_RECIPE)
    places = environment(SLIPWAY_STORE=str(work / "store"), SLIPWAY_CACHE=str(work / "cache"))
    result = json.loads(run([*SLIPWAY, "build", recipe, "--json"], env=places).splitlines()[-1])

    def blob(digest: str) -> bytes:
        return (work / "store/blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()

    config = json.loads(blob(result["id"]))
    return Blob(blob(result["layers"][0]["digest"]), config["rootfs"]["diff_ids"][0])
