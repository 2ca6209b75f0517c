"""`make demo` in what a fresh clone has, for somebody who has nothing of ours: the first thing that anybody tries."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import need
from tests.e2e.kit import REPOSITORY, machine_environment, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.kit import Home

pytestmark = [pytest.mark.net, pytest.mark.slow]

SECONDS = 300


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that git knows or would add, as they are now."""
    need("git", "make")
    listed = run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPOSITORY, status=None
    )
    if listed.status:
        pytest.skip(f"this is not a git checkout: {listed.err.strip()}")
    place = tmp_path / "clone"
    copy(listed.out.split("\0"), place)
    return place


def copy(names: list[str], place: Path) -> None:
    for name in filter(None, names):
        if (REPOSITORY / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, place / name)


def check(said: str, place: Path, seconds: float) -> None:
    for words in (
        "first build, everything downloaded",
        "Hello from an image that no daemon built",
        "OpenSSL 3",
        "unchanged in",
        "build, one line changed",
    ):
        assert words in said
    assert said.count("reused") >= 5
    assert (place / ".venv/bin/slipway").is_file()
    assert seconds < SECONDS


def test_the_demo(clone: Path, plain_home: Home) -> None:
    """Without privileges if the machine's Python allows it: what works then works for root as well."""
    python, identity = "python3", {}
    usual = "/usr/bin/python3"
    able = run(
        [usual, "-c", "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))"], status=None
    )
    place = plain_home.root / "clone"
    shutil.copytree(clone, place)
    if plain_home.identity and able.status == 0:
        python, identity = usual, plain_home.identity
        run(["chown", "-R", f"{identity['user']}:{identity['user']}", place])
    home = plain_home.root / "empty"
    home.mkdir()
    home.chmod(0o777)
    env = machine_environment() | {"HOME": str(home), "TMPDIR": plain_home.env["TMPDIR"]}
    began = time.monotonic()
    done = run(["make", "demo", f"PYTHON={python}"], cwd=place, env=env, timeout=300, **identity)
    check(done.out + done.err, place, time.monotonic() - began)
    assert not (home / ".local").exists(), "the demo keeps everything where it is"
    listed = run(["make"], cwd=place, env=env, **identity).out
    assert "make demo" in listed
    assert len(listed.splitlines()) <= 12
    run([place / ".venv/bin/slipway", "doctor"], cwd=place, env=env, **identity)
