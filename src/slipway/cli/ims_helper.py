"""`slipway ims-helper`."""

from __future__ import annotations

import click

from slipway.cli.lazy import Command

EXAMPLES = """
slipway ims-helper image upload_artifacts compute -r image.squashfs -k vmlinuz -i initrd
slipway ims-helper image set_job_status 7b0c5a4e-3c1d-4d55-9f0a-0c1f2f6f3a11 success
slipway ims-helper image upload_artifacts --help
"""


@click.command(
    cls=Command,
    examples=EXAMPLES,
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="...")
def ims_helper(argv: tuple[str, ...]) -> int:
    """What `python -m ims_python_helper` does, with the same flags and output."""
    from slipway.client.ims_helper import main

    try:
        return main(argv)
    except SystemExit as leave:  # argparse has said what is wrong, or helped
        return leave.code if isinstance(leave.code, int) else 2
