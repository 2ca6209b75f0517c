from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.build.installation import views

if TYPE_CHECKING:
    from slipway.build.installation.views import View
    from tests.build.installation.workspace import Desk


@pytest.fixture(params=["fragments", "sources"])
def view(request: pytest.FixtureRequest, desk: Desk) -> View:
    desk.write(one_DOT_py="1", tree__b_DOT_py="2", tree__deep__c_DOT_txt="3")
    tree = desk.root / "src" / "tree"
    (tree / "inside").symlink_to("deep/c.txt")
    (tree / "absolute").symlink_to("/pyats/one.py")
    (tree / "outside").symlink_to("../../../etc/passwd")
    (tree / "directory").symlink_to("deep")
    (tree / "loop").symlink_to("loop")
    pinned = desk.pin("one.py", "tree")
    if request.param == "sources":
        return views.of_sources(pinned, "pyats")
    return views.of_fragments(desk.fragments(*pinned), "pyats")


def test_files_and_links_to_files_of_the_workspace(view: View) -> None:
    assert list(view.files) == ["one.py", "tree/absolute", "tree/b.py", "tree/deep/c.txt", "tree/inside"]
    contents = view.read(["tree/inside", "tree/absolute", "tree/b.py"])
    assert contents == {"tree/inside": b"3", "tree/absolute": b"1", "tree/b.py": b"2"}


def test_large_files_are_not_read(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "LARGEST", 0)
    assert view.read(["one.py"]) == {}


def test_what_says_that_it_is_a_job(desk: Desk) -> None:
    mark = "# PYATS_JOBFILE\n"
    desk.write(
        first_DOT_py=mark,
        tenth_DOT_py="\n" * 9 + mark,
        late_DOT_py="\n" * 10 + mark,
        text_DOT_txt=mark,
        t__a_DOT_py=mark,
    )
    (desk.root / "src" / "t" / "link.py").symlink_to("a.py")
    view = desk.view("first.py", "late.py", "t", "tenth.py", "text.txt")
    assert view.marked == ["first.py", "t/a.py", "t/link.py", "tenth.py"]
