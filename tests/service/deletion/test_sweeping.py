from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from slipway.errors import StoreError
from slipway.service.deletion.sweeping import Sweeper

if TYPE_CHECKING:
    import pytest


def test_it_goes_on_after_a_failure_and_says_what_it_removed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    calls: list[int] = []
    enough = threading.Event()

    def work() -> dict[str, int]:
        calls.append(len(calls))
        if len(calls) == 1:
            raise StoreError("the database does not answer")
        if len(calls) == 4:
            enough.set()
        return {"records": 0, "uploads": 3 if len(calls) == 2 else 0}

    sweeper = Sweeper(work, 0.01)
    assert enough.wait(10)
    sweeper.close()
    count = len(calls)
    time.sleep(0.05)
    assert len(calls) == count
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("WARNING", "what is kept no longer was not removed: the database does not answer"),
        ("INFO", "removed what is kept no longer (uploads: 3)"),
    ]


def test_a_sweep_that_hangs_holds_nobody_up() -> None:
    begun, go = threading.Event(), threading.Event()

    def work() -> dict[str, int]:
        begun.set()
        go.wait(20)
        return {}

    sweeper = Sweeper(work, 0.001)
    assert begun.wait(10)
    before = time.monotonic()
    sweeper.close(grace=0.05)
    assert time.monotonic() - before < 5
    go.set()
