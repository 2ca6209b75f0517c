"""Cells of notebooks as Python files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.scan.source.bookscripts import scripts_of
from slipway.scan.source.notebooks import is_python
from tests.scan.source.kit import look, rows, write
from tests.scan.source.test_installs import notebook

if TYPE_CHECKING:
    from pathlib import Path


def script(tmp_path: Path, *cells: str | list[str]) -> tuple[list[str], list[tuple[str, int, str]]]:
    root = write(tmp_path / "x", {"a.ipynb": notebook(*cells)})
    with scripts_of(["a.ipynb"], root) as made:
        return (made.directory / "0.py").read_text().splitlines(), made.unread


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("x = 1\ny = 2", ["x = 1", "y = 2"]),
        ("%matplotlib inline\nx = 1", ["pass", "x = 1"]),
        ("if x:\n    !rm -r x \\\n  y\n    z()", ["if x:", "    pass", "", "    z()"]),
        ("found = !ls\na, b = %who x", ["found = None", "a, b = None"]),
        ("x?\n?x\npip install x\nawait y", ["pass", "pass", "pass", "await y"]),
        ("%%time\nx = 1", ["", "x = 1"]),
        ("\n%%bash\nrm -r $x", ["", "", ""]),
        ("x = (y\n  % z)", ["x = (y", "  % z)"]),
        ("", [""]),
    ],
)
def test_what_is_for_ipython_alone_is_left_out(tmp_path: Path, cell: str, wanted: list[str]) -> None:
    assert script(tmp_path, cell) == (wanted, [])


def test_a_cell_that_is_no_python_hides_no_other(tmp_path: Path) -> None:
    found, unread = script(tmp_path, "x = 1", "print 1", "y\0", "(" * 5000, ["z = 1\n", "eval(x)"])
    assert found == ["x = 1", "z = 1", "eval(x)"]
    assert [(path, why) for path, _, why in unread] == [
        ("a.ipynb", "a cell of it is no Python that can be read here")
    ] * 3
    text = (tmp_path / "x" / "a.ipynb").read_text().splitlines()
    assert text[unread[0][1] - 1].strip() == '"source": "print 1"'
    [(rule, _, line)] = rows(look(tmp_path / "x", "bandit"))
    assert (rule, text[line - 1].strip()) == ("B307", '"eval(x)"')


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{}", True),
        ("{", True),
        ('{"metadata": {"kernelspec": {"language": "python"}}}', True),
        ('{"metadata": {"kernelspec": {"language": "julia"}}}', False),
        ('{"metadata": {"language_info": {"name": "R"}, "kernelspec": {"language": "python"}}}', False),
        ('{"metadata": [1]}', True),
    ],
)
def test_the_language_of_a_notebook(text: str, wanted: bool) -> None:
    assert is_python(text) == wanted
