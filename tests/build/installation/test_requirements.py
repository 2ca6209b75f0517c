from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.build.installation.requirements import numbered, requirement_files
from slipway.recipe.model import Discovery, Requirement
from tests.build.installation.workspace import HERE, repository

if TYPE_CHECKING:
    from tests.build.installation.workspace import Desk

SNAPSHOT = "packages: [from-snapshot==1]\nrepositories: {old: {url: https://example.org/old}}\n"


def filled(desk: Desk) -> None:
    desk.write(
        old__requirements_DOT_txt="of-old\n",
        new__requirements_DOT_txt="-r more.txt\n",
        plain__requirements_DOT_txt="not-wanted\n",
        app__b__requirements_DOT_txt="https://me:c4n4ry@example.org/b.whl\n",
        app__a__requirements_DOT_txt="of-a\n",
    )


def test_they_are_numbered_in_the_order_of_installation(desk: Desk) -> None:
    filled(desk)
    recipe = replace(
        desk.recipe("packages: [from-recipe, six]\n"),
        packages=tuple(
            Requirement(text, HERE)
            for text in ("from-snapshot==1", "${WORKSPACE}/x.whl", "$WORKSPACE/y", "z @ https://t@h/z")
        ),
        repositories=(
            repository("old", requirements=True),
            repository("new", requirements=True),
            repository("plain"),
        ),
        requirements=Discovery(match=(r"requirements\.txt$",), paths=("new/requirements.txt",)),
        snapshot=SNAPSHOT,
    )
    view = desk.view("old", "new", "app")
    assert {name: content.decode() for name, content in numbered(recipe, view).items()} == {
        "1-requirements.txt": "of-old\n",
        "2-requirements.txt": "from-snapshot==1\n",
        "3-requirements.txt": "-r more.txt\n",
        "4-requirements.txt": "of-a\n",
        "5-requirements.txt": "https://********@example.org/b.whl\n",
        "6-requirements.txt": "/pyats/x.whl\n/pyats/y\nz @ https://********@h/z\n",
    }


def test_none_without_any(desk: Desk) -> None:
    assert numbered(desk.recipe("{}"), desk.view()) == {}


def test_which_files_are_installed_too(desk: Desk) -> None:
    filled(desk)
    pinned = tuple(desk.repository(name) for name in ("new", "plain"))
    recipe = replace(
        desk.recipe("{}"), repositories=(repository("plain"), repository("new", requirements=True))
    )
    files = desk.pin("app")
    assert requirement_files(recipe, files, pinned) == [("new/requirements.txt", "-r more.txt\n")]
    found = replace(recipe, requirements=Discovery(glob=("b/*.txt", "new/*.txt")))
    assert requirement_files(found, files, pinned) == [
        ("new/requirements.txt", "-r more.txt\n"),
        ("app/b/requirements.txt", "https://me:c4n4ry@example.org/b.whl\n"),
    ]
    assert requirement_files(desk.recipe("{}"), files, pinned) == []
