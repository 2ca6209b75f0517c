from __future__ import annotations

import pytest

from slipway.distro.native import FileReader, NativeFile
from slipway.distro.users import accounts, calls_in
from tests.distro import realroot

PASSWD = b"root:*:0:0:root:/root:/bin/bash\n_apt:*:42:65534::/nonexistent:/usr/sbin/nologin\n"
GROUP = b"root:*:0:\nshadow:*:42:\nusers:*:100:\nnogroup:*:65534:\n"
MASTER = {"usr/share/base-passwd/passwd.master": PASSWD, "usr/share/base-passwd/group.master": GROUP}


def reader(files: dict[str, bytes]) -> FileReader:
    return lambda *paths: {p: files[p] for p in paths if p in files}


def made(
    scripts: dict[str, str], files: dict[str, bytes] | None = None, names: tuple[str, ...] = ("passwd",)
) -> dict[str, NativeFile]:
    found = accounts(reader({**MASTER, **(files or {})}), {*names, *scripts}, scripts)
    return {file.path: file for file in found}


def last(files: dict[str, NativeFile], path: str, count: int = 1) -> list[str]:
    content = files[path].content
    assert content is not None
    return content.decode().splitlines()[-count:]


def test_shadow_is_on_and_secret() -> None:
    files = made({})
    assert last(files, "etc/passwd", 2)[0] == "root:x:0:0:root:/root:/bin/bash"
    assert last(files, "etc/shadow", 2)[0] == "root:*::0:99999:7:::"
    assert last(files, "etc/gshadow") == ["nogroup:*::"]
    assert (files["etc/shadow"].mode, files["etc/shadow"].gid) == (0o640, 42)
    assert files["etc/passwd-"] == NativeFile("etc/passwd-", PASSWD, mode=0o600)
    assert set(files) == {
        *("etc/passwd", "etc/passwd-", "etc/group", "etc/group-", "etc/shadow", "etc/gshadow"),
        *("etc/subuid", "etc/subgid"),
    }


def test_without_the_package_passwd_there_is_no_shadow() -> None:
    files = made({}, names=())
    assert set(files) == {"etc/passwd", "etc/group", "etc/subuid", "etc/subgid"}
    assert files["etc/passwd"].content == PASSWD


def test_without_base_passwd_there_is_nothing() -> None:
    assert accounts(reader({}), ["passwd"]) == []


def test_adduser_counts_up_and_keeps_what_is_there() -> None:
    files = made(
        {
            "b": "addgroup --system --quiet bb\nadduser --system --ingroup bb --home /b --shell /bin/sh bb",
            "a": "adduser --system \\\n  --gecos 'The A' --group aa\nadduser --system _apt\nadduser --system solo",
        }
    )
    assert last(files, "etc/passwd", 3) == [
        "aa:x:100:101:The A:/nonexistent:/usr/sbin/nologin",
        "solo:x:101:65534::/nonexistent:/usr/sbin/nologin",
        "bb:x:102:102::/b:/bin/sh",
    ]
    assert last(files, "etc/group", 2) == ["aa:x:101:", "bb:x:102:"]
    assert last(files, "etc/shadow") == ["bb:!:::::::"]
    assert last(files, "etc/group-") == ["aa:x:101:"]


def test_useradd_counts_down_from_the_lowest() -> None:
    files = made({"a": "groupadd -g 42 shadow; useradd -r -g nogroup -d /d one; useradd --system -M two"})
    assert last(files, "etc/passwd", 2) == [
        "one:x:999:65534::/d:/bin/sh",
        "two:x:998:998::/home/two:/bin/sh",
    ]


def test_memberships_wait_for_the_group_of_another_package() -> None:
    files = made(
        {"a": "adduser --system --group aa\nadduser aa zz\nadduser aa none", "z": "addgroup --system zz"}
    )
    assert last(files, "etc/group") == ["zz:x:102:aa"]
    assert last(files, "etc/gshadow") == ["zz:!::aa"]


def test_sysusers_groups_first_and_down_from_999() -> None:
    conf = b"""\
u one - "The One" /one
u! two -:nogroup
g grp -
g users 100
u four 400
m one grp
u bad/name -
u spec%b -
u "open - quote
"""
    files = made(
        {"a": 'systemd-sysusers ${DPKG_ROOT:+--root="$DPKG_ROOT"} a.conf ../../../etc/passwd.conf'},
        {"usr/lib/sysusers.d/a.conf": conf},
    )
    assert last(files, "etc/passwd", 3) == [
        "one:x:998:998:The One:/one:/usr/sbin/nologin",
        "two:x:997:65534::/:/usr/sbin/nologin",
        "four:x:400:400::/:/usr/sbin/nologin",
    ]
    assert last(files, "etc/group", 3) == ["grp:x:999:one", "one:x:998:", "four:x:400:"]
    assert last(files, "etc/shadow", 2)[0] == "two:!*::::::1:"


def test_scripts_are_found_in_the_image_too() -> None:
    files = {**MASTER, "var/lib/dpkg/info/x.postinst": b"#!/bin/sh\naddgroup --system xx\n"}
    found = {f.path: f for f in accounts(reader(files), ["passwd", "x"])}
    assert last(found, "etc/group") == ["xx:x:101:"]


def test_a_known_package_without_its_script() -> None:
    assert last(made({}, names=("passwd", "openssh-client")), "etc/group") == ["_ssh:x:101:"]
    files = made({"tftpd-hpa": "adduser --system --group ${TFTP_USERNAME}"})
    assert last(files, "etc/passwd") == ["tftp:x:100:101:tftp daemon:/srv/tftp:/usr/sbin/nologin"]


def test_accounts_of_a_base_image_stay_as_they_are() -> None:
    base = {
        "etc/passwd": b"root:x:0:0:r:/root:/bin/sh\n",
        "etc/group": b"root:x:0:\n",
        "etc/subuid": b"me:1:2\n",
    }
    files = made({"a": "addgroup --system aa"}, base)
    assert set(files) == {"etc/group", "etc/group-", "etc/subgid"}
    assert last(files, "etc/group", 2) == ["root:x:0:", "aa:!:100:"]


@pytest.mark.parametrize(
    "call",
    ["adduser --system a:b", "adduser", "useradd -r", "adduser --system --group ''", "useradd -r 'x y'"],
)
def test_a_name_that_is_none_adds_nothing(call: str) -> None:
    assert set(made({"a": call})) == set(made({}))


def test_the_order_of_names_does_not_matter() -> None:
    scripts = {n: f"adduser --system --group {n}" for n in ("c", "a", "b")}
    assert made(scripts) == made(dict(sorted(scripts.items())))


def test_unclear_calls_are_told() -> None:
    found = calls_in('for u in a b; do adduser --system "$u"; done\naddgroup --system ok')
    assert found.calls == [["addgroup", "--system", "ok"]]
    assert found.unclear == ['adduser --system "$u"']


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_the_account_files_of_a_real_root(suite: str) -> None:
    root = realroot.root(suite)
    made_files = {f.path: f for f in accounts(root.read, root.packages(), root.postinsts())}
    real = realroot.MADE - {"etc/ca-certificates.conf"}
    assert set(made_files) == {path for path in root.members if path in real}
    for path, file in made_files.items():
        member = root.members[path]
        assert file.content == root.content(path), path
        assert (file.mode, file.uid, file.gid) == (member.mode, member.uid, member.gid), path
    assert b"\n_ssh:x:101:\n" in (made_files["etc/group"].content or b"")
