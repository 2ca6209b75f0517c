"""Source distributions that are pure Python become wheels, built on this machine in an isolated environment.

The build is the project's own program (PEP 517): it runs with the rights of the user, as under any installer.
A result is kept under the archive's hash and the builder (uv, and this machine's Python). Two builds of one archive
may still differ, in timestamps and with the newest release of the build backend; that is why the fragment made of it
(`wheel.wheel_key`) goes by the archive alone and writes the contents in its own normal form.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import InputError, NotYetError, ToolError
from slipway.files import atomic, read_json, write_json
from slipway.oci.compress import CHUNK
from slipway.oci.digest import key_of
from slipway.oci.entry import NO_TIME
from slipway.python import index as indexes
from slipway.python import scripts, uvrun

if TYPE_CHECKING:
    import threading

    from slipway.events import Reporter
    from slipway.python.index import Index
    from slipway.python.model import Dist
    from slipway.settings import Settings

_FORM = 1
_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")


def build_pure_wheel(
    sdist: Path,
    dist: Dist,
    settings: Settings,
    reporter: Reporter,
    *,
    index: Index | None = None,
    stop: threading.Event | None = None,
) -> Path:
    """The wheel built from the archive at `sdist` (which may have any name).

    `index` is where build backends come from; when `stop` is set, the build is ended. `ToolError` when the build fails, `NotYetError` when the result is
    not for every Python 3 on every machine.
    """
    builder = f"uv {version('uv')}, Python {sys.version_info[0]}.{sys.version_info[1]}"
    stem = settings.cache / "built" / key_of(_FORM, dist.sha256, builder)
    wheel, memory = stem.with_suffix(".whl"), stem.with_suffix(".json")
    known = read_json(memory)
    if isinstance(known, dict) and (not known["pure"] or wheel.is_file()):
        return _pure_or_error(wheel, dist, known["name"], pure=known["pure"])
    if not dist.filename.endswith(_SUFFIXES) or not scripts.is_name(dist.filename):
        raise InputError(f"{dist.filename!r} is not the name of a source distribution")
    index = index or indexes.load(settings, reporter)
    with reporter.step("build wheel", dist.filename), tempfile.TemporaryDirectory(prefix="slipway-") as work:
        built = _build(sdist, dist, settings, index, Path(work), stop)
        pure = is_pure(built.name)
        if pure:
            with built.open("rb") as source, atomic(wheel) as out:
                while piece := source.read(CHUNK):
                    out.write(piece)
    write_json(memory, {"name": built.name, "pure": pure, "builder": builder})
    return _pure_or_error(wheel, dist, built.name, pure=pure)


def is_pure(filename: str) -> bool:
    """Whether a wheel of this name is for every Python 3 on every machine."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        tags = parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return False
    return any((t.interpreter, t.abi, t.platform) == ("py3", "none", "any") for t in tags)


def _pure_or_error(wheel: Path, dist: Dist, name: str, *, pure: bool) -> Path:
    if not pure:
        raise NotYetError(
            f"{dist.name} {dist.version} needs compiling for the target",
            details=f"Its source distribution builds to {name}.",
            hint="choose a version that has a wheel for this Python and platform",
        )
    return wheel


def _build(
    sdist: Path, dist: Dist, settings: Settings, index: Index, work: Path, stop: threading.Event | None
) -> Path:
    source = work / dist.filename
    source.symlink_to(sdist.absolute())
    out = work / "out"
    done = uvrun.run(
        ["build", "--wheel", "--out-dir", out, source],
        index,
        settings,
        cwd=work,
        stop=stop,
        extra_env={"SOURCE_DATE_EPOCH": str(NO_TIME), "PYTHONHASHSEED": "0", "TZ": "UTC"},
    )
    built = sorted(out.glob("*.whl"))
    if done.returncode or len(built) != 1:
        output = index.scrub(done.stderr.decode(errors="replace")).replace(str(work), "")
        raise ToolError(
            f"the source distribution {dist.filename} cannot be built",
            details="\n".join(output.strip().splitlines()[-20:]),
            hint="choose a version that has a wheel",
        )
    return built[0]
