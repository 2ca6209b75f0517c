from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway import proc
from slipway.errors import FetchError, SlipwayError, UsageError, VerifyError, Where
from slipway.events import Reporter
from slipway.inputs import gitrun
from slipway.inputs.git import checkout, pin_commits, pin_repositories, promised
from slipway.recipe.model import Repository
from tests.inputs.gitkit import Repo, daemon, sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.inputs.repository import PinnedRepository
    from slipway.settings import Settings

HERE = Where("image.yaml", 7, 3)
DAY = 86400


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("base")


@pytest.fixture(scope="module")
def repo(base: Path) -> Repo:
    return sample(base / "demo")


@pytest.fixture(scope="module")
def url(base: Path, repo: Repo) -> Iterator[str]:
    with daemon(base) as address:
        yield f"{address}/demo"


def item(url: str, commit: str = "", dest: str = "demo", **more: Any) -> Repository:
    return Repository(dest, url, HERE, commit, **more)


def pin(settings: Settings, *items: Repository, **how: Any) -> list[PinnedRepository]:
    return pin_repositories(items, settings, how.pop("reporter", Reporter()), **{"now": 1000.0, **how})


def files(pinned: PinnedRepository) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for entry in pinned.tree.listing:
        if entry.kind == "symlink":
            found[entry.path] = f"-> {entry.target}"
        elif entry.kind == "file":
            found[entry.path] = (pinned.tree.path / entry.path).read_bytes()
    return found


