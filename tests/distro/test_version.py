"""The order of versions is dpkg's."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from slipway.distro.version import key, satisfies

_PIECES = ("0", "1", "9", "10", "010", "a", "b", "Z", ".", "+", "~", "~~", "rc", "-1", "-~")


def _pair(chance: random.Random) -> tuple[str, str]:
    """Two versions; most differ in little, where an order can go wrong."""

    def pieces(most: int) -> str:
        return "".join(chance.choices(_PIECES, k=chance.randint(0, most)))

    start = "1" + pieces(4)
    ends = [chance.choice(("", "-0", "-1", "-1~a", "-a+1")) for _ in "12"]
    first, second = (chance.choice(("", "", "", "0:", "1:")) + start + pieces(2) + end for end in ends)
    return first, second


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is the reference")
def test_the_order_is_that_of_dpkg():
    chance = random.Random(20)
    pairs = [_pair(chance) for _ in range(300)]
    script = "".join(
        f"for o in lt eq gt; do dpkg --compare-versions '{a}' $o '{b}' && echo $o && break; done\n"
        for a, b in pairs
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    ours = ["eq" if key(a) == key(b) else "lt" if key(a) < key(b) else "gt" for a, b in pairs]
    assert set(ours) == {"lt", "eq", "gt"}
    assert list(zip(pairs, ours, strict=True)) == list(zip(pairs, done.stdout.split(), strict=True))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("1.0~rc1", "1.0"),
        ("1.0~~", "1.0~"),
        ("1.0", "1.0a"),
        ("1.0a", "1.0+"),
        ("1.9", "1.10"),
        ("9", "1:0"),
        ("1.0-1", "1.0-1+deb13u1"),
        ("1.0-1~bpo12+1", "1.0-1"),
        ("2.36-9", "2.36-10"),
    ],
)
def test_known_orders(low: str, high: str):
    assert key(low) < key(high)


@pytest.mark.parametrize(
    ("left", "right"), [("0:1.0", "1.0"), ("1.0-0", "1.0"), ("1.00", "1.0"), ("1a", "1a0")]
)
def test_equal_versions(left: str, right: str):
    assert key(left) == key(right)


def test_relations():
    assert satisfies("1.5", "", "")
    assert satisfies("1.5", ">=", "1.5")
    assert satisfies("1.5", "=", "0:1.5")
    assert not satisfies("1.5", ">>", "1.5")
    assert not satisfies("1.5", "<<", "1.5~")
    assert satisfies("1.5", "<=", "1.5-0")
