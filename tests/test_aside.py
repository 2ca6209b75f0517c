"""Work that goes on aside."""

from __future__ import annotations

import threading

import pytest

from slipway.aside import aside


def test_gives_the_result_as_often_as_asked() -> None:
    wait = aside(lambda: 42)
    assert wait() == 42
    assert wait() == 42


def test_goes_on_meanwhile() -> None:
    here = threading.Event()
    wait = aside(lambda: here.wait(10))
    here.set()
    assert wait()


def test_raises_the_error_where_it_is_waited_for() -> None:
    def fail() -> int:
        raise KeyError("canary")

    wait = aside(fail)
    for _ in range(2):
        with pytest.raises(KeyError, match="canary"):
            wait()
