"""A small project for which nothing outside this machine is asked: Debian packages, wheels, files."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from tests.distro.debkit import folder, member
from tests.e2e.archive import recipe_for, toy
from tests.e2e.kit import write_recipe
from tests.python.conftest import WheelMaker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.archive import Archive
    from tests.e2e.kit import Home

_PACKAGES = tuple(f"ball{n}" for n in range(6))
_SIZE = 300_000  # bytes of each package, wheel and file: work for some milliseconds each


def toy_project(archive: Archive, home: Home, directory: Path) -> tuple[Home, Path]:
    """The home as one that uses `archive` as mirror and index, and a recipe `toy`."""
    noise = random.Random(7)
    for name in _PACKAGES:
        toy(archive, name, noise.randbytes(_SIZE))
    archive.add("python3-minimal", "3.13.5-1", depends="python3.13-minimal")
    interpreter = [folder("./usr"), folder("./usr/bin"), member("./usr/bin/python3.13", b"")]
    archive.add("python3.13-minimal", "3.13.5-2", members=interpreter)
    archive.add("libc6", "2.41-12")
    archive.publish()
    wheels = directory / "wheels"
    wheels.mkdir(parents=True)
    for name in ("demo", "pip"):
        maker = WheelMaker(wheels, name, files={f"{name}/__init__.py": noise.randbytes(_SIZE)})
        path, _ = maker.write()
        # metadata beside the wheel (PEP 658), so that resolving opens no wheel
        said = dict(maker.members())[f"{maker.info}/METADATA"]
        archive.server.add(f"/files/{path.name}", path.read_bytes())
        archive.server.add(f"/files/{path.name}.metadata", said)
        sums = [hashlib.sha256(data).hexdigest() for data in (path.read_bytes(), said)]
        link = f'<a href="/files/{path.name}#sha256={sums[0]}" data-core-metadata="sha256={sums[1]}">{path.name}</a>'
        page = f"<!DOCTYPE html>{link}".encode()
        archive.server.add(f"/simple/{name}/", page, headers={"Content-Type": "text/html"})
    project = directory / "project"
    text = recipe_for("python3-minimal", "libc6", *_PACKAGES) + "packages: [demo]\nfiles: [app, readme]\n"
    recipe = write_recipe(project, text, readme="read me\n")
    (project / "app").mkdir()
    for n in range(10):
        (project / "app" / f"part{n}").write_bytes(noise.randbytes(_SIZE // 10))
    place = archive.used_by(home).with_(
        SLIPWAY_PYTHON_INDEX=archive.server.url("/simple/"), PIP_CONFIG_FILE="/dev/null", PIP_FIND_LINKS=""
    )
    return place, recipe
