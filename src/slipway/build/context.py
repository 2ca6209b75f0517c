"""The build context, for people to look at: what went into an image, as a directory.

DIR/image.yaml             the recipe as it was read, without secrets
DIR/PLATFORM/debian.json   the Debian packages chosen, with versions, addresses and hashes
DIR/PLATFORM/pylock.toml   the Python distributions chosen (PEP 751)
DIR/PLATFORM/workspace/    the files and repositories of the recipe as they are in the image's workspace
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.build import workspace
from slipway.build.installation.masks import masked_yaml
from slipway.files import atomic
from slipway.inputs.pinned import file_fragment
from slipway.inputs.repository import repository_fragment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.build.resolve import Inputs
    from slipway.oci.fragment import FragmentCache


@contextmanager
def context_directory(path: Path | None, *, keep: bool) -> Iterator[tuple[Path | None, bool]]:
    """Where to lay out the context, if at all, and whether it stays afterwards.

    `path` stays when it exists already, a new one only with `keep`; with `keep` alone a directory is made in the working
    directory.
    """
    if path is None and not keep:
        yield None, False
        return
    if path is None:
        import tempfile

        path = Path(tempfile.mkdtemp(prefix="slipway-context-", dir=Path.cwd()))
        kept = True
    else:
        kept = keep or path.exists()
    try:
        yield path, kept
    finally:
        if not kept:
            import shutil

            shutil.rmtree(path, ignore_errors=True)


def write_context(inputs: Inputs, cache: FragmentCache, directory: Path) -> None:
    """Write the context of one platform below `directory`; what is there already is replaced file by file."""
    _write(directory / "image.yaml", masked_yaml(inputs.recipe.text).encode())
    place = directory / str(inputs.platform).replace("/", "-")
    if inputs.debian is not None:
        _write(place / "debian.json", json.dumps(inputs.debian.as_dict(), indent=2).encode())
    if inputs.python is not None:
        _write(place / "pylock.toml", inputs.python.pylock.encode())
    tree = place / "workspace"
    tree.mkdir(parents=True, exist_ok=True)
    if config := workspace.public_pip_config(inputs.recipe):
        _write(tree / "pip.conf", config.encode())
    # an empty prefix leaves paths relative to the workspace; names were checked when the fragments were made
    fragments = [file_fragment(cache, pinned, "") for pinned in inputs.files]
    fragments += [repository_fragment(cache, repository, "") for repository in inputs.repositories]
    for fragment in fragments:
        for entry, content in fragment.members():
            target = tree / entry.path
            if entry.kind == "symlink":
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.symlink_to(entry.target)
            else:
                _write(target, content, mode=entry.mode)


def _write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    with atomic(path, mode=mode) as file:
        file.write(content)
