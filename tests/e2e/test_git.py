"""Repositories in images: from the recipe to the layer, through locks, and when something goes wrong."""

from __future__ import annotations

import json
import signal
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.e2e.kit import Home, layer_files, write_recipe
from tests.inputs.gitkit import PASSWORD, USER, Repo, WebGit, sample, web

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\\ncanary-k3y\\n-----END OPENSSH PRIVATE KEY-----"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "base"


@pytest.fixture
def repo(base: Path) -> Repo:
    return sample(base / "demo")


@pytest.fixture
def site(base: Path, repo: Repo) -> Iterator[WebGit]:
    with web(base, login=True) as made:
        yield made


@pytest.fixture
def at(own: Home, tmp_path: Path) -> Home:
    """With a home directory that has no settings of git."""
    (tmp_path / "someone").mkdir()
    return own.with_(HOME=str(tmp_path / "someone"), CANARY=PASSWORD, CANARY_KEY=KEY)


def project(tmp_path: Path, url: str, commit: str = "main", *, login: bool = True, more: str = "") -> Path:
    text = f"base: scratch\ntag: toy\nrepositories:\n  src/demo:\n    url: {url}\n    commit_id: {commit}\n"
    if login:
        text += f'    credentials: {{username: {USER}, password: "%ENV{{CANARY}}"}}\n    ssh_key: "%ENV{{CANARY_KEY}}"\n'
    return write_recipe(tmp_path / "project", text + more, note="one\n")


def in_image(home: Home, result: dict[str, Any], path: str) -> bytes:
    return next(layer_files(home, result, f"pyats/{path}"))


def secret_in(*places: Path) -> list[Path]:
    """Files that hold a secret; layers are looked into too."""
    words = [word.encode() for word in (PASSWORD, quote(PASSWORD, safe=""), "canary-k3y")]
    found = []
    for place in places:
        for path in [p for p in place.rglob("*") if p.is_file() and not p.is_symlink()]:
            contents = [path.read_bytes(), str(path).encode()]
            if tarfile.is_tarfile(path):
                with tarfile.open(path) as archive:
                    members = [archive.extractfile(m) for m in archive if m.isfile()]
                    contents += [member.read() for member in members if member]
            found += [path for content in contents if any(word in content for word in words)]
    return found


def test_a_private_repository_and_its_secrets(site: WebGit, repo: Repo, at: Home, tmp_path: Path) -> None:
    url = site.url("demo/.git")
    inside = url.replace("://", f"://{USER}:{quote(PASSWORD, safe='')}@")
    recipe = project(tmp_path, url, more=f"  other:\n    url: {inside}\n    commit_id: v1\n")
    at.slipway("lock", recipe)
    done = at.slipway("build", recipe, "--verbose", "--json", "--path", tmp_path / "context", "-k")
    result = done.last
    assert in_image(at, result, "src/demo/README.md") == b"three\n"
    assert in_image(at, result, "other/README.md") == b"one\n"
    told = json.loads(in_image(at, result, "installation/repos.json"))
    assert told["/pyats/src/demo"] == {
        "commit": repo.head,
        "heads": ["main"],
        "tags": [],
        "remotes": {"origin": url},
        "path": "/pyats/src/demo",
    }
    assert told["/pyats/other"]["tags"] == ["v1"]
    assert told["/pyats/other"]["remotes"] == {"origin": url}
    assert (tmp_path / "context").is_dir()
    (tmp_path / "project/image.yaml").unlink()  # it has one, by the will of who wrote it
    assert (
        secret_in(at.store, at.cache, tmp_path / "project", tmp_path / "context", tmp_path / "someone") == []
    )
    for text in (done.out, done.err):
        assert PASSWORD not in text
        assert "canary-k3y" not in text
    at.check_clean()


def test_an_unchanged_build_asks_nobody(site: WebGit, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path, site.url("demo/.git"))
    first = at.build(recipe)
    site.requests.clear()
    again = at.with_(PATH="/nonexistent").build(recipe)
    assert (again["image"], again["changed"]) == (first["image"], False)
    assert site.requests == []
    assert {a["kind"] for a in at.plan(recipe)} == {"reuse"}


def test_a_new_commit_is_told(site: WebGit, repo: Repo, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path, site.url("demo/.git"))
    at.build(recipe)
    old = repo.head
    new = repo.commit("four", README_md="four\n")
    recipe.touch()
    (action,) = [a for a in at.with_(SLIPWAY_MAX_AGE="0").plan(recipe) if a["layer"] == "workspace"]
    assert action["reason"] == f"src/demo {old[:12]} → {new[:12]}"


# -- locks ----------------------------------------------------------------------------------------------------------


