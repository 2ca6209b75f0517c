from __future__ import annotations

import io
import json
import sys
import time
from typing import TYPE_CHECKING

import pytest

from slipway.cli import sinks
from slipway.cli.face import Face
from slipway.events import Reporter
from tests.cli.conftest import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

WORK = """
import sys, time, threading
from slipway.cli.face import Face
with Face(verbose="-v" in sys.argv).reporter() as reporter:
    with reporter.step("resolve") as step:
        step.detail = "84 packages"
        time.sleep(0.15)
    with reporter.step("download", total=4_000_000, unit="bytes") as step:
        for _ in range(40):
            step.advance(100_000)
            time.sleep(0.03)
        reporter.warn("careful \\x1b[31m")
    with reporter.step("quick"):
        pass
"""


def lines(work: Callable[[Reporter], None], *, verbose: bool = False, quiet: bool = False) -> list[str]:
    stream = io.StringIO()
    reporter = Reporter(sinks.LineSink(stream, verbose=verbose, quiet=quiet))
    work(reporter)
    return stream.getvalue().splitlines()


def some_work(reporter: Reporter) -> None:
    with reporter.step("resolve") as step:
        step.detail = "84 packages"
    reporter.note("added python3")
    reporter.warn("careful")
    reporter.log("a detail")


def test_lines_tell_begin_end_and_seconds():
    assert lines(some_work) == [
        "resolve …",
        "ok resolve: 84 packages  0.00 s",
        "added python3",
        "warning: careful",
    ]


def test_verbose_lines_have_details_and_quiet_ones_only_warnings():
    assert "  a detail" in lines(some_work, verbose=True)
    assert lines(some_work, quiet=True) == ["warning: careful"]


def test_a_failed_step_says_so():
    def work(reporter: Reporter) -> None:
        with pytest.raises(ValueError, match="no"), reporter.step("convert", "3 wheels"):
            raise ValueError("no")

    assert lines(work)[-1].startswith("failed convert: 3 wheels")


def test_long_steps_report_now_and_then(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def work(reporter: Reporter) -> None:
        with reporter.step("download", total=100_000, unit="bytes") as step:
            for _ in range(100):
                now[0] += 0.2
                step.advance(1000)

    progress = [line for line in lines(work) if line.startswith("download: ")]
    assert len(progress) in (3, 4)
    assert progress[0] == "download: 25.0 kB of 100 kB (25 %)"


def test_json_lines_are_the_events(capsys):
    some_work(Reporter(sinks.JsonSink()))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["type"] for e in events] == ["step-began", "step-ended", "note", "note", "log"]
    assert events[1] == {
        "type": "step-ended",
        "id": 1,
        "name": "resolve",
        "seconds": 0.0,
        "ok": True,
        "detail": "84 packages",
    }


def test_json_progress_is_thinned_out(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Reporter(sinks.JsonSink()).step("download", total=1000) as step:
        for _ in range(1000):
            now[0] += 0.01
            step.advance()
    moved = [e for e in map(json.loads, capsys.readouterr().out.splitlines()) if e["type"] == "step-moved"]
    assert 15 <= len(moved) <= 20


def test_without_a_terminal_the_sink_writes_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with sinks.open_sink(Face()) as sink:
        assert isinstance(sink, sinks.LineSink)


def test_a_terminal_shows_bars_and_keeps_lines(home):
    status, shown = on_terminal([sys.executable, "-c", WORK])
    assert status == 0
    assert "━" in shown
    assert "of 4.0 MB" in shown
    assert "resolve: 84 packages" in shown
    assert "\x1b[?25h" in shown.split("download")[-1]  # the cursor is back
    assert "✓\x1b[0m quick" not in shown  # too short to leave a line
    assert "careful �[31m" in shown


def test_no_color_has_bars_without_colours(home, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    _, shown = on_terminal([sys.executable, "-c", WORK])
    assert "━" in shown
    assert "\x1b[3" not in shown


def test_a_dumb_terminal_gets_plain_lines(home, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    _, shown = on_terminal([sys.executable, "-c", WORK])
    assert "\x1b" not in shown
    assert "download …" in shown


def test_work_that_is_done_at_once_draws_no_bars(home):
    quick = "from slipway.cli.face import Face\nimport sys\n"
    quick += "with Face().reporter() as r, r.step('quick'): pass\nprint('rich' in sys.modules)"
    _, shown = on_terminal([sys.executable, "-c", quick])
    assert shown.strip() == "False"
