from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import UsageError
from slipway.images.account import find_user

PASSWD = b"""\
root:x:0:0:root:/root:/bin/bash
app:x:1000:1001:App,,,:/home/app:/bin/sh
2000:x:5:5::/five:/bin/sh
broken:x:notanumber:0::/:/bin/sh
short:x:1
bare:x:7:7:::
"""
GROUP = b"root:x:0:\nappg:x:1001:app\nextra:x:30:root,app\nmore:x:20:app\nbad:x:x:app\n"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", (0, 0, (30,), "/root")),
        ("root", (0, 0, (30,), "/root")),
        ("app", (1000, 1001, (20, 30), "/home/app")),
        ("1000", (1000, 1001, (20, 30), "/home/app")),
        ("app:more", (1000, 20, (), "/home/app")),
        ("app:77", (1000, 77, (), "/home/app")),
        ("1000:1000", (1000, 1000, (), "/home/app")),
        ("4242", (4242, 0, (), "/")),
        ("4242:extra", (4242, 30, (), "/")),
        ("2000", (5, 5, (), "/five")),
        ("bare", (7, 7, (), "/")),
        (":more", (0, 20, (), "/root")),
    ],
)
def test_forms(spec: str, expected: tuple[int, int, tuple[int, ...], str]) -> None:
    assert find_user(PASSWD, GROUP, spec) == expected


def test_an_image_without_account_files() -> None:
    assert find_user(b"", b"", "") == (0, 0, (), "/")
    assert find_user(b"", b"", "5:6") == (5, 6, (), "/")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("ap", "no user 'ap'"),
        ("broken", "no user"),
        ("app:", "empty group"),
        ("app:a:b", "no group"),
        ("4294967295", "no user"),
        ("-1", "no user"),
        ("٣", "no user"),
        ("app:nope", "no group 'nope'"),
    ],
)
def test_refusals(spec: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        find_user(PASSWD, GROUP, spec)


def test_a_hint_for_a_misspelt_name() -> None:
    with pytest.raises(UsageError) as caught:
        find_user(PASSWD, GROUP, "appp")
    assert caught.value.hint == "did you mean 'app'?"


@given(st.binary(max_size=80), st.binary(max_size=80), st.text(max_size=12))
def test_any_files_give_an_account_or_a_clear_error(passwd: bytes, group: bytes, spec: str) -> None:
    try:
        account = find_user(passwd, group, spec)
    except UsageError:
        return
    assert min(account.uid, account.gid) >= 0