def test_a_lock_stays_with_its_commit(site: WebGit, repo: Repo, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path, site.url("demo/.git"))
    at.slipway("lock", recipe)
    first = at.build(recipe)
    old = repo.head
    repo.commit("four", README_md="four\n")
    site.requests.clear()
    fresh = at.with_(SLIPWAY_MAX_AGE="0")
    assert fresh.build(recipe, "--locked")["image"] == first["image"]
    assert site.requests == []
    elsewhere = Home(tmp_path / "elsewhere", at.extra)
    assert elsewhere.build(recipe, "--locked")["image"] == first["image"]
    assert not [path for _, path, _ in site.requests if "ls-refs" in path]

    # taken over until all is to be new
    assert fresh.slipway("lock", recipe, "--json").last["changes"] == []
    (change,) = fresh.slipway("lock", recipe, "--upgrade", "--json").last["changes"]
    assert (change["kind"], change["name"], change["before"]) == ("git", "src/demo", old[:12])
    assert fresh.build(recipe, "--locked")["image"] != first["image"]

    # another branch is another thing
    recipe.write_text(recipe.read_text().replace("commit_id: main", "commit_id: old"))
    assert "`repositories` changed" in fresh.refuse(9, "build", recipe, "--locked")["brief"]
    kinds = [c["kind"] for c in fresh.slipway("lock", recipe, "--json").last["changes"]]
    assert kinds == ["recipe", "git"]


def test_offline(site: WebGit, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path, site.url("demo/.git"))
    at.slipway("lock", recipe)
    first = at.build(recipe, "--locked")
    assert at.build(recipe, "--offline")["image"] == first["image"]
    error = Home(tmp_path / "elsewhere", at.extra).refuse(4, "build", recipe, "--offline")
    assert "1 download is missing" in error["brief"]
    assert site.url("demo/.git") in error["details"]
    error = Home(tmp_path / "third", at.extra).with_(SLIPWAY_OFFLINE="1").refuse(4, "build", recipe)
    assert "no network is to be used" in error["brief"]


def test_a_lock_of_something_else(site: WebGit, repo: Repo, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path, site.url("demo/.git"))
    at.slipway("lock", recipe)
    path = recipe.with_name("image.lock.yaml")
    good = path.read_text()
    path.write_text(good.replace(repo.head, "a" * 40))
    error = Home(tmp_path / "one", at.extra).refuse(4, "build", recipe, "--locked")
    assert f"no commit {'a' * 40}" in error["brief"]
    assert error["where"]["line"] == 4
    path.write_text(good.replace(repo.head, repo.git("rev-parse", "old")))
    error = Home(tmp_path / "two", at.extra).refuse(4, "build", recipe, "--locked")
    assert "has not the files that the lock says" in error["brief"]
    for bad in ("main", "../x", ""):
        path.write_text(good.replace(repo.head, f'"{bad}"'))
        at.refuse(9, "build", recipe, "--locked")


def test_verify(site: WebGit, repo: Repo, at: Home, tmp_path: Path) -> None:
    """Files of the recipe may lie beside and below what repositories bring."""
    recipe = project(tmp_path, site.url("demo/.git"), more="files: [{src: ./tree}, note]\n")
    (recipe.parent / "tree/a").mkdir(parents=True)
    (recipe.parent / "tree/a/b").write_text("c\n")
    at.build(recipe)
    repo.commit("four", README_md="four\n")
    (recipe.parent / "note").unlink()
    error = at.refuse(4, "verify", "toy")
    assert "wants a login" in error["brief"]
    assert "logins are not kept in locks" in error["hint"]
    helper = Path(at.extra["HOME"])
    (helper / "logins").write_text(f"http://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{site.port}\n")
    (helper / ".gitconfig").write_text(f"[credential]\n helper = store --file {helper}/logins\n")
    assert at.slipway("verify", "toy", "--json").last["platforms"][0]["outcome"] == "verified"


# -- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commit", "login", "said"),
    [
        ("nothing", True, "no branch, tag or commit nothing"),
        ("a" * 40, True, "no commit aaaa"),
        ("main", False, "wants a login"),
    ],
)
def test_errors_have_a_place(
    site: WebGit, at: Home, tmp_path: Path, commit: str, login: bool, said: str
) -> None:
    error = at.refuse(4, "build", project(tmp_path, site.url("demo/.git"), commit, login=login))
    assert said in error["brief"]
    assert error["where"]["line"] == 4
    assert error["where"]["file"].endswith("image.yaml")
    assert PASSWORD not in json.dumps(error)


def test_interrupted(site: WebGit, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path, site.url("demo/.git"))
    site.hanging = True
    process = at.start("build", recipe)
    try:
        _until(lambda: bool(site.requests))
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert time.monotonic() - began < 10
    assert "interrupted" in err
    assert _gits(site.port) == []
    at.check_clean()
    site.hanging = False
    site.hang.set()
    at.build(recipe)


def test_killed(site: WebGit, repo: Repo, at: Home, tmp_path: Path) -> None:
    """Whatever git was doing: the next build works, and the orphan is waited for."""
    noise = repo.path / "noise"
    for number in range(300):
        repo.write(f"noise/{number}", bytes((number * n * n) % 251 for n in range(4000)))
    repo.commit("much")
    assert noise.is_dir()
    recipe = project(tmp_path, site.url("demo/.git"))
    for pause in (0.15, 0.25, 0.35, 0.45, 0.6):
        process = at.start("build", recipe)
        time.sleep(pause)
        process.kill()
        process.communicate(timeout=10)
    result = at.build(recipe)
    assert len(in_image(at, result, "src/demo/noise/7")) == 4000
    at.slipway("store", "check")


def _until(true: Any) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _gits(port: int) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f":{port}/" in line and "git" in line:
            found.append(line)
    return found
