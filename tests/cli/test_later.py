"""Modules that are loaded when they are touched."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from slipway.cli.later import cleandoc


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_run_of_the_command_does_not_load_them() -> None:
    code = (
        "import sys; from slipway.cli import main; main.run(['--store', '/nowhere', 'image', 'ls'])\n"
        "print([n for n in ('inspect', 'ipaddress') if '__file__' in vars(sys.modules.get(n, sys))])"
    )
    assert python(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("use", "answer"),
    [
        ("import inspect; print(inspect.isclass(int))", "True"),
        ("import ipaddress as i; print(i.ip_address('::1').is_loopback)", "True"),
        ("import urllib.parse as u; print(u.urlsplit('http://[::1]:5/x').port)", "5"),
        (
            "import inspect, sys; inspect.signature; print(sys.modules['inspect'].__file__[-10:])",
            "inspect.py",
        ),
        ("import inspect; print(hasattr(inspect, 'nonsense'))", "False"),
    ],
)
def test_they_are_there_when_they_are_used(use: str, answer: str) -> None:
    assert python(f"import slipway.cli\n{use}") == answer


@pytest.mark.parametrize(
    "doc", ["", "a", "  a", "\n  a\n    b\n\n  c\n\n", "a\n\tb\n\t\tc", "  \n \n", " a\n  b\nc  "]
)
def test_documentation_is_cleaned_as_usual(doc: str) -> None:
    assert cleandoc(doc) == inspect.cleandoc(doc)


def test_many_threads_may_touch_one_at_once() -> None:
    code = (
        "import slipway.cli, inspect\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(16) as pool:\n"
        "    print(len(set(pool.map(lambda _: inspect.unwrap(len), range(200)))))"
    )
    assert python(code) == "1"


def test_what_is_loaded_already_stays() -> None:
    assert (
        python(
            "import inspect\nbefore = inspect\nimport slipway.cli, sys\nprint(sys.modules['inspect'] is before)"
        )
        == "True"
    )
