from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.distro.shellcalls import find


@pytest.mark.parametrize(
    ("script", "calls"),
    [
        ("tool a b", [["tool", "a", "b"]]),
        ("/usr/bin/tool a", [["/usr/bin/tool", "a"]]),
        ("  tool a \\\n\t b # not c", [["tool", "a", "b"]]),
        ("if ! tool a; then tool b; fi", [["tool", "a"], ["tool", "b"]]),
        ("x && tool a || tool b | tool c & (tool d)", [["tool", c] for c in "abcd"]),
        ("case $1 in configure) tool a ;; esac", [["tool", "a"]]),
        ("tool a >/dev/null 2>&1 < /in b", [["tool", "a", "b"]]),
        ("tool 'a b' \"c d\" e\\ f ''", [["tool", "a b", "c d", "e f", ""]]),
        ('N=v; P="/opt/$N"\ntool $P ${N}x "$N"', [["tool", "/opt/v", "vx", "v"]]),
        ("in_root tool a", [["tool", "a"]]),
        ("cat <<EOF\ntool a\nEOF\ntool b", [["tool", "b"]]),
        ("cat <<-'END'\n\ttool a\n\tEND\ntool b", [["tool", "b"]]),
        ("# tool a", []),
        ("echo tool a; mytool b; tool-x c", []),
        ('echo "tool a; tool b"', []),
        ('[ "$(readlink "$X")" = "y" ] && tool a', [["tool", "a"]]),
        ('tool ${DPKG_ROOT:+--root="$DPKG_ROOT"} a $DPKG_ROOT/b', [["tool", "a", "/b"]]),
    ],
)
def test_what_is_found(script: str, calls: list[list[str]]) -> None:
    assert find(script, ("tool",), through=("in_root",)) == (calls, [])


@pytest.mark.parametrize(
    "call",
    [
        "tool $1",
        "tool $(date)",
        "tool `date`",
        "tool *.x",
        'tool "$UNKNOWN"',
        "tool ${X:-y}",
        "tool $((1 + 2))",
    ],
)
def test_what_is_unclear(call: str) -> None:
    assert find(call, ("tool",)) == ([], [call])


@pytest.mark.parametrize(
    "script",
    [
        "if x; then A=1; else A=2; fi; tool $A",
        "for A in 1 2; do tool $A; done",
        "A=1; A=$(x); tool $A",
        "A='b c'; tool $A",
    ],
)
def test_a_variable_that_may_differ_is_unclear(script: str) -> None:
    assert find(script, ("tool",)) == ([], ["tool $A"])


@given(st.text("tol \\\n'\"$(){}`;&|<>#E=", max_size=60))
def test_any_text_is_read_to_its_end(script: str) -> None:
    find("tool " + script, ("tool",))
