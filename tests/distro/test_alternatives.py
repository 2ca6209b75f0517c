from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.distro.alternatives import apply, calls_in, unclear_in
from slipway.distro.native import NativeFile
from slipway.errors import InputError
from tests.distro import realroot

TOOL = shutil.which("update-alternatives")
needs_tool = pytest.mark.skipif(TOOL is None, reason="needs update-alternatives")
PRESENT = (
    "usr/bin/one",
    "usr/bin/two",
    "usr/bin/three",
    "usr/share/man/one.1",
    "usr/share/man/two.1",
    "usr/bin/real",
)


def install(name: str, path: str, priority: int, *slaves: tuple[str, str], link: str = "") -> list[str]:
    call = ["--install", link or f"/usr/bin/{name}", name, f"/usr/bin/{path}", str(priority)]
    for slave, target in slaves:
        call += ["--slave", f"/usr/share/man/{slave}", slave, f"/usr/share/man/{target}"]
    return call


def real(root: Path, calls: list[list[str]]) -> dict[str, NativeFile]:
    """What the program leaves in an empty root that holds PRESENT."""
    for path in (*PRESENT, "etc/alternatives/x", "var/lib/dpkg/alternatives/x", "var/log/x"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    for path in PRESENT:
        (root / path).write_text("package")
    for call in calls:
        subprocess.run([str(TOOL), "--root", str(root), "--quiet", *call], check=False, capture_output=True)
    found = {}
    for file in root.rglob("*"):
        name = str(file.relative_to(root))
        if file.is_symlink():
            found[name] = NativeFile(name, target=str(file.readlink()))
        elif file.is_file() and name not in PRESENT and not name.startswith("var/log/"):
            found[name] = NativeFile(name, file.read_bytes())
    return found


def ours(calls: list[list[str]]) -> dict[str, NativeFile]:
    return {file.path: file for file in apply(calls, PRESENT)}


CASES: dict[str, list[list[str]]] = {
    "highest priority": [install("ed", "one", 5), install("ed", "two", 50), install("ed", "three", -7)],
    "first of equals": [install("ed", "two", 5), install("ed", "one", 5), install("ed", "three", 5)],
    "slaves": [
        install("ed", "one", 9, ("ed.1", "one.1"), ("ed.2", "gone.1")),
        install("ed", "two", 5, ("ed.3", "two.1"), ("ed.1", "two.1")),
    ],
    "a slave that only the loser has": [install("ed", "one", 1, ("ed.1", "one.1")), install("ed", "two", 2)],
    "again with another priority": [
        install("ed", "one", 9),
        install("ed", "two", 5),
        install("ed", "one", 1),
    ],
    "a path that is not there": [install("ed", "gone", 9), install("ed", "one", 1)],
    "a link whose place is taken": [install("real", "one", 9)],
    "two names": [install("ed", "one", 9), install("vi", "one", 9)],
    "refused": [["--install", "/usr/bin/ed", "a/b", "/usr/bin/one", "1"], ["--install", "/usr/bin/ed"]],
    "not a number": [["--install", "/usr/bin/ed", "ed", "/usr/bin/one", "high"]],
    "half a slave": [["--install", "/usr/bin/ed", "ed", "/usr/bin/one", "1", "--slave", "/x"]],
}


@needs_tool
@pytest.mark.parametrize("calls", CASES.values(), ids=CASES.keys())
def test_what_the_program_leaves(calls: list[list[str]], tmp_path: Path) -> None:
    assert ours(calls) == real(tmp_path, calls)


@needs_tool
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    choices=st.lists(
        st.builds(
            install,
            st.just("ed"),
            st.sampled_from(["one", "two", "three", "gone"]),
            st.integers(-1, 2),
            st.tuples(st.sampled_from(["a.1", "b.1"]), st.sampled_from(["one.1", "gone.1"])),
        ),
        max_size=4,
        unique_by=lambda call: call[3],
    )
)
def test_any_choices(choices: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    assert ours(choices) == real(tmp_path_factory.mktemp("root"), choices)


def test_merged_usr() -> None:
    files = {f.path: f for f in apply([["--install", "/bin/ed", "ed", "/bin/one", "1"]], {"usr/bin/one"})}
    assert files["usr/bin/ed"].target == "/etc/alternatives/ed"
    assert files["etc/alternatives/ed"].target == "/bin/one"


def test_a_path_that_climbs_is_refused() -> None:
    with pytest.raises(InputError):
        apply([["--install", "/usr/../../ed", "ed", "/usr/bin/one", "1"]], PRESENT)


SCRIPT = """\
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    update-alternatives --quiet --install /usr/bin/pager pager \\
        /usr/bin/less 77 --slave /usr/share/man/man1/pager.1.gz \\
        pager.1.gz /usr/share/man/man1/less.1.gz
    DIR=/usr/bin
    update-alternatives --install $DIR/vi vi "$DIR/vim" 30
    update-alternatives --remove rcp /usr/bin/scp
    for b in w uptime; do
        update-alternatives --install "/usr/bin/$b" "$b" "/usr/bin/$b.procps" 50
    done
fi
"""


def test_calls_of_a_script() -> None:
    assert [shlex.join(call) for call in calls_in(SCRIPT)] == [
        (
            "update-alternatives --quiet --install /usr/bin/pager pager /usr/bin/less 77"
            " --slave /usr/share/man/man1/pager.1.gz pager.1.gz /usr/share/man/man1/less.1.gz"
        ),
        "update-alternatives --install /usr/bin/vi vi /usr/bin/vim 30",
    ]
    assert unclear_in(SCRIPT) == ['update-alternatives --install "/usr/bin/$b" "$b" "/usr/bin/$b.procps" 50']


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_the_alternatives_of_a_real_root(suite: str) -> None:
    root = realroot.root(suite)
    calls = [call for script in root.postinsts().values() for call in calls_in(script)]
    made = {f.path: f for f in apply(calls, root.shipped())}
    for path, file in made.items():
        if file.content is None:
            assert root.members[path].linkname == file.target, path
        else:
            assert root.content(path) == file.content, path
    folders = ("etc/alternatives/", "var/lib/dpkg/alternatives/")
    there = {p for p in root.paths if p.startswith(folders)} - {"etc/alternatives/README"}
    assert {p for p in made if p.startswith(folders)} == there
    assert made["etc/alternatives/pager"].target == "/usr/bin/less"
