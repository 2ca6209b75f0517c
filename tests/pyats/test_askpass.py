from __future__ import annotations

import subprocess
import sys

import pytest

from slipway.pyats.askpass import main

LOGIN = {"GIT_USERNAME": "crew", "GIT_PASSWORD": "canary"}


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("Username for 'https://example.org': ", "crew\n"),
        ("Password for 'https://crew@example.org': ", "canary\n"),
        ("git@example.org's password: ", "canary\n"),
        ("Are you sure you want to continue connecting (yes/no)? ", ""),
        ("Enter passphrase for key '/id': ", ""),
        ("", ""),
    ],
)
def test_answers(prompt: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([prompt], LOGIN) == (0 if said else 1)
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("Username for 'https://example.org:8443': ", True),
        ("Password for 'https://a%40b@Example.org:8443': ", True),
        ('Password for "https://crew@example.org:8443/x.git/info/lfs"', True),
        ("Username for 'https://example.org': ", False),
        ("Username for 'http://example.org:8443': ", False),
        ("Username for 'https://evil.org': ", False),
        ("Username for 'https://example.org:8443@evil.org': ", False),
        ("Username for 'https://example.org:8443.evil.org': ", False),
        ("Password: ", False),
    ],
)
def test_nobody_else_is_told(prompt: str, told: bool) -> None:
    server = {"GIT_ASKPASS_FOR": "https://example.org:8443"}
    assert main([prompt], LOGIN | server) == (0 if told else 1)


def test_without_words_or_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], LOGIN) == 1
    assert main(["Username: "], {}) == 1
    assert capsys.readouterr().out == ""


def test_as_a_program() -> None:
    argv = [sys.executable, "-m", "slipway.pyats.askpass", "Password for 'https://x': "]
    done = subprocess.run(argv, env=LOGIN, capture_output=True, check=True)
    assert done.stdout == b"canary\n"
