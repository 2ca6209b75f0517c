"""What a `setup.py` asks for, read and never run: lists that are written out in a call of `setup` (setuptools' documentation: Keywords)."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.scan.source.pins.model import Loose, Pin
from slipway.scan.source.pins.wanted import told

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEEDED: Final = ("install_requires", "tests_require", "extras_require")
_FAMILY: Final = ("setuptools", "distutils")
_LARGEST: Final = 1 << 18  # characters; what the parser makes of them is a hundred times as large


def read(text: str) -> Iterator[Pin | Loose]:
    """What has an exact version, and a `Loose` for all that is computed. `InputError` if it is not Python."""
    tree = _tree(text)
    nodes = list(ast.walk(tree))
    names = _names(nodes)
    calls = [node for node in nodes if isinstance(node, ast.Call) and _is_setup(node.func, names)]
    if not calls and _imports(nodes):
        yield Loose("unread", "it has no call of setup that can be read without running it")
    wanted: list[tuple[str, int]] = []
    for call in calls:
        for keyword in call.keywords:
            if keyword.arg is None:
                why = "what setup is given is computed: only running it would tell"
                yield Loose("unread", why, keyword.value.lineno)
            elif keyword.arg in _NEEDED:
                computed = _gather(keyword.value, wanted)
                if computed:
                    why = f"{keyword.arg} is computed: only running it would tell"
                    yield Loose("unread", why, computed)
    yield from told(sorted(wanted, key=lambda each: each[1]))


def _tree(text: str) -> ast.Module:
    if len(text) > _LARGEST:
        raise InputError(f"it is larger than {_LARGEST >> 10} KiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler thinks of its escapes
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError("it is not Python that can be read here") from error


def _names(nodes: list[ast.AST]) -> set[str]:
    """By which names `setup` may be called."""
    imports = (node for node in nodes if isinstance(node, ast.ImportFrom))
    members = (alias for node in imports for alias in node.names)
    return {"setup", *(alias.asname for alias in members if alias.name == "setup" and alias.asname)}


def _imports(nodes: list[ast.AST]) -> bool:
    for node in nodes:
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [node.module or ""]
        else:
            continue
        if any(name.partition(".")[0] in _FAMILY for name in found):
            return True
    return False


def _is_setup(function: ast.expr, names: set[str]) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == "setup"
    return isinstance(function, ast.Name) and function.id in names


def _gather(value: ast.expr, wanted: list[tuple[str, int]]) -> int:
    """Adds the requirements of a list, of a text with one in each line, or of an object of such; the line of the first that is computed."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        wanted += [(line.strip(), value.lineno) for line in value.value.splitlines() if line.strip()]
        return 0
    if isinstance(value, ast.List | ast.Tuple):
        items = value.elts
    elif isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
        items = value.values
    else:
        return value.lineno
    return next((found for found in [_gather(item, wanted) for item in items] if found), 0)
