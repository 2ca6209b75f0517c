"""How an image starts what it runs, as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.values import value

if TYPE_CHECKING:
    from slipway.distro.model import Deb

FOLDER = "installation"  # of the workspace
ENTRYPOINT = f"{FOLDER}/entrypoint.sh"


@value
class Init:
    """The image starts with the entrypoint of its workspace, under the init at `path` (absolute; empty: under none).

    `deb` is the Debian package that it is taken from where it comes neither with the base image nor with the Debian packages.
    """

    path: str
    deb: Deb | None = None
