"""Logs of the service: one JSON object a line, without secrets, written by a thread so that no reader of them can hold up requests."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")

_MOST: Final = 20_000  # lines that wait; what comes beyond is counted, not kept
_TOGETHER: Final = 0.02  # seconds in which lines gather for one write
_LONGEST: Final = 10_000  # characters of one text
# What these say in detail holds keys and signed addresses, whatever level is asked for.
_TALKATIVE: Final = (
    "alembic",
    "asyncio",
    "boto3",
    "botocore",
    "dbos",
    "httpcore2",
    "httpx2",
    "s3transfer",
    "sqlalchemy",
    "urllib3",
    "uvicorn",
)
_SECRETS: Final = (
    (pattern(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 ***"),
    (pattern(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "***"),
    (pattern(r"\b((?:ssh|ecdsa|sk)-[\w@.-]+)\s+AAAA[\w+/=]+"), r"\1 ***"),
    (pattern(r"([a-zA-Z][\w+.-]*://)[^\s/@]+@"), r"\1***@"),
    (pattern(r"(/[^\s?\"'<>]*)\?[^\s\"'<>]+"), r"\1?***"),
    (
        pattern(
            r"(?i)\b([\w-]*(?:signature|secret|password|token|credential|access_?key)[\w-]*\s*[=:]\s*)[^\s&,;]+"
        ),
        r"\1***",
    ),
)


def redacted(text: str) -> str:
    """The text without tokens, keys, passwords and the queries of addresses."""
    text = text[:_LONGEST]
    for found, instead in _SECRETS:
        text = found.sub(instead, text)
    return text


class JsonFormatter(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `message`, `request_id`, what a record's `fields` has, and `trace` of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        if fields is not None:  # our own lines: what goes into them was chosen where they are made
            line |= {"message": record.msg, **fields}
        else:
            line["message"] = redacted(record.getMessage())
            if found := REQUEST_ID.get():
                line["request_id"] = found
        if record.exc_info:
            line["trace"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, separators=(",", ":"), default=str)


class Sink(logging.Handler):
    """Formats where a line is made, writes in a thread of its own; `close` waits until all is written."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self._stream = stream
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lost = 0
        self._open = True
        self._thread = threading.Thread(target=self._write, name="logs", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if self._lines.qsize() >= _MOST:
            self._lost += 1
            return
        try:
            self._lines.put(self.format(record))
        except Exception:  # noqa: BLE001 - as logging does it: a line that cannot be formatted is no reason to fail
            self.handleError(record)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._lines.put(None)
            self._thread.join(5)  # who reads may have stopped for good
        super().close()

    def _write(self) -> None:
        last = False
        while not last:
            lines = [self._lines.get()]
            if lines[0] is not None:
                time.sleep(_TOGETHER)
            with suppress(queue.Empty):
                while True:
                    lines.append(self._lines.get_nowait())
            last = lines[-1] is None
            text = [line for line in lines if line is not None]
            if self._lost:
                text.append(
                    json.dumps(
                        {"level": "warning", "logger": __name__, "message": f"{self._lost} lines were lost"}
                    )
                )
                self._lost = 0
            with suppress(OSError, ValueError):  # nobody reads any more
                self._stream.write("".join(f"{line}\n" for line in text))
                self._stream.flush()


@contextmanager
def logging_to(stream: TextIO, level: str) -> Iterator[None]:
    """While the block runs, all that is logged in this process goes there."""
    root = logging.getLogger()
    before, handlers = root.level, root.handlers[:]
    sink = Sink(stream)
    root.handlers[:] = [sink]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
        sink.close()
