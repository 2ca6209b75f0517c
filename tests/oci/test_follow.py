from __future__ import annotations

import os
from pathlib import Path

import pytest

from slipway.oci.entry import Entry
from slipway.oci.follow import follow

LINKS = {
    "bin": "usr/bin",
    "usr/bin/python3": "python3.11",
    "usr/bin/pager": "/etc/alternatives/pager",
    "etc/alternatives/pager": "../../usr/bin/less",
    "opt/tool": "/usr/share/../lib/tool/",
    "usr/bin/up": "../../../../../../usr/bin/less",
    "usr/bin/gone": "nowhere",
    "usr/bin/loop": "pool",
    "usr/bin/pool": "loop",
    "usr/bin/own": ".",
}
FILES = ("usr/bin/python3.11", "usr/bin/less", "usr/lib/tool/run")
PATHS = {
    **{p: Entry(p, "symlink", target=t) for p, t in LINKS.items()},
    **{p: Entry(p) for p in FILES},
    **{p: Entry(p, "dir") for p in ("usr", "usr/bin", "usr/lib", "usr/lib/tool", "usr/share", "etc", "opt")},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("usr/bin/python3", "usr/bin/python3.11"),
        ("/bin/python3", "usr/bin/python3.11"),
        ("bin/pager", "usr/bin/less"),
        ("opt/tool/run", "usr/lib/tool/run"),
        ("bin/up", "usr/bin/less"),
        ("bin/own/less", "usr/bin/less"),
        ("bin/gone", ""),
        ("bin/loop", ""),
        ("bin/absent", ""),
        ("usr/bin", "usr/bin"),
    ],
)
def test_links_are_followed(path: str, found: str) -> None:
    assert follow(PATHS, path) == found


def test_the_kernel_agrees(tmp_path: Path) -> None:
    """As far as relative links go, which need no other root."""
    root = tmp_path.resolve()
    for path in FILES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    relative = {p: t for p, t in LINKS.items() if not t.startswith("/") and p != "usr/bin/up"}
    for path, target in relative.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    for path in (*relative, "bin/python3", "bin/own/own/less"):
        try:
            real = os.path.relpath((root / path).resolve(strict=True), root)
        except (OSError, RuntimeError):
            real = ""
        assert follow(PATHS, path) == real, path
