"""Repositories made by git itself."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from slipway.build.installation.localgit import LocalRepository, local_repositories
from slipway.build.installation.repos import repositories
from tests.e2e.conftest import need

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build.installation.workspace import Desk

WHO = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}
QUIET = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "PATH": "/usr/bin:/bin", **WHO}


@pytest.fixture
def repository(desk: Desk) -> Path:
    need("git")
    path = desk.root / "src" / "app"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    commit(path)
    return path


def git(path: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=path, env=QUIET, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(path: Path) -> str:
    git(path, "commit", "-q", "--allow-empty", "-m", "x")
    return git(path, "rev-parse", "HEAD")


def told(desk: Desk) -> LocalRepository:
    (found,) = local_repositories(desk.view("app"))
    return found


def test_names_of_the_commit(desk: Desk, repository: Path) -> None:
    git(repository, "tag", "old")
    git(repository, "branch", "behind")
    now = commit(repository)
    git(repository, "branch", "topic/one")
    git(repository, "tag", "light")
    git(repository, "tag", "-a", "-m", "x", "signed/1")
    git(repository, "remote", "add", "origin", "https://me:c4n4ry@example.org/app.git")
    git(repository, "remote", "add", "backup", "git@example.org:app")
    wanted = LocalRepository(
        "app",
        now,
        ("main", "topic/one"),
        ("light", "signed/1"),
        (("backup", "git@example.org:app"), ("origin", "https://me:c4n4ry@example.org/app.git")),
    )
    assert told(desk) == wanted
    git(repository, "pack-refs", "--all")
    assert told(desk) == wanted
    assert (
        repositories("/pyats", [wanted])["/pyats/app"]["remotes"]["origin"]
        == "https://********@example.org/app.git"
    )


def test_a_detached_head_has_no_heads_of_its_own(desk: Desk, repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "v1")
    commit(repository)
    git(repository, "checkout", "-q", "v1")
    found = told(desk)
    assert (found.commit, found.heads, found.tags) == (first, (), ("v1",))


def test_what_is_no_repository(desk: Desk, repository: Path) -> None:
    del repository
    (desk.root / "src" / "app" / "inner" / ".git").mkdir(parents=True)
    (desk.root / "src" / "app" / "inner" / ".git" / "HEAD").write_text("ref: refs/heads/none\n")
    (desk.root / "src" / "app" / "tree").mkdir()
    (desk.root / "src" / "app" / "tree" / ".git").write_text("gitdir: /elsewhere\n")
    assert [r.dest for r in local_repositories(desk.view("app"))] == ["app"]


def test_nothing_of_it_is_run(desk: Desk, repository: Path) -> None:
    proof = desk.root / "proof"
    git(repository, "config", "core.fsmonitor", f"touch {proof}")
    assert told(desk).heads == ("main",)
    assert not proof.exists()
