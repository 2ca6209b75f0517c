"""What commands install: in Dockerfiles and in notebooks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slipway.scan.source.pins import installs
from slipway.scan.source.pins.model import Include, Loose, Pin
from slipway.scan.source.pins.which import form
from tests.scan.source.kit import content
from tests.scan.source.test_pins import read


def told(script: str) -> list[str]:
    """`NAME==VERSION`, `-r FILE`, or the rule of what is not known, each with its line."""
    found = []
    for entry in installs.read(script):
        if isinstance(entry, Pin):
            text = f"{entry.name}=={entry.version}"
        else:
            text = f"-r {entry.name}" if isinstance(entry, Include) else entry.rule
        found.append(f"{entry.line} {text}")
    return found


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("pip install a==1", ["1 a==1"]),
        ("pip3.11 install a==1 b", ["1 a==1", "1 unpinned"]),
        ("/opt/v/bin/python -m pip --no-cache-dir install -U a==1", ["1 a==1"]),
        ("FOO=1 sudo -E pip install --target /x --index-url https://h/s a==1", ["1 a==1"]),
        ("uv pip install --system a==1; pipx install b==2", ["1 a==1", "1 b==2"]),
        ("pip install a==1 \\\n  b==2 \\\n  && pip install c==3\npip install d==4", ["1 a==1", "2 b==2", "3 c==3", "4 d==4"]),
        ("pip install 'a[x]==1 ; python_version > \"3\"' \"b>=1\"", ["1 a==1", "1 unpinned"]),
        ("pip install a==1 > log 2>&1 && pip install b==2 2> /dev/null", ["1 a==1", "1 b==2"]),
        ("pip install a>=1", ["1 unpinned"]),  # to a shell that is a redirection
        ("pip install a==1 # b==2\npip install c==3", ["1 a==1", "2 c==3"]),
        ("# pip install a==1, don't\npip install b==2", ["2 b==2"]),
        ("if true; then pip install a==1; fi & (pip install b==2)", ["1 a==1", "1 b==2"]),
        ("sh -c 'pip install a==1 && echo'", ["1 a==1"]),
        ("pip install -r a.txt -rb.txt --requirement=c.txt -c d.txt", ["1 -r a.txt", "1 -r b.txt", "1 -r c.txt", "1 -r d.txt"]),
        ("pip install . ./here '..[x]' -e . --editable=./there", []),
        ("pip install ./x.whl /src https://me:c4n4ry@h.example.org/x.zip -e git+https://h.example.org/x", ["1 unpinned"] * 4),
        ("pip install $A -r $B -e ${C} `d` a==1", ["1 unread"] * 4 + ["1 a==1"]),
        ("cat list | xargs pip install", ["1 unread"]),
        ("pip install", ["1 unread"]),
        ("pip install -r", ["1 unread"]),
        ("pip install 'a==1", ["1 unread"]),
        ("apt-get install 'python3-pip", []),
        ("conda install -y a=1 && mamba create -n x", ["1 unread"]),
        ("pip uninstall a; pip list | grep install; apt-get install pip; pip show install", []),
        ("cat <<E > f\nx\nE\npip install a==1", ["4 a==1"]),
        ("pip install " + "'" * 9999, ["1 unread"]),
    ],
)  # fmt: skip
def test_commands(script: str, wanted: list[str]) -> None:
    assert told(script) == wanted
    assert "c4n4ry" not in repr(list(installs.read(script)))


DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM python:3.11 AS base
ARG V=1
RUN --mount=type=cache,target=/root/.cache \\
    pip install \\
      # don't install this==1

      jinja2==3.1.3 \\
      other==$V && \\
    pip install -r /tmp/requirements.txt -r needed/more.txt -r gone.txt
RUN ["pip", "install", "flask==2.0"]
run <<EOF
pip install a==1
EOF
RUN cat > /x <<EOF
pip install nothing==1
EOF
ONBUILD RUN pip install late==1
COPY . .
RUN bash <<-E
\tpip install tabbed==1
\tE
CMD ["pip", "install", "nothing==1"]
"""


