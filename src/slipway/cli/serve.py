"""`slipway serve`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.face import says
from slipway.cli.lazy import Command
from slipway.cli.serviceoptions import options_for, service_settings

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway serve                                        on http://127.0.0.1:9000, everything below ~/.local/share/slipway/service
slipway serve --data /srv/slipway --port 9000
slipway serve --database postgresql://slipway@db/slipway --artifacts s3 --s3-endpoint https://s3.example.org
slipway serve --host 0.0.0.0 --issuer https://sso.example.org/realms/site --audience slipway
"""


@says(verbose=False)
@options_for()
@click.command(cls=Command, examples=EXAMPLES)
@click.pass_obj
def serve(face: Face, /, **given: Any) -> None:
    """Serve recipes, images, artifacts and keys over HTTP.

    Until it is told to stop (SIGTERM, Ctrl-C): then requests are finished, and what is being moved goes on at the next start.
    Logs go to standard error, a JSON object a line. Each option is also a variable (--s3-endpoint: SLIPWAY_SERVICE_S3_ENDPOINT)
    or a line in the table [service] of ~/.config/slipway/config.toml; passwords and keys are only that.
    """
    from slipway.service.opening import check_installed

    check_installed()
    from slipway.service.serve import run

    settings, ignored = service_settings(given)

    def said(address: str) -> None:
        face.result({"address": address}, lambda: f"serving on {address}")
        sys.stdout.flush()

    run(settings, face.settings(), said, ignored)
