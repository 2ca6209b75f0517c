from __future__ import annotations

from pathlib import Path

import pytest

from slipway.build.steps.failure import StepError, find_kept, forget, keep, kept_steps
from slipway.build.steps.log import open_log
from slipway.build.steps.model import Step
from slipway.cli.exits import status_of
from slipway.errors import UsageError, Where
from slipway.events import Reporter
from slipway.oci.digest import of_bytes
from slipway.oci.reader import Slice
from slipway.oci.store import Descriptor
from slipway.sandbox.users import Users

STEP = Step(
    "post 1",
    ("sh", "-c", "a 'b'"),
    (("A", "1"),),
    "RUN a 'b'",
    Where("image.yaml", 4, 2),
    user="app",
    workdir="/w",
)
LAYER = Slice(Descriptor("type", of_bytes(b"1"), 1), of_bytes(b"2"))


def made(cache: Path, key: str) -> str:
    directory = cache / "scratch"
    (directory / "upper").mkdir(parents=True)
    return keep(STEP, key * 64, [LAYER], "linux/amd64", directory, cache)


def test_a_root_is_kept_and_found_by_the_start_of_its_id(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no failed step was kept"):
        find_kept(tmp_path, "")
    identity = made(tmp_path, "a")
    kept = find_kept(tmp_path, "")
    assert (kept.id, kept.argv, kept.env, kept.layers) == (identity, STEP.argv, STEP.env, (LAYER,))
    assert (kept.user, kept.workdir, kept.network, kept.platform) == ("app", "/w", False, "linux/amd64")
    assert made(tmp_path, "a") == identity, "the same step fails again"
    made(tmp_path, "b")
    with pytest.raises(UsageError, match="several") as caught:
        find_kept(tmp_path, "")
    assert caught.value.details.splitlines()[1] == "bbbbbbbbbb  post 1: RUN a 'b'"
    with pytest.raises(UsageError, match="'c' is not the id"):
        find_kept(tmp_path, "c")
    forget(find_kept(tmp_path, "bb"))
    assert [kept.id for kept in kept_steps(tmp_path)] == [identity]


@pytest.mark.parametrize(
    ("kind", "written", "hints"),
    [
        ("root", "chown: Invalid argument", ["--keep-context"]),
        ("one", "no such file", ["--keep-context"]),
        ("one", "chown: Invalid argument", ["usermod --add-subuids", "no range", "--keep-context"]),
    ],
)
def test_what_a_person_is_told(tmp_path: Path, kind: str, written: str, hints: list[str]) -> None:
    users = Users(kind, why="no range")  # type: ignore[arg-type]
    with open_log(tmp_path / "log", Reporter(), str) as log:
        log.write(f"{written}\n".encode())
        error = StepError(STEP, 3, log, users)
        kept = StepError(STEP, 3, log, users, "abc")
    assert str(error) == "image.yaml:4:2: RUN a 'b' failed with status 3"
    assert f"in /w as app: sh -c 'a '\"'\"'b'\"'\"''\nall it wrote: {tmp_path}/log" in error.details
    assert all(hint in error.hint for hint in hints)
    assert ("usermod" in error.hint) == (len(hints) > 1)
    assert "to repeat it: slipway debug abc -- sh -c" in kept.details
    assert status_of(error) == 7