def test_dockerfile() -> None:
    files = {
        "docker/web/Dockerfile": DOCKERFILE,
        "docker/requirements.txt": "fine==1\n",
        "needed/more.txt": "more==1\n",
    }
    found, gaps = read(files)
    assert [row[:1] + row[2:] for row in found] == [
        ("docker/web/Dockerfile", "jinja2", "3.1.3", 8),
        ("docker/requirements.txt", "fine", "1", 1),
        ("needed/more.txt", "more", "1", 1),
        ("docker/web/Dockerfile", "flask", "2.0", 11),
        ("docker/web/Dockerfile", "a", "1", 13),
        ("docker/web/Dockerfile", "late", "1", 18),
        ("docker/web/Dockerfile", "tabbed", "1", 21),
    ]
    assert [row[:3] for row in gaps] == [
        ("unread", "docker/web/Dockerfile", 9),
        ("unread", "docker/web/Dockerfile", 10),
    ]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *((name, True) for name in ("Dockerfile", "a/Dockerfile.dev", "Containerfile", "web.dockerfile")),
        *(
            (name, False)
            for name in ("Dockerfile.dockerignore", "a/dockerfile.py", "Dockerfiles", "x.docker")
        ),
    ],
)
def test_which_are_dockerfiles(name: str, is_one: bool) -> None:
    assert (form(content(name, "")) == "dockerfile") == is_one


@pytest.mark.parametrize(
    "text", ["# escape=`\nRUN pip install a==1\n", "#syntax=x\n# Escape = `\nRUN x\n", "RUN x\n" * (1 << 18)]
)
def test_dockerfiles_that_cannot_be_read(text: str) -> None:
    found, gaps = read({"Dockerfile": text})
    assert not found
    assert [row[:3] for row in gaps] == [("unread", "Dockerfile", 0)]


@pytest.mark.parametrize(
    "text", ["RUN <<E\npip install a==1\n", "RUN", 'RUN ["pip", 1]\n', "RUN [" * 9999, "\\\n" * 9999]
)
def test_broken_dockerfiles_end_nothing(text: str) -> None:
    read({"Dockerfile": text})


def notebook(*cells: str | list[str], kind: str = "code") -> str:
    more: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    rows: list[dict[str, Any]] = [
        {"cell_type": kind, "metadata": {}, **more, "source": source} for source in cells
    ]
    return json.dumps({"cells": rows, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def test_notebook() -> None:
    cells: list[str | list[str]] = [
        ["import x\n", "%pip install -q jinja2==3.1.3 \\\n", "  flask==2.0\n", "!pip install bare"],
        ["%%bash\n", "echo ü\n", "pip install a==1"],
        ["x = !{sys.executable} -m pip install b==2\n", "%conda install c\n", "print('pip install d==1')\n"],
        "pip install e==1\n%sx pip install -r more.txt",
        ["# %pip install f\n", "y = a % pip\n"],
    ]
    text = notebook(*cells)
    lines = text.splitlines()
    found, gaps = read({"a/x.ipynb": text, "a/more.txt": "more==1\n"})
    assert [row[2] for row in found] == ["jinja2", "flask", "a", "b", "e", "more"]
    for path, _, name, version, line in found:
        assert path != "a/x.ipynb" or f"{name}=={version}" in lines[line - 1]
    assert [(rule, lines[line - 1].strip()) for rule, _, line, _ in gaps] == [
        ("unpinned", '"!pip install bare"'),
        ("unread", '"%conda install c\\n",'),
    ]


def test_only_code_installs() -> None:
    assert read({"x.ipynb": notebook("%pip install a", kind="markdown")}) == ([], [])


def test_a_line_is_found_where_it_stands() -> None:
    """What was printed before, and other cells with the same line, are not taken for it."""
    cell: dict[str, Any] = {"cell_type": "code", "outputs": [{"text": ["%pip install a==1"]}]}
    text = json.dumps(
        {"cells": [{**cell, "source": ["%pip install a==1"]}] * 2, "nbformat": 4}, indent=1, sort_keys=True
    )
    lines = [n for n, line in enumerate(text.splitlines(), 1) if "source" in line]
    assert [row[4] for row in read({"x.ipynb": text})[0]] == [n + 1 for n in lines]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"nbformat": 3, "worksheets": []}',
        '{"nbformat": 4, "cells": {}}',
        '{"nbformat": 4, "cells": [1]}',
        '{"nbformat": 4, "cells": [{"source": [1]}]}',
        '{"nbformat": 4, "cells": [], "cells": []}',
        '{"nbformat": 4, "cells": ' + "[" * 100_000,
    ],
)
def test_notebooks_that_cannot_be_read(text: str) -> None:
    found, gaps = read({"x.ipynb": text})
    assert not found
    assert [row[:3] for row in gaps] == [("unread", "x.ipynb", 0)]


def test_what_is_not_known_says_why() -> None:
    (entry,) = installs.read("pip install $WHAT")
    assert entry == Loose("unread", "what is installed here is known only when it is run", 1)
