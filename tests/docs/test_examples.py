"""Every command on a page that teaches is run, and says what the page shows. How pages are written: `pages.py`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks
from tests.docs.shell import Shell

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs/tutorial").glob("*.md")),
    *sorted((ROOT / "docs/how-to").glob("*.md")),
]


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all pages: what a package becomes does not depend on the page."""
    return tmp_path_factory.mktemp("docs-cache")


def needs(page: Path) -> set[str]:
    return {block.needs for block in blocks(page.read_text(encoding="utf-8"))} - {""}


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            p, marks=[pytest.mark.docker] if "docker" in needs(p) else [], id=str(p.relative_to(ROOT))
        )
        for p in PAGES
    ],
)
def test_page(
    page: Path,
    tmp_path: Path,
    shared_cache: Path,
    request: pytest.FixtureRequest,
    subtests: pytest.Subtests,
) -> None:
    lacking = {p: f"{p} is not installed" for p in needs(page) if shutil.which(p) is None}
    docker_host = ""
    if "docker" in needs(page):
        try:
            docker_host = request.getfixturevalue("docker_host")
        except pytest.skip.Exception as skipped:
            lacking["docker"] = str(skipped)
    here = tmp_path / "here"
    here.mkdir()
    # what pages say of packages is for themselves alone
    shutil.rmtree(shared_cache / "advisories", ignore_errors=True)
    storage = tmp_path / "storage.conf"  # buildah's images are no business of the machine
    storage.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{tmp_path}/graph"\nrunroot = "{tmp_path}/run"\n'
    )
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SLIPWAY_STORE": str(tmp_path / "store"),
        "SLIPWAY_CACHE": str(shared_cache),
        "DOCKER_HOST": docker_host,
        "CONTAINERS_STORAGE_CONF": str(storage),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
    }
    with Shell(here, env) as shell:
        for block in blocks(page.read_text(encoding="utf-8")):
            if reason := lacking.get(block.needs):
                with subtests.test(page=page.name, line=block.line):
                    pytest.skip(reason)
                continue
            _follow(block, here, shell, page.name)


def _follow(block: Block, here: Path, shell: Shell, name: str) -> None:
    if block.title:
        path = here / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    commands = block.commands
    for number, command in enumerate(commands):
        status, said = shell.run(command.text)
        place = f"{name}:{command.line}: $ {command.text}\n"
        asked = number + 1 < len(commands) and commands[number + 1].text == "echo $?"
        if status and not asked:
            pytest.fail(f"{place}{said}exit status {status}", pytrace=False)
        if not command.pattern.search(said):
            shown = "\n".join(command.output)
            pytest.fail(f"{place}{said}-- but the page shows\n{shown}", pytrace=False)


def test_a_page_that_lies_is_noticed(tmp_path: Path) -> None:
    page = (
        '```text title="a/b"\none\ntwo\n```\n\n```console\n$ cat a/b\none\n…\n$ cd a\n$ ls \\\n  b\nb\n```\n'
    )
    wrong = page.replace("one\n…", "one\n…\nthree")
    with Shell(tmp_path, os.environ) as shell:
        for block in blocks(page):
            _follow(block, tmp_path, shell, "right")
    with Shell(tmp_path, os.environ) as shell, pytest.raises(pytest.fail.Exception, match="three"):
        for block in blocks(wrong):
            _follow(block, tmp_path, shell, "wrong")


def test_a_failure_needs_to_be_shown(tmp_path: Path) -> None:
    with Shell(tmp_path, os.environ) as shell, pytest.raises(pytest.fail.Exception, match="exit status 3"):
        for block in blocks("```console\n$ (exit 3)\n$ echo $?\n3\n$ (exit 3)\n```\n"):
            _follow(block, tmp_path, shell, "page")
    with Shell(tmp_path, os.environ) as shell, pytest.raises(pytest.fail.Exception, match="the page shows"):
        for block in blocks("```console\n$ (exit 3)\n$ echo $?\n4\n```\n"):
            _follow(block, tmp_path, shell, "page")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_escapes(page: Path) -> None:
    """Commands stand in `console` blocks, where they are run."""
    for block in blocks(page.read_text(encoding="utf-8")):
        assert block.language not in ("sh", "bash", "shell", ""), f"{page.name}:{block.line}"
        assert block.title or block.language != "console" or block.commands or block.not_run
