"""Editable distributions (PEP 660): a wheel that holds no code, but says where in the image the code is.

Build backends write the path of the tree that they are run in. They are run on this machine, on a copy; in the wheel its path
is replaced by that of the tree in the image.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from slipway import proc
from slipway.errors import NotYetError
from slipway.files import atomic
from slipway.oci.digest import key_of
from slipway.python import archive, record
from slipway.python.backend import Bench
from slipway.python.buildenv import install
from slipway.python.sdist import is_pure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.events import Reporter
    from slipway.python.index import Index
    from slipway.python.model import Dist
    from slipway.settings import Settings

_FORM = 1
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip archive's


def editable_wheel(
    sdist: Path, dist: Dist, place: str, settings: Settings, reporter: Reporter, index: Index
) -> Path:
    """The wheel of the source tree in the archive `sdist`, which is at `place` in the image.

    `ToolError` when its build fails, `NotYetError` when parts of it have to be compiled.
    """
    wheel = settings.cache / "built" / f"{key_of(_FORM, 'editable', dist.sha256, place)}.whl"
    if wheel.is_file():
        return wheel
    shown = f"{dist.name} (editable)"
    with (
        reporter.step("build editable", dist.name),
        tempfile.TemporaryDirectory(prefix="slipway-") as scratch,
    ):
        work = Path(os.path.realpath(scratch))
        (work / "source").mkdir()
        project = archive.unpack(sdist, dist.filename, work / "source")

        def provide(requires: Sequence[str]) -> None:
            install(requires, work / "env", index, settings, shown=shown)

        def run(arguments: Sequence[str], env: Mapping[str, str]) -> tuple[int, str]:
            path = f"{work}/env/bin:{os.environ.get('PATH', os.defpath)}"
            done = proc.run([sys.executable, *arguments], env={**env, "PATH": path}, cwd=work, ok=range(256))
            return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

        built = Bench(work, str(work), provide, run).wheel(project, "editable", shown)
        if not is_pure(built.name):
            raise NotYetError(
                f"{dist.name} has parts that are compiled, and cannot be editable in an image",
                hint="leave out the -e",
            )
        with atomic(wheel) as out:
            out.write(_moved(built, str(project), place))
    return wheel


def _moved(wheel: Path, before: str, after: str) -> bytes:
    """The wheel with one path in place of another."""
    import io

    out = io.BytesIO()
    rows = []
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        table = ""
        for name in sorted(i.filename for i in old.infolist() if not i.is_dir()):
            if name.endswith(".dist-info/RECORD"):
                table = name
                continue
            content = old.read(name).replace(before.encode(), after.encode())
            rows.append((name, record.spell(_sha256(content)), len(content)))
            new.writestr(zipfile.ZipInfo(name, _EARLIEST), content)
        new.writestr(zipfile.ZipInfo(table, _EARLIEST), record.render(rows, table))
    return out.getvalue()


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
