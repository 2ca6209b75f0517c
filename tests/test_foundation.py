"""Errors, events, settings, files and processes."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from slipway import settings
from slipway.errors import Problem, RecipeError, SlipwayError, StoreError, ToolError, UsageError, Where
from slipway.events import Event, Note, Reporter, StepBegan, StepEnded, StepMoved
from slipway.files import atomic, disk, read_json, write_json
from slipway.proc import find, run


def test_errors_say_where() -> None:
    error = SlipwayError("wrong", where=Where("a.yaml", 3, 7), hint="do better")
    assert str(error) == "a.yaml:3:7: wrong"
    assert error.as_dict() == {
        "code": "error",
        "brief": "wrong",
        "hint": "do better",
        "where": {"file": "a.yaml", "line": 3, "column": 7},
    }


def test_recipe_errors_carry_every_problem() -> None:
    one = Problem(Where("a", 1, 1), "first", hint="h")
    two = Problem(Where("a", 2, 1), "second")
    assert RecipeError([one]).hint == "h"
    error = RecipeError([one, two])
    assert error.brief == "2 problems in recipe"
    told: Any = error.as_dict()
    assert [p["message"] for p in told["problems"]] == ["first", "second"]


def test_codes_are_unique() -> None:
    def tree(kind: type[SlipwayError]) -> list[type[SlipwayError]]:
        return [
            kind,
            *(x for sub in kind.__subclasses__() if sub.__module__ == "slipway.errors" for x in tree(sub)),
        ]

    codes = [kind.code for kind in tree(SlipwayError)]
    assert len(codes) == len(set(codes))


def test_steps_report_begin_progress_and_end() -> None:
    seen: list[Event] = []
    reporter = Reporter(seen.append)
    with reporter.step("work", total=2) as step:
        step.advance()
        step.advance()
    reporter.warn("careful")
    began, first, second, ended, note = seen
    assert isinstance(began, StepBegan)
    assert (began.name, began.total) == ("work", 2)
    assert isinstance(first, StepMoved)
    assert isinstance(second, StepMoved)
    assert (first.done, second.done) == (1, 2)
    assert isinstance(ended, StepEnded)
    assert ended.ok
    assert note == Note("careful", "warning")


def test_a_failing_step_ends_not_ok() -> None:
    seen: list[Event] = []
    with pytest.raises(ValueError, match="x"), Reporter(seen.append).step("work"):
        raise ValueError("x")
    assert isinstance(seen[-1], StepEnded)
    assert not seen[-1].ok


def test_events_come_one_at_a_time() -> None:
    inside = 0

    def sink(_: Event) -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        inside -= 1

    with Reporter(sink).step("work", total=800) as step:

        def work() -> None:
            for _ in range(100):
                step.advance()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert step.done == 800


def test_settings_come_from_defaults_file_and_environment(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert settings.load(home).store == tmp_path / ".local/share/slipway/store"
    assert settings.load(home).compression == "gzip"
    config = tmp_path / ".config/slipway/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('compression = "zstd"\nworkers = 3\nstore = "~/images"\n')
    got = settings.load({**home, "SLIPWAY_WORKERS": "5"})
    assert (got.compression, got.workers, got.threads) == ("zstd", 5, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "unknown setting 'colour'"),
        ("workers = 'many'", "'many' is not a valid int"),
        ("workers = -1", "must not be negative"),
        ("compression = 'lzma'", "gzip or zstd"),
        ("workers = ", "not valid TOML"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "slipway/config.toml"
    config.parent.mkdir()
    config.write_text(text)
    with pytest.raises(UsageError, match=message):
        settings.load({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})


def test_atomic_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with pytest.raises(ValueError, match="stop"), atomic(path) as file:
        file.write(b"half")
        raise ValueError("stop")
    assert list(path.parent.iterdir()) == []
    with atomic(path, mode=0o600) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_told_as_such() -> None:
    with pytest.raises(StoreError, match="no space left") as caught, disk(Path("/x")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "store gc" in caught.value.hint


def test_damaged_json_counts_as_absent(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_json(path) is None
    write_json(path, {"ä": 1})
    assert json.loads(path.read_text()) == read_json(path) == {"ä": 1}
    path.write_bytes(b'{"a": ')
    assert read_json(path) is None


def test_programs_run_without_a_shell() -> None:
    assert run(["printf", "%s", "$HOME; true"]).stdout == b"$HOME; true"
    assert run(["cat"], stdin=b"in").stdout == b"in"
    assert run(["sh", "-c", "exit 3"], ok=(0, 3)).returncode == 3


def test_failing_programs_are_told_with_their_last_words() -> None:
    with pytest.raises(ToolError, match="sh failed with status 4") as caught:
        run(["sh", "-c", "echo why >&2; exit 4"])
    assert caught.value.details == "why"
    with pytest.raises(ToolError, match="sleep did not finish"):
        run(["sleep", "9"], timeout=0.05)
    with pytest.raises(ToolError, match="no-such-program is not installed"):
        run(["no-such-program"])
    with pytest.raises(ToolError) as missing:
        find("no-such-program", purpose="the moon")
    assert missing.value.details == "It is needed for the moon."


def test_a_closed_reporter_is_silent() -> None:
    heard: list[object] = []
    reporter = Reporter(heard.append)
    step = reporter.step("work")
    reporter.note("first")
    reporter.close()
    with step:
        reporter.note("second")
        step.advance()
    assert len(heard) == 1
