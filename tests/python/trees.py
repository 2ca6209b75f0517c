"""Source trees with a build backend of their own, so that no index has to be asked for one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from slipway.inputs.pinned import PinnedFile
from slipway.oci.entry import Entry
from slipway.python.places import on_machine

BACKEND = """
import os, zipfile
NAME, VERSION, REQUIRES, TAG = {name!r}, {version!r}, {requires!r}, {tag!r}
INFO = f"{{NAME}}-{{VERSION}}.dist-info"
def _metadata():
    head = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
    return head + "".join(f"Requires-Dist: {{r}}\\n" for r in REQUIRES)
def _write(directory, files):
    name = f"{{NAME}}-{{VERSION}}-{{TAG}}.whl"
    files = dict(files)
    files[INFO + "/METADATA"] = _metadata()
    files[INFO + "/WHEEL"] = f"Wheel-Version: 1.0\\nTag: {{TAG}}\\n"
    import base64, hashlib
    rows = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows += f"{{path}},sha256={{digest}},\\n"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(INFO + "/RECORD", rows + INFO + "/RECORD,,\\n")
    return name
def build_wheel(directory, config_settings=None, metadata_directory=None):
    with open("module.py") as file:
        return _write(directory, {{NAME + ".py": file.read()}})
def build_editable(directory, config_settings=None, metadata_directory=None):
    return _write(directory, {{"__editable__." + NAME + ".pth": os.getcwd() + "\\n"}})
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def project(
    directory: Path,
    name: str,
    version: str = "1.0",
    requires: tuple[str, ...] = (),
    tag: str = "py3-none-any",
) -> Path:
    """A Python project in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    text = BACKEND.format(name=name, version=version, requires=requires, tag=tag)
    (directory / "backend.py").write_text(text)
    (directory / "pyproject.toml").write_text(PROJECT)
    (directory / "module.py").write_text(f"name = {name!r}\n")
    return directory


def pinned_tree(dest: str, directory: Path) -> PinnedFile:
    tree = on_machine(directory)
    listing: tuple[Entry, ...] = tuple(entry for entry, _ in tree.held)
    size = sum(entry.size for entry in listing)
    return PinnedFile(dest, str(directory), "tree", tree.digest, size, directory, 0o755, listing)


def pinned_file(dest: str, path: Path) -> PinnedFile:
    data = path.read_bytes()
    return PinnedFile(dest, str(path), "file", hashlib.sha256(data).hexdigest(), len(data), path)
