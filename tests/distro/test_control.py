from __future__ import annotations

import pytest

from slipway.distro.control import paragraph, read_control
from slipway.errors import InputError
from tests.distro.debkit import folder, link, member, tar

CONTROL = b"Package: toy\nVersion: 1:2.0-3\nArchitecture: all\n"


def control(*members, text=CONTROL):
    return read_control([tar([folder("./"), member("./control", text), *members])], "toy")


def test_fields_keep_order_and_shape():
    text = (
        "Package: toy\nDepends: a,\n b (>= 1)\n# note\nDescription: short\n long\n .\n more\nX-Odd:  two  \n"
    )
    assert paragraph(text, "toy") == (
        ("Package", "toy"),
        ("Depends", "a,\n b (>= 1)"),
        ("Description", "short\n long\n .\n more"),
        ("X-Odd", "two"),
    )


def test_inner_spaces_at_the_end_of_a_line_stay():
    assert paragraph("Description: short \n long\n", "toy") == (("Description", "short \n long"),)


@pytest.mark.parametrize(
    "text", ["", "no colon\n", " Package: x\n", "A: 1\na: 2\n", "A: 1\n\nB: 2\n", "-A: 1\n", "Pack age: x\n"]
)
def test_malformed_stanzas(text):
    with pytest.raises(InputError, match="malformed"):
        paragraph(text, "toy")


def test_files_of_the_control_member():
    found = control(
        member("./conffiles", b"/etc/a\n/etc/b c\nremove-on-upgrade /etc/old\n\n"),
        member("./triggers", b"# comment\ninterest-noawait /usr/x\nactivate ldconfig # why\n\nbroken\n"),
        member("./postinst", b"#!/bin/sh\n", mode=0o755),
    )
    assert found.conffiles == ("/etc/a", "/etc/b c")
    assert found.triggers == (("interest-noawait", "/usr/x"), ("activate", "ldconfig"))
    assert found.files.keys() == {"conffiles", "triggers", "postinst"}
    assert found.info_name == "toy"
    assert found.get("version") == "1:2.0-3"


def test_same_names_carry_the_architecture():
    text = b"Package: lib\nVersion: 1\nArchitecture: arm64\nMulti-Arch: same\n"
    assert control(text=text).info_name == "lib:arm64"


@pytest.mark.parametrize(
    "bad",
    [
        member("../evil", b""),
        member("sub/file", b""),
        member("list", b"/etc/passwd\n"),
        member("-x", b""),
        member("control", CONTROL),
        link("postinst", "/bin/sh"),
        folder("sub"),
    ],
)
def test_what_does_not_belong_there(bad):
    with pytest.raises(InputError):
        control(bad)


@pytest.mark.parametrize(
    "text",
    [
        b"Version: 1\nArchitecture: all\n",
        b"Package: ../x\nVersion: 1\nArchitecture: all\n",
        b"Package: toy\nVersion: 1\n\nArchitecture: all\n",
        b"Package: toy\nVersion: x\nArchitecture: all\n",
        b"Package: toy\nVersion: 1\nArchitecture: a/b\n",
        b"Package: t\xff\nVersion: 1\nArchitecture: all\n",
    ],
)
def test_bad_identity(text):
    with pytest.raises(InputError):
        control(text=text)
