from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.distro.scripts import Verdict, digest, verdict
from slipway.distro.system import uncovered
from slipway.distro.world import World
from tests.distro import realdebs, realroot

SYSTEMD = """\
#!/bin/sh
set -e
# Automatically added by dh_installsystemd/13.11.4
if [ "$1" = "configure" ]; then
    deb-systemd-helper enable 'x.service' >/dev/null || true
fi
# End automatically added section
exit 0
"""


def judge(package: str, postinst: str, unclear: tuple[str, ...] = ()) -> Verdict:
    return verdict(package, digest({"postinst": postinst}), unclear)


GENERATED = """\
#!/bin/sh
# Automatically added by dh_installdeb/13
dpkg-maintscript-helper rm_conffile /etc/x 1 -- "$@"
# End automatically added section
"""


@pytest.mark.parametrize(
    "script",
    [
        "",
        "#!/bin/sh\nset -e\nexit 0\n",
        '#!/bin/sh\nset -e\ncase "$1" in\n  configure|triggered)\n  ;;\n  *)\n    echo "unknown `$1\'" >&2\n    exit 1\n  ;;\nesac\n',
        "#!/bin/sh\n. /usr/share/debconf/confmodule\ndb_stop || true\n",
        '#!/bin/sh\nif [ "$1" = configure ] && command -v systemctl >/dev/null; then\n  systemctl daemon-reload || :\nfi\n',
        GENERATED,
    ],
)
def test_nothing_matters(script):
    assert judge("x", script).kind == "none"


def test_generated_parts():
    assert digest({"postinst": SYSTEMD, "prerm": "#!/bin/sh\nrm -r /\n"}) == {
        "postinst": {"sections": ["dh_installsystemd"], "runs": []}
    }
    assert judge("x", SYSTEMD) == Verdict("covered", "units are enabled natively")
    strange = judge("x", SYSTEMD.replace("dh_installsystemd", "dh_wonder"))
    assert (strange.kind, strange.why) == ("uncovered", "runs what dh_wonder generated")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("mkdir -p /srv/x", "mkdir"),
        ('[ -d /x ] || { install -d "/x" ; }', "install"),
        ("if ! A=1 B='2 3' chown x /y; then :; fi", "chown"),
        ("FOO=$(gconftool --all)", "gconftool"),
        ("  start) /usr/sbin/thing --now ;;", "thing"),
        ("echo hello > /etc/x", "writes files"),
        ("cat > /etc/x <<EOF\nrm -rf /\nEOF", "writes files"),
        ("perl -e 'x; y' && glib-compile-schemas /usr", "glib-compile-schemas"),
    ],
)
def test_what_would_matter(line, found):
    result = judge("x", f"#!/bin/sh\nset -e\n{line}\n")
    assert result.kind == "uncovered"
    assert found in result.why
    assert "rm" not in result.why


def test_own_functions_and_silence_do_not_count():
    script = '#!/bin/sh\nlook() {\n  grep -q x /etc/y 2>/dev/null >&2\n}\nlook && echo "a > b; rm x"\n'
    result = judge("x", script)
    assert "look" not in result.why
    assert "writes" not in result.why


def test_calls_with_a_native_counterpart():
    script = "#!/bin/sh\nadduser --system x\nupdate-alternatives --install /usr/bin/a a /usr/bin/b 1\n"
    assert judge("x", script) == Verdict(
        "covered", "accounts are made natively, alternatives are set natively"
    )
    assert judge("x", script, ("adduser $X",)).kind == "uncovered"


def test_packages_that_were_read():
    script = "#!/bin/sh\nchmod u+s /bin/ping\n"
    assert judge("iputils-ping", script) == Verdict("covered", "its mode is set natively")
    assert judge("python3.13-minimal", script).kind == "covered"
    assert judge("libpython3.13-minimal", script).kind == "none"
    assert judge("other", script).kind == "uncovered"


def test_programs_that_are_no_shell():
    assert judge("x", "#!/usr/bin/perl\nsystem('x');\n").why == "its postinst would run: (perl)"
    assert judge("x", "\x7fELF\0\1").kind == "uncovered"


@given(st.text(max_size=300))
def test_any_text_is_read(text):
    digest({"postinst": text})


@pytest.mark.parametrize(
    "text", ["a|" * 50_000, "(" * 100_000, "a b " * 30_000, "A='" * 30_000, "x\\\n" * 50_000, "a=b " * 30_000]
)
def test_no_text_takes_long(text):
    began = time.process_time()
    digest({"postinst": text})
    assert time.process_time() - began < 5


@pytest.mark.slow
@pytest.mark.net
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_of_a_base_system_nothing_is_left(suite):
    left = {row["package"]: row["why"] for row in uncovered(World(realdebs.fragments(suite)))}
    assert left.keys() <= {"vim-runtime"}  # diverts files of vim-tiny
