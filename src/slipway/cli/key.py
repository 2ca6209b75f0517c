"""`slipway key`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.lazy import Group
from slipway.cli.remote import KEY, add_verbs, command, connected
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway key create crew ~/.ssh/id_ed25519.pub
slipway key list
slipway key rm crew
"""
MOST = 1 << 16  # bytes of a public key


@click.group(cls=Group, examples=EXAMPLES)
def key() -> None:
    """Public keys on the service, for those who log in to jobs."""


@command("create", "Store a public key on the service.", "slipway key create crew ~/.ssh/id_ed25519.pub")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def create(face: Face, *, name: str, file: Path) -> None:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST + 1).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{file} cannot be read as a public key: {reason}") from error
    if "PRIVATE KEY" in content:
        raise UsageError(f"{file} is a private key", hint=f"the public one is most often {file}.pub")
    if not content or len(content) > MOST:
        raise UsageError(f"{file} is not a public key")
    with connected(face) as client:
        made = client.keys.create(name, content)
    face.result({"key": made}, lambda: made["id"])


key.add_command(create)
add_verbs(key, KEY)