class Calls:
    """How git was called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.words: list[tuple[str, ...]] = []
        run = proc.run_group

        def recorded(argv: Sequence[str], **how: Any) -> Any:
            self.words.append(tuple(argv[1:]))
            return run(argv, **how)

        monkeypatch.setattr(proc, "run_group", recorded)

    @property
    def asked(self) -> list[str]:
        """What was asked of servers."""
        return [w for words in self.words for w in words if w in ("ls-remote", "fetch")]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


# -- what a commit is -----------------------------------------------------------------------------------------------


def test_a_tree_as_git_has_it(url: str, repo: Repo, settings: Settings) -> None:
    (pinned,) = pin(settings, item(url))
    assert (pinned.dest, pinned.url, pinned.commit) == ("demo", url, repo.head)
    assert pinned.heads == ("main",)
    assert pinned.tags == ()
    assert pinned.remotes == (("origin", url),)
    assert files(pinned) == {
        "README.md": b"three\n",
        "lib/deep/data": b"\x00\xff" * 50,
        "link": "-> lib/deep",
        "out": "-> ../../../etc/passwd",
        "run.sh": b"#!/bin/sh\n",
    }
    assert {e.path: e.mode for e in pinned.tree.listing if e.kind == "file"} == {
        "README.md": 0o644,
        "lib/deep/data": 0o644,
        "run.sh": 0o755,
    }
    assert pinned.tree.size == 6 + 100 + 10
    assert not (pinned.tree.path / ".git").exists()


@pytest.mark.parametrize(
    ("asked", "readme", "heads", "tags"),
    [
        ("main", "three\n", ("main",), ()),
        ("old", "two\n", ("old",), ()),
        ("origin/old", "two\n", ("old",), ()),
        ("refs/heads/old", "two\n", ("old",), ()),
        ("v1", "one\n", (), ("v1",)),
        ("tags/v1", "one\n", (), ("v1",)),
        ("HEAD", "three\n", ("main",), ()),
    ],
)
def test_names(
    url: str, settings: Settings, asked: str, readme: str, heads: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    (pinned,) = pin(settings, item(url, asked))
    assert files(pinned)["README.md"] == readme.encode()
    assert (pinned.heads, pinned.tags) == (heads, tags)


@pytest.mark.parametrize("digits", [4, 7, 12, 39])
def test_a_shortened_id(url: str, repo: Repo, settings: Settings, digits: int) -> None:
    one = repo.git("rev-parse", "v1^{commit}")
    (pinned,) = pin(settings, item(url, one[:digits].upper()))
    assert (pinned.commit, pinned.tags) == (one, ("v1",))


def test_full_ids(url: str, repo: Repo, settings: Settings) -> None:
    """Of a commit that no branch has at its end, and of an annotated tag itself."""
    repo.git("checkout", "-q", "--detach", "old")
    hidden = repo.commit("between", README_md="between\n")
    repo.commit("after")
    repo.git("branch", "-f", "side")
    repo.git("checkout", "-q", "main")
    (pinned,) = pin(settings, item(url, hidden.upper()))
    assert files(pinned)["README.md"] == b"between\n"
    assert (pinned.commit, pinned.heads, pinned.tags) == (hidden, (), ())
    (tagged,) = pin(settings, item(url, repo.git("rev-parse", "v1")))
    assert (tagged.commit, tagged.tags) == (repo.git("rev-parse", "v1^{commit}"), ("v1",))


def test_only_one_commit_is_fetched(url: str, repo: Repo, settings: Settings) -> None:
    pin(settings, item(url, "main"))
    (place,) = [p for p in (settings.cache / "git/repositories").iterdir() if p.is_dir()]
    assert repo.git(f"--git-dir={place}", "rev-list", "--all", "--count") == "1"


def test_ids_of_sha256(tmp_path: Path, settings: Settings) -> None:
    made = Repo(tmp_path / "wide")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main", "--object-format=sha256")
    made.commit(a="1")
    first = made.head
    made.commit(a="2")
    (pinned,) = pin(settings, item(str(made.path), first[:10]))
    assert pinned.commit == first
    assert files(pinned) == {"a": b"1"}


# -- what is not there ----------------------------------------------------------------------------------------------


def refused(settings: Settings, *items: Repository, **how: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        pin(settings, *items, **how)
    assert caught.value.where == HERE
    return caught.value


def test_missing_names(url: str, settings: Settings) -> None:
    error = refused(settings, item(url, "mian"))
    assert error.brief == f"there is no branch, tag or commit mian in {url}"
    assert error.hint == "did you mean main?"
    assert "branches: main, old" in refused(settings, item(url, "zzz")).hint
    assert refused(settings, item(url, "-x; rm"))
    assert refused(settings, item(url, "abcdef"))


def test_missing_commits(url: str, settings: Settings) -> None:
    assert f"no commit {'a' * 40} in {url}" in refused(settings, item(url, "a" * 40)).brief


def test_several_commits_begin_so(tmp_path: Path, settings: Settings) -> None:
    made = Repo.new(tmp_path / "many")
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@b> {n} +0000\ndata 1\nx\n" for n in range(1_000, 1_900)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=made.path, input=stream.encode(), check=True)
    ids = made.git("rev-list", "main").split()
    starts = [i[:4] for i in ids]
    twice = next(s for s in starts if starts.count(s) > 1)
    error = refused(settings, item(str(made.path), twice))
    assert f"several commits of {made.path} begin with {twice}" in error.brief
    assert set(error.details.split()) == {i for i in ids if i.startswith(twice)}


def test_a_branch_and_a_tag(tmp_path: Path, settings: Settings) -> None:
    made = Repo.new(tmp_path / "both", a="1")
    made.git("tag", "x")
    made.git("branch", "x")
    assert pin(settings, item(str(made.path), "x"))[0].heads == ("main", "x")
    made.commit(a="2")
    made.git("branch", "-f", "x")
    error = refused(settings, item(str(made.path), "x"))
    assert "both a branch and a tag" in error.brief
    assert "refs/tags/x" in error.hint
    assert files(pin(settings, item(str(made.path), "refs/tags/x"))[0]) == {"a": b"1"}
    assert files(pin(settings, item(str(made.path), "refs/heads/x"))[0]) == {"a": b"2"}


def test_an_empty_repository(tmp_path: Path, settings: Settings) -> None:
    made = Repo.new(tmp_path / "void")
    for asked in ("", "main", "a" * 40):
        assert "is empty" in refused(settings, item(str(made.path), asked)).brief


def test_a_repository_without_a_branch_of_its_own(tmp_path: Path, settings: Settings) -> None:
    made = Repo.new(tmp_path / "odd", a="1")
    made.git("symbolic-ref", "HEAD", "refs/heads/gone")
    error = refused(settings, item(str(made.path)))
    assert "no branch of its own" in error.brief
    assert "main" in error.hint


def test_a_tag_of_something_else(tmp_path: Path, settings: Settings) -> None:
    made = Repo.new(tmp_path / "blob", a="1")
    made.git("tag", "content", "HEAD:a")
    assert "no commit" in refused(settings, item(str(made.path), "content")).brief


def test_no_such_repository(url: str, settings: Settings, tmp_path: Path) -> None:
    for address in (url + "-not", str(tmp_path / "nothing"), (tmp_path / "nothing").as_uri()):
        assert "no such repository" in refused(settings, item(address)).brief


def test_no_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitrun, "_TRIES", 1)
    assert "cannot be reached" in refused(settings, item("git://127.0.0.1:1/x")).brief


@pytest.mark.parametrize(
    "address", ["ext::sh -c id", "rsync://host/x", "-u/x", "https:///x", "a\nb", "https://h:x/"]
)
def test_addresses_that_are_none(settings: Settings, address: str) -> None:
    with pytest.raises(SlipwayError) as caught:
        pin(settings, item(address))
    assert caught.value.where == HERE


# -- what is remembered ---------------------------------------------------------------------------------------------


def test_nobody_is_asked_twice(
    url: str, settings: Settings, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pin(settings, item(url, "main"))
    assert calls.asked == ["ls-remote", "fetch"]
    calls.words.clear()
    monkeypatch.setenv("PATH", "")  # not even git is needed
    assert pin(settings, item(url, "main"), now=1000.0 + DAY - 1) == first
    assert calls.words == []


def test_an_old_answer_is_asked_for_again(url: str, repo: Repo, settings: Settings, calls: Calls) -> None:
    first = pin(settings, item(url, "main"))
    calls.words.clear()
    assert pin(settings, item(url, "main"), now=1000.0 + DAY) == first
    assert calls.asked == ["ls-remote"]
    repo.commit("four", README_md="four\n")
    assert pin(settings, item(url, "main"), now=1000.0 + DAY + 1) == first
    (newer,) = pin(settings, item(url, "main"), refresh=True)
    assert newer.commit == repo.head
    # what both have is not sent again
    assert newer.tree.sha256 != first[0].tree.sha256


def test_a_full_id_is_never_old(url: str, repo: Repo, settings: Settings, calls: Calls) -> None:
    commit = repo.git("rev-parse", "old")
    first = pin(settings, item(url, commit))
    calls.words.clear()
    later = settings.with_(max_age=0, offline=True)
    assert pin(later, item(url, commit), now=1e9) == first
    assert calls.words == []


def test_offline(url: str, repo: Repo, settings: Settings, calls: Calls) -> None:
    away = settings.with_(offline=True)
    error = refused(away, item(url, "main"))
    assert "no network is to be used" in error.brief
    assert calls.asked == []
    pin(settings, item(url, "main"))
    assert pin(away, item(url, "main"))
    assert "no network" in refused(away, item(url, "v1")).brief
    assert pin(away, item(str(repo.path), "v1"))  # a path is no network


def test_a_path_is_asked_each_time(tmp_path: Path, settings: Settings) -> None:
    made = Repo.new(tmp_path / "own", a="1")
    first = pin(settings, item("own"), directory=tmp_path)
    assert (first[0].url, first[0].remotes) == ("own", (("origin", "own"),))
    made.commit(a="2")
    assert files(pin(settings, item("own"), directory=tmp_path)[0]) == {"a": b"2"}


def test_a_tree_that_was_changed(url: str, settings: Settings) -> None:
    """In the cache, by hand: noticed when everything is to be looked at anew."""
    (first,) = pin(settings, item(url, "main"))
    (first.tree.path / "README.md").write_text("what is not in git\n")
    (again,) = pin(settings, item(url, "main"), refresh=True)
    assert again == first
    assert files(again)["README.md"] != b"what is not in git\n"


@pytest.mark.parametrize("what", ["objects", "objects/pack", "HEAD", "config", "refs"])
def test_a_copy_that_was_damaged(url: str, repo: Repo, settings: Settings, what: str) -> None:
    pin(settings, item(url, "main"))
    (place,) = [p for p in (settings.cache / "git/repositories").iterdir() if p.is_dir()]
    if (place / what).is_dir():
        shutil.rmtree(place / what)
    else:
        (place / what).write_text("garbage")
    shutil.rmtree(settings.cache / "git/trees")
    (again,) = pin(settings, item(url, "main"))
    assert again.commit == repo.head
    assert pin(settings, item(url, "v1"))


def test_what_a_killed_git_leaves(url: str, settings: Settings) -> None:
    pin(settings, item(url, "main"))
    (place,) = [p for p in (settings.cache / "git/repositories").iterdir() if p.is_dir()]
    for name in ("shallow.lock", "objects/pack/tmp_pack_1", "refs/slipway/x.lock", "config.lock"):
        (place / name).write_text("half")
    assert pin(settings, item(url, "v1"))
    assert not list(place.rglob("*.lock"))
    assert not list(place.rglob("tmp_*"))


def test_damaged_answers(url: str, settings: Settings) -> None:
    first = pin(settings, item(url, "main"))
    for path in (settings.cache / "git").rglob("*.json"):
        path.write_text("[]")
    assert pin(settings, item(url, "main")) == first
    for path in (settings.cache / "git/answers").iterdir():
        path.write_text(json.dumps({"heads": [], "tags": [], "unknown": 1}))
    assert pin(settings, item(url, "main")) == first


# -- several, and the end -------------------------------------------------------------------------------------------


def test_several_side_by_side(url: str, repo: Repo, settings: Settings, calls: Calls, tmp_path: Path) -> None:
    other = Repo.new(tmp_path / "other", b="1")
    wanted = [
        item(url, "main", "a"),
        item(str(other.path), "", "b"),
        item(url, "v1", "c"),
        item(url, "main", "d"),
    ]
    events: list[Any] = []
    found = pin(settings, *wanted, reporter=Reporter(events.append))
    assert [p.dest for p in found] == ["a", "b", "c", "d"]
    assert found[0].tree.sha256 == found[3].tree.sha256
    assert calls.asked.count("ls-remote") == 2
    begun = [e.detail for e in events if type(e).__name__ == "StepBegan"]
    assert sorted(begun) == sorted([f"{url} main", f"{url} v1", f"{url} main", str(other.path)])
    assert all(e.ok for e in events if type(e).__name__ == "StepEnded")


def test_the_first_error_ends_all(url: str, settings: Settings) -> None:
    bad = replace(item(url, "nothing"), where=Where("image.yaml", 9, 1))
    with pytest.raises(FetchError) as caught:
        pin(settings, item(url), bad)
    assert caught.value.where == bad.where


def test_two_at_once_for_one_repository(url: str, settings: Settings) -> None:
    results: list[Any] = []

    def work() -> None:
        results.append(pin(settings, item(url, "v1")))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(r == results[0] for r in results)
    assert not [p for p in (settings.cache / "git").rglob(".tmp*") if "tree/" not in str(p)]


def test_stopped(url: str, settings: Settings) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(SlipwayError, match="stopped"):
        pin(settings, item(url), stop=stop)


# -- what does not matter -------------------------------------------------------------------------------------------


def test_settings_of_the_machine_do_not_matter(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Repo.new(tmp_path / "own")
    made.write("t.txt", "a\nb\n")
    made.write("w.txt", "a\nb\n")
    made.write(
        ".gitattributes", "w.txt text eol=crlf\n*.big filter=lfs\n*.x filter=evil\n*.sub export-subst\n"
    )
    made.write("p.big", "pointer\n")
    made.write("q.x", "plain\n")
    made.write("r.sub", "$Format:%H$\n")
    made.commit()
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[core]\n autocrlf = true\n hooksPath = /tmp\n symlinks = false\n"
        f'[filter "evil"]\n smudge = touch {tmp_path}/hacked\n'
        '[filter "lfs"]\n smudge = false\n required = true\n'
        f"[init]\n templateDir = {home}/template\n"
    )
    hook = home / "template/hooks/post-checkout"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.eol")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "crlf")
    monkeypatch.setenv("LC_ALL", "C")
    before = dict(os.environ)
    umask = os.umask(0o077)
    try:
        (pinned,) = pin(settings, item(str(made.path)))
    finally:
        os.umask(umask)
    assert os.environ == before
    assert files(pinned) == {
        ".gitattributes": (made.path / ".gitattributes").read_bytes(),
        "p.big": b"pointer\n",
        "q.x": b"plain\n",
        "r.sub": b"$Format:%H$\n",
        "t.txt": b"a\nb\n",
        "w.txt": b"a\r\nb\r\n",  # what the tree itself says is as it is in every clone
    }
    assert not (tmp_path / "hacked").exists()
    assert not (tmp_path / "hooked").exists()


def test_an_address_that_the_user_has_moved(
    url: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`url.*.insteadOf` says how to reach servers, so it counts."""
    (tmp_path / ".gitconfig").write_text(
        f'[url "{url.removesuffix("demo")}"]\n insteadOf = https://nowhere.invalid/\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    (pinned,) = pin(settings, item("https://nowhere.invalid/demo"))
    assert pinned.url == "https://nowhere.invalid/demo"


def test_hostile_trees_are_refused(tmp_path: Path, settings: Settings) -> None:
    made = Repo.new(tmp_path / "evil", a="1")
    blob = made.git("rev-parse", "HEAD:a")
    tree = f"100644 blob {blob}\t.GIT\n"

    def mktree(rows: str) -> str:
        done = subprocess.run(
            ["git", "mktree"], cwd=made.path, input=rows.encode(), capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    commit = made.git("commit-tree", "-m", "evil", mktree(tree))
    made.git("branch", "evil", commit)
    with pytest.raises(SlipwayError) as caught:
        pin(settings, item(str(made.path), "evil"))
    assert caught.value.code == "input"
    assert "not sound" in caught.value.brief


# -- locks and others -----------------------------------------------------------------------------------------------


def test_from_a_lock(url: str, repo: Repo, settings: Settings, calls: Calls, tmp_path: Path) -> None:
    (made,) = pin(settings, item(url, "old"))
    elsewhere = settings.with_(cache=tmp_path / "elsewhere")
    names = (made.heads, made.tags)
    promise = promised(item(url, "old"), made.commit, made.tree.sha256, made.tree.size, names, elsewhere)
    assert promise.tree.listing == ()
    calls.words.clear()
    (found,) = pin_commits([item(url, "old")], [promise], elsewhere, Reporter())
    assert calls.asked == ["fetch"]
    assert replace(found, tree=made.tree) == made
    assert found.tree.listing == made.tree.listing
    again = promised(item(url, "old"), made.commit, made.tree.sha256, made.tree.size, names, elsewhere)
    assert again == found
    wrong = replace(promise, tree=replace(promise.tree, sha256="0" * 64))
    with pytest.raises(VerifyError, match="has not the files that the lock says"):
        pin_commits([item(url, "old")], [wrong], elsewhere, Reporter())


def test_checkout(url: str, repo: Repo, settings: Settings) -> None:
    commit, path = checkout(url, "v1", settings=settings, reporter=Reporter())
    assert commit == repo.git("rev-parse", "v1^{commit}")
    assert (path / "README.md").read_text() == "one\n"
    with pytest.raises(UsageError):
        checkout("nope://x/y", "", settings=settings, reporter=Reporter())
