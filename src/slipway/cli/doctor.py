"""`slipway doctor`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from slipway.cli.face import Face, says
from slipway.cli.lazy import Command
from slipway.cli.text import Paint, columns, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.doctor import Finding

EXAMPLES = """
slipway doctor
slipway doctor --online                  ask mirror and index whether they answer
slipway doctor --json                    for programs
"""
LACKING = 7  # the status of a program that is missing
_LOOKS = {"ok": ("✓", "ok", "green"), "limited": ("!", "!", "yellow"), "missing": ("✗", "x", "red")}
_SPARE = ("-", "-", "yellow")  # missing, but a plain build does without


@says(verbose=False)
@click.command(cls=Command, examples=EXAMPLES)
@click.option("--online", is_flag=True, help="Also see whether mirror and index can be reached.")
@click.pass_obj
def doctor(face: Face, *, online: bool) -> int:
    """Say what this machine offers and what is missing.

    For each missing thing it says what it would be needed for and how to get it. The exit status is 0 when a plain
    build can work, 7 when something that it needs is missing.
    """
    from slipway.doctor import can_build, examine

    findings = examine(face.settings(), online=online)
    able = can_build(findings)
    face.result(
        {"can_build": able, "checks": [f.as_dict() for f in findings]},
        lambda: _render(findings, able=able, paint=Paint(sys.stdout)),
    )
    return 0 if able else LACKING


def _render(findings: Sequence[Finding], *, able: bool, paint: Paint) -> str:
    rows = []
    for finding in findings:
        spare = finding.status == "missing" and not finding.essential
        fancy, plain, colour = _SPARE if spare else _LOOKS[finding.status]
        rows.append((paint(paint.sign(fancy, plain), colour), finding.name, printable(finding.detail)))
    lines = []
    for finding, row in zip(findings, columns(rows), strict=True):
        lines.append(row)
        if finding.remedy:
            lines.append(paint(f"     needed for {finding.needed_for}; {finding.remedy}", "dim"))
    verdict = "images can be built here" if able else "images cannot be built here yet"
    return "\n".join([*lines, "", paint(verdict, "bold")])
