"""Submodules, and large files that are kept elsewhere (git-lfs)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import SlipwayError, ToolError, Where
from slipway.events import Reporter
from slipway.inputs.git import pin_repositories
from slipway.recipe.model import Repository
from tests.inputs.gitkit import PASSWORD, USER, Repo, daemon, installed, web

if TYPE_CHECKING:
    from slipway.inputs.repository import PinnedRepository
    from slipway.settings import Settings

HERE = Where("image.yaml", 7, 3)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [n for n in os.environ if n.startswith(("GIT_", "SSL_"))]:
        monkeypatch.delenv(name)


def pin(settings: Settings, url: str, commit: str = "", **more: Any) -> PinnedRepository:
    wanted = Repository("demo", url, HERE, commit, **more)
    (found,) = pin_repositories([wanted], settings, Reporter(), now=1000.0)
    return found


def refused(settings: Settings, url: str, **more: Any) -> SlipwayError:
    with pytest.raises(SlipwayError) as caught:
        pin(settings, url, **more)
    assert caught.value.where == HERE
    return caught.value


def paths(pinned: PinnedRepository) -> list[str]:
    return [entry.path for entry in pinned.tree.listing]


@pytest.fixture
def family(tmp_path: Path) -> Path:
    """`top` has `sub` at lib/sub by a relative address, which has `leaf` at leaf, at a commit that is not the newest."""
    base = tmp_path / "base"
    leaf = Repo.new(base / "leaf", l="1")
    sub = Repo.new(base / "sub", s="1")
    sub.git("submodule", "--quiet", "add", "../leaf", "leaf")
    sub.commit("leaf")
    leaf.commit("newer", l="2")
    top = Repo.new(base / "top", t="1")
    top.git("submodule", "--quiet", "add", "../sub", "lib/sub")
    top.commit("sub")
    return base


def test_submodules_only_when_asked(family: Path, settings: Settings) -> None:
    plain = pin(settings, str(family / "top"))
    assert paths(plain) == [".gitmodules", "lib", "lib/sub", "t"]
    whole = pin(settings, str(family / "top"), submodules=True)
    assert paths(whole) == [
        ".gitmodules",
        "lib",
        "lib/sub",
        "lib/sub/.gitmodules",
        "lib/sub/leaf",
        "lib/sub/leaf/l",
        "lib/sub/s",
        "t",
    ]
    assert (whole.tree.path / "lib/sub/leaf/l").read_text() == "1"
    assert whole.commit == plain.commit
    assert not list(whole.tree.path.rglob(".git"))


def test_submodules_over_a_network_with_one_login(
    family: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web(family, login=True, tls=tmp_path / "tls") as site:
        monkeypatch.setenv("SSL_CERT_FILE", str(site.ca))
        whole = pin(settings, site.url("top"), submodules=True, username=USER, password=PASSWORD)
        assert "lib/sub/leaf/l" in paths(whole)


def test_another_server_gets_no_login(
    family: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web(family, login=True) as ours, web(family, login=True) as theirs:
        Repo(family / "top").git("config", "-f", ".gitmodules", "submodule.lib/sub.url", theirs.url("sub"))
        Repo(family / "top").commit("elsewhere")
        error = refused(settings, ours.url("top"), submodules=True, username=USER, password=PASSWORD)
        assert "wants a login" in error.brief
        assert theirs.url("sub") in error.brief
        assert {said for _, _, said in theirs.requests} == {""}


def test_what_others_wrote_may_not_read_files_of_this_machine(family: Path, settings: Settings) -> None:
    top = Repo(family / "top")
    for url in (str(family / "sub"), (family / "sub").as_uri()):
        top.git("config", "-f", ".gitmodules", "submodule.lib/sub.url", url)
        top.commit("a path")
        with daemon(family) as address:
            error = refused(settings.with_(max_age=0), f"{address}/top", submodules=True)
        assert "is a path on this machine" in error.brief


@pytest.mark.parametrize("url", ["ext::sh -c id", "-u./x", "../../../../../../../../../../../x"])
def test_hostile_addresses(family: Path, settings: Settings, url: str) -> None:
    top = Repo(family / "top")
    text = (top.path / ".gitmodules").read_text().replace("../sub", url)
    (top.path / ".gitmodules").write_text(text)
    top.commit("evil")
    assert refused(settings, str(top.path), submodules=True)


def test_a_submodule_without_an_address(family: Path, settings: Settings) -> None:
    top = Repo(family / "top")
    (top.path / ".gitmodules").unlink()
    top.commit("gone")
    assert "lib/sub" in refused(settings, str(top.path), submodules=True).brief
    assert "lib/sub" in paths(pin(settings, str(top.path)))


def test_a_submodule_that_is_not_wanted(family: Path, settings: Settings) -> None:
    top = Repo(family / "top")
    top.git("config", "-f", ".gitmodules", "submodule.lib/sub.update", "none")
    top.commit("none")
    assert "lib/sub/s" not in paths(pin(settings, str(top.path), submodules=True))


def test_a_submodule_whose_commit_is_gone(family: Path, settings: Settings) -> None:
    top = Repo(family / "top")
    top.git("update-index", "--cacheinfo", f"160000,{'c' * 40},lib/sub")
    top.git("commit", "-q", "-m", "gone")
    error = refused(settings, str(top.path), submodules=True)
    assert f"no commit {'c' * 40} in {family / 'sub'}" in error.brief
    assert not list((settings.cache / "git/trees").glob(".tmp*"))


def test_a_repository_within_itself(tmp_path: Path, settings: Settings) -> None:
    """Another branch of the same one; no waiting for oneself."""
    top = Repo.new(tmp_path / "top", a="1")
    first = top.head
    text = '[submodule "x"]\n path = x\n url = ../top\n'
    top.write(".gitmodules", text)
    top.git("add", "--all")
    top.git("update-index", "--add", "--cacheinfo", f"160000,{first},x")
    top.git("commit", "-q", "-m", "self")
    assert paths(pin(settings, str(top.path), submodules=True)) == [".gitmodules", "a", "x", "x/a"]


# -- large files ----------------------------------------------------------------------------------------------------


@pytest.fixture
def large(tmp_path: Path) -> Repo:
    installed("git-lfs", "git-lfs")
    made = Repo.new(tmp_path / "large")
    made.git("lfs", "install", "--local")
    made.git("lfs", "track", "*.bin")
    made.write("data.bin", b"\0large\n" * 1000)
    made.write("sub/more.bin", b"more\n")
    made.commit(small="1")
    return made


def test_large_files_when_asked(large: Repo, settings: Settings) -> None:
    plain = pin(settings, large.path.as_uri())
    pointer = (plain.tree.path / "data.bin").read_text()
    assert pointer.startswith("version https://git-lfs")
    whole = pin(settings, large.path.as_uri(), lfs=True)
    assert (whole.tree.path / "data.bin").read_bytes() == b"\0large\n" * 1000
    assert (whole.tree.path / "sub/more.bin").read_bytes() == b"more\n"
    assert paths(whole) == paths(plain)
    again = pin(settings.with_(offline=True), large.path.as_uri(), lfs=True)
    assert again == whole


def test_a_large_file_that_is_gone(large: Repo, settings: Settings) -> None:
    import shutil

    shutil.rmtree(large.path / ".git/lfs/objects")
    error = refused(settings, large.path.as_uri(), lfs=True)
    assert "large files" in error.brief
    assert pin(settings, large.path.as_uri())


def test_without_the_program(
    large: Repo, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = tmp_path / "only"
    only.mkdir()
    for name in ("git", "sh"):
        (only / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(only))
    error = refused(settings, large.path.as_uri(), lfs=True)
    assert isinstance(error, ToolError)
    assert (error.brief, error.hint) == ("git-lfs is not installed", "apt-get install git-lfs")
