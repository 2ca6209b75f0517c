"""The main job, beside the tools that people use for its parts, in one run on one machine.

Slipway: nothing cached, fragments cached, one file changed, nothing changed. Peers, where installed: mmdebstrap for the
same Debian packages, `uv pip install` for the same Python packages, and tar with gzip for the layer of both.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.distro.mirror import find_mirror
from slipway.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence

RECIPE = """\
tag: bench
base: {debian: bookworm, packages: [python3, ca-certificates]}
packages: [PACKAGES]
files: [note.txt]
"""
SETS = {
    "small": ("requests",),
    "medium": ("pandas", "numpy", "flask", "sqlalchemy"),
    "large": ("pyats[full]",),
}
MAIN: list[str | Path] = [sys.executable, "-c", "from slipway.cli.main import main; main()"]


def timed(argv: Sequence[str | Path], **env: str) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        list(map(str, argv)), env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{argv[0]} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - start


def slipway(root: Path, name: str, packages: Sequence[str]) -> dict[str, float]:
    recipe = root / "image.yaml"
    recipe.write_text(RECIPE.replace("PACKAGES", ", ".join(f'"{p}"' for p in packages)))
    note = root / "note.txt"
    note.write_text("first")
    env = {"SLIPWAY_STORE": str(root / f"{name}-store"), "SLIPWAY_CACHE": str(root / f"{name}-cache")}
    build = [*MAIN, "--quiet", "build", recipe]
    cold = timed(build, **env)
    shutil.rmtree(env["SLIPWAY_STORE"])
    again = timed(build, **env)
    note.write_text("second")
    changed = timed(build, **env)
    nothing = min(timed(build, **env) for _ in range(3))
    return {
        "nothing cached": cold,
        "fragments cached": again,
        "one file changed": changed,
        "nothing changed": nothing,
    }


def peers(root: Path, packages: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    tree = root / "tree"
    if shutil.which("mmdebstrap") and os.geteuid() == 0:
        mirror = find_mirror(load()).archive
        options: list[str | Path] = ["--quiet", "--variant=minbase", "--include=python3,ca-certificates"]
        found["mmdebstrap"] = timed(["mmdebstrap", *options, "bookworm", tree, mirror])
    uv = Path(sys.executable).with_name("uv")
    environment = tree / "pyats"
    install: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--link-mode=copy",
        "--cache-dir",
        root / "uv",
        "--python",
    ]
    found["uv venv and pip install"] = timed([uv, "venv", "--quiet", environment]) + timed(
        [*install, environment / "bin/python", *packages]
    )
    found["tar and gzip -6 of that tree"] = timed(
        ["tar", "-C", tree, "--one-file-system", "-czf", root / "layer.tar.gz", "."]
    )
    return found


def main(names: Sequence[str] = ("small", "medium")) -> None:
    for name in names:
        packages = SETS[name]
        with tempfile.TemporaryDirectory(prefix="slipway-bench-") as place:
            ours, theirs = slipway(Path(place), name, packages), peers(Path(place), packages)
        whole = sum(theirs.values())
        print(f"\n{name}: Debian bookworm with Python, {', '.join(packages)}")
        for label, took in theirs.items():
            print(f"  {label:32} {took:7.2f} s")
        print(f"  {'peers together':32} {whole:7.2f} s")
        for label, took in ours.items():
            print(f"  slipway, {label:23} {took:7.2f} s  {whole / took:6.1f} times as fast")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nlargest process of all: {peak:.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1:] or ("small", "medium"))
