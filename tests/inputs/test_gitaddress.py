from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.inputs.gitaddress import below, parse, public

HERE = Path("/recipes")


@pytest.mark.parametrize(
    ("url", "shown", "wire", "scheme", "host", "user", "password"),
    [
        ("https://h.org/a.git", "https://h.org/a.git", "https://h.org/a.git", "https", "h.org", "", ""),
        ("https://u:p%40w@H.org:8443/a", "https://h.org:8443/a", "https://h.org:8443/a", "https", "h.org:8443", "u", "p@w"),
        ("https://t0ken@h.org/a", "https://h.org/a", "https://h.org/a", "https", "h.org", "t0ken", ""),
        ("git+https://h.org/a", "https://h.org/a", "https://h.org/a", "https", "h.org", "", ""),
        ("ssh://git@h.org:22/~/a", "ssh://git@h.org:22/~/a", "ssh://git@h.org:22/~/a", "ssh", "h.org:22", "git", ""),
        ("ssh://git:pw@h.org/a", "ssh://git@h.org/a", "ssh://git@h.org/a", "ssh", "h.org", "git", "pw"),
        ("ssh://h.org/a", "ssh://h.org/a", "ssh://h.org/a", "ssh", "h.org", "", ""),
        ("git@h.org:a/b.git", "git@h.org:a/b.git", "git@h.org:a/b.git", "ssh", "h.org", "git", ""),
        ("h.org:a", "h.org:a", "h.org:a", "ssh", "h.org", "", ""),
        ("git://[::1]:9418/a", "git://[::1]:9418/a", "git://[::1]:9418/a", "git", "[::1]:9418", "", ""),
        ("file:///srv/a", "file:///srv/a", "file:///srv/a", "file", "", "", ""),
        ("/srv/a", "/srv/a", "/srv/a", "file", "", "", ""),
        ("./a:b", "./a:b", "/recipes/a:b", "file", "", "", ""),
        ("../a", "../a", "/recipes/../a", "file", "", "", ""),
    ],
)  # fmt: skip
def test_forms(url: str, shown: str, wire: str, scheme: str, host: str, user: str, password: str) -> None:
    found = parse(url, HERE)
    assert (found.public, found.wire, found.scheme) == (shown, wire, scheme)
    assert (found.host, found.user, found.password) == (host, user, password)
    assert public(url) == shown
    assert parse(shown, HERE).wire == wire  # what a lock keeps leads to the same place
    if password:
        assert password not in repr(found)


def test_parts_of_hosts() -> None:
    assert (parse("ssh://[::1]:22/a", HERE).name, parse("ssh://[::1]:22/a", HERE).port) == ("::1", 22)
    assert (parse("ssh://[::1]/a", HERE).name, parse("ssh://[::1]/a", HERE).port) == ("::1", None)
    assert (parse("ssh://h:7/a", HERE).name, parse("h:7/a", HERE).port) == ("h", None)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-oProxyCommand=x",
        "ext::sh -c id",
        "svn://h/a",
        "https:///a",
        "https://h:x/a",
        "ssh://-x/a",
        "a\0b",
    ],
)
def test_none(url: str) -> None:
    with pytest.raises(UsageError):
        parse(url, HERE)


def test_what_is_no_address_is_shown_without_its_password() -> None:
    assert "canary" not in public("svn://u:canary@h/a")
    with pytest.raises(UsageError) as caught:
        parse("svn://u:canary@h/a", HERE)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("parent", "url", "expected"),
    [
        ("https://h/a/b.git", "../c.git", "https://h/a/c.git"),
        ("https://h/a/b.git/", "../../c", "https://h/c"),
        ("https://h/a", "./sub", "https://h/a/sub"),
        ("https://h/a", "https://o/x", "https://o/x"),
        ("git@h:a/b.git", "../c.git", "git@h:a/c.git"),
        ("git@h:b.git", "../c.git", "git@h:c.git"),
        ("/srv/a/b", "../c", "/srv/a/c"),
    ],
)
def test_submodules(parent: str, url: str, expected: str) -> None:
    assert below(parent, url) == expected


@pytest.mark.parametrize("parent", ["https://h/a", "ssh://h/a", "/a"])
def test_submodules_above_everything(parent: str) -> None:
    with pytest.raises(UsageError, match="above"):
        below(parent, "../../../c")
