"""`slipway scan ecr`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from slipway.cli.face import says
from slipway.cli.lazy import Command
from slipway.cli.scan import scan

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway scan ecr tike:unscanned-latest --format stsci
slipway scan ecr tike roman --role-arn arn:aws:iam::123456789012:role/admin --policy policy.yaml
slipway scan ecr 123456789012.dkr.ecr.us-east-1.amazonaws.com/tike:1 --image docker:tike:1
slipway scan ecr --from-file findings.json --release jammy --fail-on high
"""
# Options of `slipway scan` that mean the same here.
_SHARED: Final = (
    "form",
    "outputs",
    "everything",
    "least",
    "policy",
    "level",
    "ignore_unfixed",
    "vex",
    "approved",
    "no_history",
)
_LACKING: Final[dict[str, Any]] = {"imports": (), "tool": None, "update": False, "platform": ""}


def _shared(command: click.Command) -> click.Command:
    command.params += [param for param in scan.params if param.name in _SHARED]
    return command


@says()
@_shared
@click.command(cls=Command, examples=EXAMPLES)
@click.argument("images", metavar="[REPOSITORY[:TAG|@DIGEST]]...", nargs=-1)
@click.option(
    "--from-file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read what `aws ecr describe-image-scan-findings` printed, all pages of it.",
)
@click.option(
    "--image", default="", help="The same image where it can be read: for its packages and its release."
)
@click.option(
    "--release", default="", metavar="ID-VERSION|CODENAME", help="The release, if the image does not tell it."
)
@click.option("--region", default="", help="The region; without it, that of AWS's own settings.")
@click.option("--registry-id", default="", metavar="ACCOUNT", help="The registry of another account.")
@click.option(
    "--role-arn", default="", metavar="ARN", help="Take on this role; without it, the setting aws_role."
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a scan that is under way.",
)
@click.pass_obj
def ecr(
    face: Face,
    /,
    *,
    images: tuple[str, ...],
    files: tuple[Path, ...],
    image: str,
    release: str,
    region: str,
    registry_id: str,
    role_arn: str,
    wait: float,
    **options: Any,
) -> int:
    """Read what Amazon's registry found in images, and judge it.

    Both its basic and its enhanced scanning are read, to the last page. The distribution's status of each finding comes from
    the advisories on this machine: of that package, in the release that the image is of. A tag `unscanned-X` that is gone is
    looked for as `X`.

    The exit status is that of `slipway scan`; a scan that failed, or is not done when the wait ends, is not complete. boto3 is
    needed (`pip install "slipway[aws]"`) but for --from-file, and finds the keys where it always does.
    """
    from slipway.cli.scan_images import Asked, deliver
    from slipway.scan.adapters.ecrimages import Question, scan_ecr
    from slipway.scan.adapters.ecrrelease import release as meant
    from slipway.scan.adapters.ecrtarget import target
    from slipway.scan.model import System

    if not (images or files):
        raise click.UsageError("name an image in ECR, or give --from-file", click.get_current_context())
    targets = tuple(target(text) for text in images)
    question = Question(
        tuple(replace(t, registry=t.registry or registry_id) for t in targets),
        files,
        image,
        meant(release) if release else System(),
        region,
        role_arn,
        wait,
    )
    return deliver(
        face,
        Asked(**options, **_LACKING),
        len(images) + len(files),
        lambda wanted, settings, reporter, now: scan_ecr(question, wanted, settings, reporter, now=now),
    )
