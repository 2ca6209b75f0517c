"""`slipway scan check-policy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.face import says
from slipway.cli.lazy import Command

if TYPE_CHECKING:
    from slipway.cli.face import Face
    from slipway.scan.policy.model import Policy


@says(verbose=False)
@click.command("check-policy", cls=Command, examples="slipway scan check-policy policy.yaml")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def check_policy(face: Face, *, file: Path) -> None:
    """Validate a policy with the files that it names, and say what it asks for.

    Every problem is shown at once, with its place. Waivers that have ended are told; they are no problem.
    """
    import time

    from slipway.scan.policy import words
    from slipway.scan.policy.api import load
    from slipway.scan.policy.standing import today

    policy = load(file)
    rules, waivers = words.rules(policy), words.waivers(policy, today(time.time()))
    data = {
        "file": str(file),
        "valid": True,
        "rules": rules,
        "waivers": waivers,
        "statements": len(policy.statements),
    }
    face.result(data, lambda: _text(file, policy, rules, waivers))


def _text(file: Path, policy: Policy, rules: tuple[str, ...], waivers: tuple[str, ...]) -> str:
    lines = [f"{file} is a valid policy", "", *(f"- {rule}" for rule in rules)]
    if waivers:
        lines += ["", "Waivers:", *(f"- {waiver}" for waiver in waivers)]
    if policy.statements:
        lines += ["", f"VEX statements: {len(policy.statements)}"]
    return "\n".join(lines)
