"""Files that a policy names: read while the policy is, so that what is wrong in any of them is told in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from slipway.errors import PolicyError, SlipwayError, WrittenError
from slipway.recipe import checks
from slipway.recipe.kinds import Refused, Report, Reported, convert, text
from slipway.recipe.nodes import Map
from slipway.recipe.shapes import listing
from slipway.recipe.source import Source, quote
from slipway.recipe.textfile import read_text
from slipway.scan.policy.waiverkeys import WAIVER_FILE

if TYPE_CHECKING:
    from slipway.recipe.kinds import Kind
    from slipway.recipe.nodes import Node
    from slipway.scan.policy.model import Statement
    from slipway.scan.policy.waiverkeys import Given

T = TypeVar("T")


def content(kind: Kind[T], report: Report) -> T | None:
    """The value of the one document of `report.source`; None, with the problems reported, when it is wrong.

    Nothing is taken from the environment: the same policy is the same everywhere.
    """
    from slipway.recipe.yamlnodes import parse

    before = len(report.problems)
    root = parse(report.source, report.problems, None, "policy")
    if len(report.problems) > before:
        return None
    return report.attempt(kind, root or Map((), 0, 1))


def _path(value: str) -> str:
    if not value or checks.has_control(value):
        raise Refused(f"{quote(value)} is not the path of a file")
    return value


def _waivers(name: str, _node: Node, report: Report) -> tuple[Given, ...]:
    path = report.directory / name
    try:
        source = Source(str(path), read_text(path, PolicyError, "waivers").removeprefix("\ufeff"))
    except WrittenError as error:
        report.problems += error.problems
        raise Reported from error
    except SlipwayError as error:
        raise Refused(f"{quote(name)}: {error.brief}") from error
    report.sources[source.name] = source
    values: dict[str, Any] | None = content(WAIVER_FILE, Report(source, path.parent, report.problems, {}))
    if values is None:
        raise Reported
    found: tuple[Given, ...] = values["waivers"]
    return found


def _statements(name: str, _node: Node, report: Report) -> tuple[Statement, ...]:
    from slipway.scan.policy import vex

    try:
        return vex.read(report.directory / name)
    except SlipwayError as error:
        raise Refused(f"{quote(name)}: {error.brief}", error.hint) from error


_PATH: Final = text("the path of a file", _path, limit=4096)
WAIVER_FILES: Final = listing(convert(_PATH, _waivers), "a list of files")
VEX_FILES: Final = listing(convert(_PATH, _statements), "a list of files")
