"""Commands of the image (`entrypoint`, `cmd`) and its health check, in the shapes of the image configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.recipe import checks
from slipway.recipe.kinds import ANY_LENGTH, Field, Kind, Refused, convert, text
from slipway.recipe.model import Healthcheck
from slipway.recipe.records import record
from slipway.recipe.shapes import by_shape, listing

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report
    from slipway.recipe.nodes import Node

WORDS = listing(text("text", str, loose=True, limit=ANY_LENGTH), "a list of texts")


def _line(value: str) -> str:
    if not value.strip():
        raise Refused("the command is empty", "write [] for none")
    return value


LINE = text("a command line for the shell", _line, limit=ANY_LENGTH)

COMMAND: Kind[tuple[str, ...]] = by_shape(
    convert(LINE, lambda line, _node, _report: ("/bin/sh", "-c", line)),
    WORDS,
)


def _test_words(words: tuple[str, ...], _node: Node, _report: Report) -> tuple[str, ...]:
    """As Docker has it: `NONE`, `CMD` and words, or `CMD-SHELL` and one line; bare words are taken as `CMD`."""
    kind = words[0] if words else ""
    if not kind:
        raise Refused("the command is empty", 'write "NONE" to switch the check of the base off')
    counts = {"NONE": len(words) == 1, "CMD": len(words) > 1, "CMD-SHELL": len(words) == 2}
    if not counts.get(kind, True):
        takes = {"NONE": "nothing", "CMD": "a command", "CMD-SHELL": "one line"}[kind]
        raise Refused(f"`{kind}` takes {takes} after it")
    return words if kind in counts else ("CMD", *words)


def _test_line(line: str, _node: Node, _report: Report) -> tuple[str, ...]:
    return ("NONE",) if line == "NONE" else ("CMD-SHELL", line)


_DURATION = text("a duration such as 30s", checks.duration, pattern=checks.DURATION, loose=True)
_TEST = by_shape(convert(LINE, _test_line), convert(WORDS, _test_words))

_HEALTHCHECK = record(
    "a mapping with the key `test`",
    (
        Field(
            "test",
            _TEST,
            "Command that succeeds while the container is well: a line for the shell, a list of words, or NONE.",
            "curl -f localhost:8888",
            required=True,
        ),
        Field("interval", _DURATION, "Time between two checks.", "30s", "30s"),
        Field("timeout", _DURATION, "Time after which a check has failed.", "5s", "30s"),
        Field(
            "start-period", _DURATION, "Time after the start in which failures do not count.", "1m30s", "0s"
        ),
        Field(
            "retries",
            text("a whole number", checks.retries, loose=True, schema={"type": ["integer", "string"]}),
            "Failures in a row after which the container is unhealthy.",
            3,
            "3",
        ),
    ),
)


def _healthcheck(values: dict[str, Any], _node: Node, _report: Report) -> Healthcheck:
    return Healthcheck(**{name.replace("-", "_"): value for name, value in values.items()})


HEALTHCHECK: Kind[Healthcheck] = convert(_HEALTHCHECK, _healthcheck)
