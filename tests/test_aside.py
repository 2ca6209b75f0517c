"""Work that goes on aside."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from slipway.aside import aside, beside


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


def test_ends_with_the_block() -> None:
    done = threading.Event()

    def work() -> None:
        time.sleep(0.05)
        done.set()

    with beside(work, pytest.fail):
        pass
    assert done.is_set()


def test_an_error_of_the_block_ends_it() -> None:
    end = threading.Event()
    with pytest.raises(KeyError), beside(lambda: end.wait(10), end.set) as wait:
        raise KeyError
    assert wait()


def test_its_own_error_is_raised_only_where_it_is_waited_for() -> None:
    def fail() -> int:
        raise KeyError("canary")

    with beside(fail, threading.Event().set):
        pass
    with pytest.raises(KeyError, match="canary"), beside(fail, threading.Event().set) as wait:
        wait()


def test_an_interrupt_ends_it_too() -> None:
    end, done = threading.Event(), threading.Event()

    def work() -> None:
        end.wait(10)
        time.sleep(0.2)
        done.set()

    threading.Timer(0.1, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), beside(work, end.set) as wait:
        wait()
    assert done.is_set()
