"""Ask a project's build backend for a wheel (PyPA specifications: PEP 517, PEP 518, PEP 660).

Everything lies in one directory, which a sandbox may see under another name:

    WORK/source/…   the project          WORK/env/       what its build needs, installed flat
    WORK/out/       the wheel            WORK/hook.py    the program that calls the backend
    WORK/job.json   what to call         WORK/answer.json   what it returned
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from slipway.errors import InputError, ToolError
from slipway.oci.entry import NO_TIME
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# Runs on the target's Python, whatever version that is; without `site`, so that only WORK/env is there to be imported.
_HOOK: Final = """\
import importlib, json, os, site, sys
job_path, answer_path = sys.argv[1:]
with open(job_path) as file:
    job = json.load(file)
site.addsitedir(job["env"])
sys.path[:0] = [os.path.join(job["source"], path) for path in job["backend_path"]]
os.chdir(job["source"])
sys.argv = ["setup.py"]
name, _, inner = job["backend"].partition(":")
backend = importlib.import_module(name)
for part in filter(None, inner.split(".")):
    backend = getattr(backend, part)
hook = getattr(backend, job["hook"], None)
value = None if hook is None else hook(*job["arguments"])
with open(answer_path, "w") as file:
    json.dump({"known": hook is not None, "value": value}, file)
"""
_LINES = 25  # of a failed build that are shown

Kind = Literal["wheel", "editable"]


@value
class BuildSystem:
    """The table `build-system` of a pyproject.toml, or what stands for it (PEP 517, section "Source trees")."""

    requires: tuple[str, ...] = ("setuptools>=40.8.0",)
    backend: str = "setuptools.build_meta:__legacy__"
    path: tuple[str, ...] = ()


def build_system(project: Path, shown: str) -> BuildSystem:
    """How the project is built; `InputError` when it says so in no way that can be understood."""
    try:
        text = (project / "pyproject.toml").read_text(encoding="utf-8")
    except FileNotFoundError:
        return BuildSystem()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{shown}: its pyproject.toml cannot be read: {error}") from error
    try:
        table = tomllib.loads(text).get("build-system")
        if table is None:
            return BuildSystem()
        backend = table.get("build-backend", BuildSystem().backend)
        path = tuple(str(p) for p in table.get("backend-path", ()))
        return BuildSystem(tuple(str(r) for r in table["requires"]), str(backend), path)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{shown}: its pyproject.toml is no description of a build: {error}") from error


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a project is built.

    `work` is the directory, `seen` how the build sees it. `provide` installs requirements into `work`/env, `run` runs
    Python with arguments and an environment: its status and all that it wrote.
    """

    work: Path
    seen: str
    provide: Callable[[Sequence[str]], None]
    run: Callable[[Sequence[str], Mapping[str, str]], tuple[int, str]]

    def wheel(self, project: Path, kind: Kind, shown: str) -> Path:
        """The wheel of `project`, a directory below `work`. `ToolError` with the last lines when its build fails."""
        system = build_system(project, shown)
        source = f"{self.seen}/{project.relative_to(self.work)}"
        for name in ("out", "home", "scratch", "env"):
            (self.work / name).mkdir(exist_ok=True)
        (self.work / "hook.py").write_text(_HOOK)
        self.provide(system.requires)
        more = self._call(system, source, f"get_requires_for_build_{kind}", [{}], shown)
        if more:
            self.provide([*system.requires, *(str(r) for r in more)])
        name = self._call(system, source, f"build_{kind}", [f"{self.seen}/out", {}], shown, needed=True)
        built = self.work / "out" / str(name)
        if built.parent != self.work / "out" or built.suffix != ".whl" or not built.is_file():
            raise ToolError(f"{shown} was built, but no wheel came of it")
        return built

    def _call(
        self,
        system: BuildSystem,
        source: str,
        hook: str,
        arguments: Sequence[Any],
        shown: str,
        *,
        needed: bool = False,
    ) -> Any:
        job = {
            "env": f"{self.seen}/env",
            "source": source,
            "backend": system.backend,
            "backend_path": system.path,
            "hook": hook,
            "arguments": arguments,
        }
        (self.work / "job.json").write_text(json.dumps(job))
        answer = self.work / "answer.json"
        answer.unlink(missing_ok=True)
        program = ["-S", *(f"{self.seen}/{name}" for name in ("hook.py", "job.json", "answer.json"))]
        status, output = self.run(program, self._environment())
        if status or not answer.exists():
            lines = output.replace(self.seen, "").strip().splitlines()
            raise ToolError(f"{shown} cannot be built", details="\n".join(lines[-_LINES:]))
        said = json.loads(answer.read_text())
        if needed and not said["known"]:
            raise ToolError(
                f"{shown} cannot be built this way: {system.backend} has no `{hook}`",
                hint="an editable package needs a build backend that knows them (PEP 660)",
            )
        return said["value"]

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": f"{self.seen}/home",
            "TMPDIR": f"{self.seen}/scratch",
            "PYTHONPATH": f"{self.seen}/env",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "SOURCE_DATE_EPOCH": str(NO_TIME),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }
