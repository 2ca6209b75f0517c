"""The map shows the land: the folders that ARCHITECTURE.md names are those that are there."""

from __future__ import annotations

import re
from pathlib import Path

import slipway
from tests.docs.pages import ROOT

SOURCE = Path(slipway.__file__).parent
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
_TREE = re.compile(r"```text\nsrc/slipway/\n(.*?)```", re.DOTALL)
_FOLDER = re.compile(r"(?:^|  )([\w/]+)/(?= )", re.MULTILINE)
_MODULE = re.compile(r"`([a-z_]+(?:/[a-z_]+)*\.py)`")


def tree() -> str:
    found = _TREE.search(TEXT)
    assert found, "there is no tree of src/slipway"
    return found[1]


def packages() -> set[str]:
    return {str(p.parent.relative_to(SOURCE)) for p in SOURCE.rglob("__init__.py")} - {"."}


def test_every_package_is_in_the_tree() -> None:
    assert packages() <= set(_FOLDER.findall(tree()))


def test_every_folder_of_the_tree_exists() -> None:
    assert set(_FOLDER.findall(tree())) <= packages()


def test_every_module_at_the_top_is_in_the_tree() -> None:
    assert {p.name for p in SOURCE.glob("[a-z]*.py")} <= set(re.findall(r"[a-z_]+\.py", tree()))


def test_every_module_that_is_named_exists() -> None:
    named = {*_MODULE.findall(TEXT), *re.findall(r"[a-z_]+\.py", tree())}
    missing = [n for n in named if not ((SOURCE / n).is_file() or (ROOT / n).is_file())]
    assert not missing


def test_the_map_fits_on_a_page() -> None:
    assert len(TEXT.splitlines()) <= 200
