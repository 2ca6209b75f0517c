"""Slipway as its users run it: the command in a process of its own, with a store, a cache and a home of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
COMMAND = (sys.executable, "-c", "from slipway.cli.main import main; main()")

# Of the caller's environment only what says how this machine reaches its mirror and its index.
_KEPT_PREFIXES = ("PIP_", "UV_", "SSL_", "APT_")
_KEPT = ("PATH", "HOME", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def machine_environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in _KEPT or k.startswith(_KEPT_PREFIXES)}
    return kept | {"LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    argv: tuple[str, ...]
    status: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"{' '.join(self.argv)}\nstatus {self.status}\n{self.out[-4000:]}\n{self.err[-4000:]}"

    @property
    def last(self) -> dict[str, Any]:
        """The last line of standard output, which with `--json` is the result or the error."""
        value = json.loads(self.out.splitlines()[-1])
        assert isinstance(value, dict)
        return value


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    status: int | None = 0,
    timeout: float = 180,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    **more: Any,
) -> Done:
    """Run any program; a status other than `status` (None: any will do) fails the test with what was said."""
    words = tuple(os.fspath(a) for a in argv)
    ended = subprocess.run(
        words,
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **more,
    )
    done = Done(words, ended.returncode, ended.stdout, ended.stderr)
    if status is not None and done.status != status:
        raise AssertionError(f"status {status} was expected: {done}")
    return done


@dataclass(frozen=True)
class Home:
    """A place with its own store and cache. `command` starts Slipway, `identity` are keywords of `subprocess` to drop to."""

    root: Path
    extra: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = COMMAND
    identity: dict[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return Path(self.extra.get("SLIPWAY_STORE", self.root / "store"))

    @property
    def cache(self) -> Path:
        return Path(self.extra.get("SLIPWAY_CACHE", self.root / "cache"))

    @property
    def env(self) -> dict[str, str]:
        scratch = self.root / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        places = {"SLIPWAY_STORE": self.store, "SLIPWAY_CACHE": self.cache, "TMPDIR": scratch}
        return machine_environment() | {k: str(v) for k, v in places.items()} | self.extra

    def with_(self, **extra: str) -> Home:
        return replace(self, extra=self.extra | extra)

    def slipway(self, *argv: str | os.PathLike[str], **how: Any) -> Done:
        how.setdefault("env", self.env)
        return run([*self.command, *argv], **self.identity, **how)

    def start(self, *argv: str | os.PathLike[str], **how: Any) -> subprocess.Popen[str]:
        how.setdefault("env", self.env)
        return subprocess.Popen(
            [*self.command, *(os.fspath(a) for a in argv)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **self.identity,
            **how,
        )

    def build(self, recipe: Path, *argv: str, **how: Any) -> dict[str, Any]:
        """Build and return the result (`slipway.build.model.Result.as_dict`)."""
        return self.slipway("build", recipe, *argv, "--json", **how).last

    def plan(self, recipe: Path, *argv: str) -> list[dict[str, Any]]:
        """The actions that a build of one platform would take."""
        (plan,) = self.slipway("build", recipe, *argv, "--dry-run", "--json").last["plans"]
        return list(plan["actions"])

    def refuse(self, status: int, *argv: str | os.PathLike[str], **how: Any) -> dict[str, Any]:
        """The error of a command that must fail with `status`; nothing half-written is left in store and cache."""
        error = self.slipway(*argv, "--json", status=status, **how).last
        assert error["type"] == "error", error
        assert error["exit"] == status
        assert error["brief"], error
        self.check_clean()
        return error

    def inside(self, image: str, *argv: str, **how: Any) -> Done:
        """Run a command in an image of this home."""
        return self.slipway("run", image, "--", *argv, **how)

    def check_clean(self) -> None:
        """No temporary files, and a store whose every blob is what its name says."""
        assert temporary(self.store, self.cache) == []
        assert list((self.root / "tmp").iterdir()) == []
        if self.store.exists():
            self.slipway("store", "check")

    def blob(self, digest: str) -> Path:
        return self.store / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def json_blob(self, digest: str) -> dict[str, Any]:
        value = json.loads(self.blob(digest).read_bytes())
        assert isinstance(value, dict)
        return value


def temporary(*places: Path) -> list[Path]:
    """Files that only exist while something is being written. What is below `trees` and `uv` has other owners."""
    found = []
    for place in places:
        for directory, names, files in os.walk(place):
            names[:] = [n for n in names if n not in ("uv", "trees")]
            found += [Path(directory, n) for n in (*names, *files) if n.startswith(".tmp")]
    return found


def write_recipe(directory: Path, text: str, **files: str) -> Path:
    """`image.yaml` with `text`, and other files beside it, in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_text(content)
    recipe = directory / "image.yaml"
    recipe.write_text(text)
    return recipe


def warm_copy(source: Home, root: Path, *, fragments: bool) -> Home:
    """A new home that has everything downloaded already, but holds no image; with `fragments` these too."""
    target = Home(root, source.extra, source.command, source.identity)
    target.cache.mkdir(parents=True)
    kept = ("downloads", "debian", "resolved", "uv", *(("fragments", "settled") if fragments else ()))
    for name in kept:
        if (source.cache / name).exists():
            # uv makes hard links and renames: its cache can be copied at any time
            shutil.copytree(source.cache / name, target.cache / name, symlinks=True)
    return target


def adopt_pip_configuration(place: Path) -> None:
    """Let a user whose home is `place` know the indexes that the user who runs the tests has configured."""
    ours = Path.home()
    configured = Path(os.environ.get("XDG_CONFIG_HOME", ours / ".config"), "pip", "pip.conf")
    for path, name in ((ours / ".pip/pip.conf", ".pip/pip.conf"), (configured, ".config/pip/pip.conf")):
        if path.is_file():
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())


def example(name: str) -> Path:
    return EXAMPLES / name / "image.yaml"


def layer(result: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = [item for item in result["layers"] if item["name"] == name]
    return dict(found)


def layer_files(home: Home, result: Mapping[str, Any], path: str, arch: str = "amd64") -> Iterator[bytes]:
    """The content of `path` in each layer that has it, from the topmost down (read with tarfile, not with our own code)."""
    for digest in reversed([d["digest"] for d in manifest_of(home, result, arch)["layers"]]):
        with tarfile.open(home.blob(digest)) as archive, suppress(KeyError):
            file = archive.extractfile(path)
            assert file is not None, f"{path} is no file"
            yield file.read()


def manifest_of(home: Home, result: Mapping[str, Any], arch: str = "amd64") -> dict[str, Any]:
    document = home.json_blob(result["image"]["digest"])
    for child in document.get("manifests", ()):
        if child["platform"]["architecture"] == arch:
            return home.json_blob(child["digest"])
    return document


def packages_in(home: Home, result: Mapping[str, Any], arch: str = "amd64") -> set[str]:
    """`name=version` of what dpkg's database in the image has installed."""
    status = next(layer_files(home, result, "var/lib/dpkg/status", arch)).decode()
    stanzas = [
        dict(re.findall(r"^([A-Z][\w-]*): (.*)$", s, re.MULTILINE)) for s in status.split("\n\n") if s.strip()
    ]
    return {f"{s['Package']}={s['Version']}" for s in stanzas if s["Status"] == "install ok installed"}
