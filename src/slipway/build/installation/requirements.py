"""Requirement files: those of a workspace that are installed too, and all of them as `installation/requirements/` has them.

The pyATS Image Builder installs one after the other, in the order of their numbers: what the repositories of the snapshot
bring, its packages, what the repositories of the recipe bring, files that `requirements` finds, and at last `packages`.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from slipway.build.installation import views
from slipway.build.installation.discovery import found
from slipway.build.installation.masks import masked_text
from slipway.recipe.model import Discovery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.build.installation.views import View
    from slipway.inputs.pinned import PinnedFile
    from slipway.inputs.repository import PinnedRepository
    from slipway.recipe.model import Recipe, Repository

NAME = "requirements.txt"


def requirement_files(
    recipe: Recipe, files: Sequence[PinnedFile], repositories: Sequence[PinnedRepository]
) -> list[tuple[str, str]]:
    """The requirement files of the workspace whose packages are wanted: (path relative to the workspace, text), each once.

    First those of `repositories` whose recipe says so, in its order, then those that `requirements` finds, by path. The
    sources are on this machine; text that is not UTF-8 has replacement characters.
    """
    if recipe.requirements == Discovery() and not any(r.requirements for r in recipe.repositories):
        return []
    view = views.of_sources((*files, *(r.tree for r in repositories)), recipe.workspace.strip("/"))
    wanted = dict.fromkeys([*_brought(recipe.repositories, view), *found(view.files, recipe.requirements)])
    contents = view.read(wanted)
    return [(path, contents[path].decode(errors="replace")) for path in wanted if path in contents]


def numbered(recipe: Recipe, view: View) -> dict[str, bytes]:
    """The files below `installation/requirements/` by name, without logins in addresses."""
    snapshot = _snapshot(recipe.snapshot)
    packages = len(snapshot.get("packages") or ())
    trees = {posixpath.normpath(str(name)) for name in snapshot.get("repositories") or ()}
    first = [r for r in recipe.repositories if r.dest in trees]
    second = [r for r in recipe.repositories if r.dest not in trees]
    texts = [r.text for r in recipe.packages]
    parts: list[str | list[str]] = [
        *_brought(first, view),
        texts[:packages],
        *_brought(second, view),
        *found(view.files, recipe.requirements),
        texts[packages:],
    ]
    contents = view.read(dict.fromkeys(part for part in parts if isinstance(part, str)))
    files = []
    known: set[str] = set()
    for part in parts:
        if isinstance(part, list):
            files += [_lines(part, recipe.workspace)] if part else []
        elif part in contents and part not in known:
            known.add(part)
            files.append(masked_text(contents[part].decode(errors="replace")))
    return {f"{number}-{NAME}": text.encode() for number, text in enumerate(files, 1)}


def _brought(repositories: Sequence[Repository], view: View) -> list[str]:
    paths = [f"{r.dest}/{NAME}" for r in repositories if r.requirements]
    return [path for path in paths if path in view.files]


def _lines(packages: Sequence[str], workspace: str) -> str:
    return "".join(f"{masked_text(_placed(text, workspace))}\n" for text in packages)


def _placed(text: str, workspace: str) -> str:
    """The workspace at the start by its path: whoever installs from the file may not know the variable."""
    for name in ("${WORKSPACE}", "$WORKSPACE"):
        if text.startswith(name):
            return workspace + text.removeprefix(name)
    return text


def _snapshot(text: str) -> dict[str, Any]:
    if not text:
        return {}
    import yaml

    data = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
    return data if isinstance(data, dict) else {}
