from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from slipway.distro.pam import common_files
from tests.distro import realroot

if TYPE_CHECKING:
    from slipway.distro.world import World

TEMPLATE = """\
# head
# here are the per-package modules (the "Primary" block)
$primary
# here's the fallback if no module succeeds
auth requisite pam_deny.so
# and here are more per-package modules (the "Additional" block)
$additional
# end of pam-auth-update config
"""
UNIX = """\
Name: Unix
Default: yes
Priority: 256
Auth-Type: Primary
Auth:
\t[success=end default=ignore]\tpam_unix.so nullok try_first_pass
Auth-Initial:
\t[success=end default=ignore]\tpam_unix.so nullok
"""


class Texts:
    """As much of a `World` as PAM looks at: the texts of files."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def text(self, path: str) -> str:
        return self.files.get(path, "")

    def below(self, directory: str) -> list[str]:
        return sorted(p for p in self.files if p.rpartition("/")[0] == directory)


def fill(**profiles: str) -> list[str]:
    files = {f"usr/share/pam-configs/{name}": text for name, text in profiles.items()}
    made = common_files(cast("World", Texts({**files, "usr/share/pam/common-auth": TEMPLATE})))
    content = next(f.content for f in made if f.path == "etc/pam.d/common-auth")
    assert content is not None
    return content.decode().splitlines()


def test_jumps_count_what_is_left_and_the_first_is_initial() -> None:
    first = UNIX.replace("256", "300").replace("pam_unix", "pam_krb5")
    first = first.replace("nullok\n", "a  b\n").replace(
        "[success=end default=ignore]\tpam_krb5.so a", "sufficient\tpam_krb5.so a"
    )
    assert fill(unix=UNIX, krb=first)[2:4] == [
        "auth\tsufficient\tpam_krb5.so a b",
        "auth\t[success=1 default=ignore]\tpam_unix.so nullok try_first_pass",
    ]


def test_conflicts_and_defaults() -> None:
    other = "Name: O\nDefault: yes\nPriority: 900\nConflicts: unix, x\nAuth-Type: Additional\nAuth:\n\toptional pam_o.so\n"
    off = UNIX.replace("Default: yes", "Default: no")
    assert fill(unix=UNIX, other=other, off=off) == [
        "# head",
        '# here are the per-package modules (the "Primary" block)',
        "auth\t[default=1]\t\t\tpam_permit.so",
        "# here's the fallback if no module succeeds",
        "auth requisite pam_deny.so",
        '# and here are more per-package modules (the "Additional" block)',
        "auth\toptional pam_o.so ",
        "# end of pam-auth-update config",
    ]


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_the_stacks_of_a_real_root(suite: str) -> None:
    root = realroot.root(suite)
    texts = {p: root.content(p).decode() for p in root.paths if p.startswith("usr/share/pam")}
    made = common_files(cast("World", Texts(texts)))
    there = {p for p in root.paths if p.startswith(("var/lib/pam/", "etc/pam.d/common-"))}
    assert {f.path for f in made} == there
    for file in made:
        assert file.content == root.content(file.path), file.path
