"""Lists of what has no support, in the words of the files that Debian ships."""

from __future__ import annotations

from slipway.scan.advisories.debian.support import Unsupported, end_of_release, ended, limited

TABLE = """version,codename,series,created,release,eol,eol-lts,eol-elts
11,Bullseye,bullseye,2019-07-06,2021-08-14,2024-08-14,2026-08-31,2031-06-30
13,Trixie,trixie,2023-06-10,2025-08-09,2028-08-09,2030-06-30,2035-06-30
14,Forky,forky,2025-08-09
,Sid,sid,1993-08-16
"""
UBUNTU = """version,codename,series,created,release,eol,eol-server,eol-esm
22.04 LTS,Jammy Jellyfish,jammy,2021-10-14,2022-04-21,2027-06-01,2027-06-01,2032-04-21
"""


def test_ended() -> None:
    text = "# a comment\n\nwpewebkit\t2.38.6-1\t\t2023-05-09\thttps://bugs.example.org/1\nlxd 5.0 2026-06-12\nhalf a line\n"
    assert list(ended(text)) == [
        Unsupported("wpewebkit", "2023-05-09", "https://bugs.example.org/1"),
        Unsupported("lxd", "2026-06-12", ""),
    ]


def test_limited() -> None:
    found = list(limited("#x\ngolang.*        See the notes\nbinutils\tOnly for  trusted\nadns\n"))
    assert [(u.pattern, u.since, u.why) for u in found] == [
        ("golang.*", "", "See the notes"),
        ("binutils", "", "Only for  trusted"),
        ("adns", "", ""),
    ]


def test_names_are_patterns() -> None:
    assert Unsupported("golang.*", "", "").means("golang-1.19")
    assert not Unsupported("vte", "", "").means("vte2.91")
    assert Unsupported("g++(", "", "").means("g++(")


def test_the_end_of_a_release() -> None:
    assert end_of_release(TABLE, "bullseye") == "2026-08-31"
    assert end_of_release(TABLE, "trixie") == "2030-06-30"
    assert end_of_release(UBUNTU, "jammy") == "2027-06-01"
    assert end_of_release(TABLE, "forky") == end_of_release(TABLE, "jammy") == ""
    assert end_of_release("", "bullseye") == end_of_release("\0,\n1", "bullseye") == ""
