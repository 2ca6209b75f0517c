from __future__ import annotations

import pytest

from slipway.errors import Where
from slipway.python.requirement import Option, Place, Unfit, Wanted, parse, public

HERE = Where("image.yaml", 3, 5)
PLACE = Place("machine", "/recipes")


def wanted(text: str, **variables: str) -> Wanted:
    found = parse(text, HERE, PLACE, {"WORKSPACE": "/pyats", **variables})
    assert isinstance(found, Wanted), found
    return found


@pytest.mark.parametrize(
    ("text", "name", "extras", "target", "marker", "editable"),
    [
        ("${WORKSPACE}/x-1-py3-none-any.whl", "", "", "/pyats/x-1-py3-none-any.whl", "", False),
        ("$WORKSPACE/dir[a, b]", "", "a, b", "/pyats/dir", "", False),
        ("./x.whl ; python_version < '3'", "", "", "./x.whl", "python_version < '3'", False),
        ("x-1.0.tar.gz", "", "", "x-1.0.tar.gz", "", False),
        ("-e .", "", "", ".", "", True),
        ("-e$WORKSPACE/repo", "", "", "/pyats/repo", "", True),
        ("--editable=./a b", "", "", "./a b", "", True),
        ("-e 'a b'", "", "", "a b", "", True),
        ("file:///x/y.whl", "", "", "file:///x/y.whl", "", False),
        ("name[x]@ https://h/n.whl", "name", "x", "https://h/n.whl", "", False),
        (
            "n @ git+ssh://git@h/p.git@v1 ; os_name == 'x'",
            "n",
            "",
            "git+ssh://git@h/p.git@v1",
            "os_name == 'x'",
            False,
        ),
        (
            "-e git+https://h/p@b#egg=n[x]&subdirectory=d",
            "n",
            "x",
            "git+https://h/p@b#egg=n[x]&subdirectory=d",
            "",
            True,
        ),
        ("https://h/n-1.zip#sha256=ab  # why", "", "", "https://h/n-1.zip#sha256=ab", "", False),
    ],
)
def test_direct(text: str, name: str, extras: str, target: str, marker: str, editable: bool) -> None:
    found = wanted(text)
    assert (found.name, found.extras, found.marker) == (name, extras, marker)
    assert (found.target, found.editable, found.said) == (target, editable, "")


def test_from_an_index() -> None:
    found = wanted("Requests[socks]>=2,<3 ; os_name == 'posix' # x")
    assert (found.said, found.marker, found.target) == ("Requests[socks]>=2,<3", "os_name == 'posix'", "")


def test_hashes() -> None:
    found = wanted("a==1 --hash=sha256:AB --hash sha512:cd")
    assert (found.said, found.hashes) == ("a==1", ("sha256:ab", "sha512:cd"))


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("-r other.txt", "requirement", "other.txt"),
        ("-cother.txt", "constraint", "other.txt"),
        ("--requirement='a b.txt'", "requirement", "a b.txt"),
        ("-i https://h/simple", "index-url", "https://h/simple"),
        ("--extra-index-url https://h/simple", "extra-index-url", "https://h/simple"),
        ("-f ${WORKSPACE}/wheels", "find-links", "/pyats/wheels"),
        ("--no-index", "no-index", ""),
        ("--pre", "pre", ""),
        ("--only-binary :all:", "only-binary", ":all:"),
    ],
)
def test_options(text: str, name: str, value: str) -> None:
    assert parse(text, HERE, PLACE, {"WORKSPACE": "/pyats"}) == Option(name, value)


@pytest.mark.parametrize("text", ["", "  ", "# only a comment", "   # x"])
def test_nothing(text: str) -> None:
    assert parse(text, HERE, PLACE, {}) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-e requests", ""),
        ("-e https://h/x.whl", "cannot be editable"),
        ("hg+https://h/x", "only git can be asked"),
        ("x @ svn+ssh://h/x", "only git can be asked"),
        ("git+ftp://h/x", "git cannot be asked over 'ftp'"),
        ("git://h/x", "cannot be fetched over 'git'"),
        ("ftp://h/x.whl", "cannot be fetched over 'ftp'"),
        ("https://h/x", "neither a wheel nor a source distribution"),
        ("--target /tmp", "is no option of requirement files"),
        ("--no-index yes", "takes no value"),
        ("-r", "takes one value"),
        ("-r a b", "takes one value"),
        ("a --global-option=x", "option `--global-option` of a requirement"),
        ("a --hash=x", "is no hash"),
        ("https://${NOBODY}@h/x.whl", "the variable `NOBODY` has no value"),
    ],
)
def test_refused(text: str, message: str) -> None:
    if not message:  # a name alone is looked for as a directory, as pip does
        assert wanted(text).target == "requests"
        return
    with pytest.raises(Unfit, match=message):
        parse(text, HERE, PLACE, {"WORKSPACE": "/pyats"})


def test_variables() -> None:
    assert (
        wanted("https://${USER}:${KEY}@h/x.whl", USER="u", KEY="canary").target == "https://u:canary@h/x.whl"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x @ https://u:canary@h/x.whl", "x @ https://h/x.whl"),
        ("https://canary@h/x.whl", "https://h/x.whl"),
        ("git+https://u:ca@nary@h/p.git@v1", "git+https://h/p.git@v1"),
        ("git+ssh://git@h/p.git@v1", "git+ssh://git@h/p.git@v1"),
        ("git+ssh://git:canary@h/p", "git+ssh://git@h/p"),
        ("https://h/x.whl?token=canary&a=b", "https://h/x.whl?token=***&a=b"),
        ("git+https://h/p@v1", "git+https://h/p@v1"),
    ],
)
def test_without_secrets(text: str, shown: str) -> None:
    assert public(text) == shown
    assert "canary" not in repr(wanted(text))
