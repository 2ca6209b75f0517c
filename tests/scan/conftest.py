"""A Debian as it was at its release, made once whatever the number of workers."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from slipway.distro.mirror import find_mirror
from slipway.settings import load
from tests import shared

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGES = "git,libxml2,python3,python3-six,python3-yaml,ca-certificates"


@pytest.fixture(scope="session")
def bookworm_root() -> Path:
    """Made by mmdebstrap from the main suite alone, with Python distributions that dpkg owns. Only to be read."""
    if not shutil.which("mmdebstrap") or os.geteuid() != 0:
        pytest.skip("needs mmdebstrap as root")
    with shared.alone("bookworm") as place:
        root = place / "root"
        if not root.exists():
            shutil.rmtree(place / "new", ignore_errors=True)
            argv = ["mmdebstrap", "--quiet", "--mode=root", "--variant=apt", f"--include={_PACKAGES}"]
            argv += ["--dpkgopt=force-unsafe-io", "bookworm", str(place / "new"), find_mirror(load()).archive]
            made = subprocess.run(argv, check=False, capture_output=True)
            assert made.returncode == 0, made.stderr.decode()[-2000:]
            (place / "new").rename(root)
    return root
