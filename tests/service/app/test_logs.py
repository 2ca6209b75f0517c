from __future__ import annotations

import io
import json
import logging
import threading
from typing import Any

import pytest

from slipway.service import logs
from slipway.service.logs import logging_to, redacted


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-1", "abc.def"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln here", "c2ln"),
        ("GET http://s3/boot-images/k?X-Amz-Signature=0123abc&x=1 failed", "0123abc"),
        ("GET /artifacts/b/k?expires=1&signature=0123abc HTTP/1.1", "0123abc"),
        ("ssh-rsa AAAAB3NzaC1yc2E/x= me@here", "B3NzaC1yc2E"),
        ("ecdsa-sha2-nistp256 AAAAE2VjZHNh me", "E2VjZHNh"),
        ("postgresql://slipway:hush@db/slipway", "hush"),
        ("secret_key = hush", "hush"),
        ("aws_access_key_id=AKIAXYZ", "AKIAXYZ"),
        ("password: hush", "hush"),
    ],
)
def test_secrets_do_not_come_through(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redacted(text)


@pytest.mark.parametrize("text", ["the image is /v3/images/1234", "what? why?", "the token is too long"])
def test_the_rest_does(text: str) -> None:
    assert redacted(text) == text


def lines(level: str = "info") -> tuple[Any, io.StringIO]:
    stream = io.StringIO()
    return logging_to(stream, level), stream


def test_lines_are_json_whatever_is_in_them() -> None:
    context, stream = lines()
    with context:
        logging.getLogger("x").warning("a\nb \x1b[31m %s", {"k": object})
        logging.getLogger("x").debug("not asked for")
        logging.getLogger("botocore.auth").info("string to sign")
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["message"].startswith("a\nb")
    assert "\x1b" not in line


def test_logging_is_as_before_afterwards() -> None:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    with lines("debug")[0]:
        assert root.level == logging.DEBUG
    assert (root.level, root.handlers) == before


def test_a_reader_that_stops_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            go.wait(10)
            return super().write(text)

    monkeypatch.setattr(logs, "_MOST", 100)
    stream = Stuck()
    with logging_to(stream, "info"):
        for number in range(1000):
            logging.getLogger("x").info("line %d", number)
        go.set()
    assert "lines were lost" in stream.getvalue()
