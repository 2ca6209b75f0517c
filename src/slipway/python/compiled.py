"""Source distributions that are compiled: built by the target's own Python, in a sandbox over what will be below them in the image.

The build sees no network. What it needs of Python is brought before; compilers and headers have to be in the root.
A result is kept under the archive's hash, the target, and what stands for the root.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.errors import ToolError
from slipway.files import atomic
from slipway.oci.compress import CHUNK
from slipway.oci.digest import key_of
from slipway.python import archive
from slipway.python.backend import Bench
from slipway.python.buildenv import install
from slipway.python.compiling import note
from slipway.sandbox.host import host_files
from slipway.sandbox.model import Mount, Spec
from slipway.sandbox.start import OverlayRefused, collect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from slipway.events import Reporter
    from slipway.python.index import Index
    from slipway.python.model import Dist, PythonTarget
    from slipway.sandbox.users import Users
    from slipway.settings import Settings

_FORM = 1
_SEEN: Final = "/slipway-build"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOST: Final = "slipway"


def compiled_wheel(
    sdist: Path,
    dist: Dist,
    target: PythonTarget,
    settings: Settings,
    reporter: Reporter,
    index: Index,
    root: Callable[[], AbstractContextManager[Root]],
) -> Path:
    """The wheel for `target` built from the archive at `sdist` over the root that `dist.root` stands for.

    `root` is entered only when it is not in the cache. `ToolError` with the build's last lines when it fails.
    """
    parts = (dist.sha256, target.full, target.executable, target.arch, target.libc, dist.root)
    wheel = settings.cache / "built" / f"{key_of(_FORM, 'compiled', *parts)}.whl"
    if wheel.is_file():
        return wheel
    shown = f"{dist.name} {dist.version}"
    with (
        root() as below,
        reporter.step("compile", shown),
        tempfile.TemporaryDirectory(prefix="slipway-") as scratch,
    ):
        work = Path(os.path.realpath(scratch))
        (work / "source").mkdir()
        project = archive.unpack(sdist, dist.filename, work / "source")

        def provide(requires: Sequence[str]) -> None:
            install(requires, work / "env", index, settings, shown=shown, target=target)

        def run(arguments: Sequence[str], env: Mapping[str, str]) -> tuple[int, str]:
            status, output = below.run((target.executable, *arguments), work, env)
            for line in output.splitlines():
                reporter.log(line)
            return status, output

        try:
            built = Bench(work, _SEEN, provide, run).wheel(project, "wheel", shown)
        except ToolError as error:
            error.hint = error.hint or below.hint
            raise
        with built.open("rb") as source, atomic(wheel) as out:
            while piece := source.read(CHUNK):
                out.write(piece)
    note(dist, settings)
    return wheel


class Root:
    """A file system to build in: `lowers` are trees (the lowest first), `upper` an empty directory beside them.

    `hint` says what to do when something is missing in it.
    """

    def __init__(
        self,
        lowers: Sequence[Path],
        stage: Path,
        upper: Path,
        users: Users,
        env: Mapping[str, str],
        hint: str,
    ) -> None:
        self._lowers = lowers
        self._stage = stage
        self._upper = upper
        self._users = users
        self._env = env
        self.hint = hint

    def run(self, argv: Sequence[str], work: Path, env: Mapping[str, str]) -> tuple[int, str]:
        """Run a command that sees `work` at its place; its status and output."""
        path = self._env.get("PATH", _PATH)
        spec = Spec(
            argv=tuple(argv),
            env={**self._env, **env, "PATH": f"{_SEEN}/env/bin:{path}"},
            cwd=_SEEN,
            uid=0,
            gid=0,
            groups=(),
            rootless=self._users.kind != "root",
            stage=str(self._stage),
            hostname=_HOST,
            lowers=tuple(str(tree) for tree in reversed(self._lowers)),
            upper=str(self._upper),
            mounts=(Mount(str(work), _SEEN),),
            files=host_files(_HOST, network=False),
            range=self._users.range,
        )
        pieces: list[bytes] = []
        try:
            status = collect(spec, pieces.append)
        except OverlayRefused as refused:
            raise ToolError(f"this machine cannot make a sandbox to compile in: {refused}") from refused
        return status, b"".join(pieces).decode(errors="replace")
