"""`cmds`: Dockerfile text that is carried out before and after the Python packages are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.recipe.dockerfile import instructions
from slipway.recipe.kinds import ANY_LENGTH, Field, Kind, convert, text
from slipway.recipe.nodes import Node, Scalar
from slipway.recipe.places import Places
from slipway.recipe.records import record

if TYPE_CHECKING:
    from slipway.errors import Where
    from slipway.recipe.kinds import Report
    from slipway.recipe.model import Instruction


class Commands(NamedTuple):
    pre: tuple[Instruction, ...] = ()
    post: tuple[Instruction, ...] = ()


def _instructions(value: str, node: Node, report: Report) -> tuple[Instruction, ...]:
    scalar = node if isinstance(node, Scalar) else Scalar(value, "str", node.at)
    places = Places(report.source.text, scalar)

    def where(index: int) -> Where:
        return report.source.where(places.at(index))

    def refuse(index: int, message: str, hint: str) -> None:
        report.add(scalar._replace(at=places.at(index)), message, hint)

    with report.complete():
        return instructions(value, where, refuse)


_DOCKERFILE = convert(text("Dockerfile instructions", str, limit=ANY_LENGTH), _instructions)

_RECORD = record(
    "a mapping with the keys `pre` and `post`",
    (
        Field(
            "pre",
            _DOCKERFILE,
            "Instructions before the Python packages are there: RUN, ENV, COPY, ADD, USER, WORKDIR, LABEL, EXPOSE, ARG, "
            "CMD, ENTRYPOINT, VOLUME, SHELL.",
            "RUN useradd tester",
            "none",
        ),
        Field("post", _DOCKERFILE, "The same, after they are there.", "RUN pyats version check", "none"),
    ),
)


def _commands(values: dict[str, Any], _node: Node, _report: Report) -> Commands:
    return Commands(**values)


CMDS: Kind[Commands] = convert(_RECORD, _commands)
