from __future__ import annotations

import random
from dataclasses import replace

from slipway.build.layers import BIG_WHEEL, MOST_SHARES, SHARE, big_wheels, shares
from slipway.python.model import Dist


def dists(count: int, size: int) -> list[Dist]:
    names = [f"{random.Random(n).randbytes(4).hex()}-{n}" for n in range(count)]
    return sorted((Dist(name, "1", f"{name}.whl", "", "", size) for name in names), key=lambda d: d.name)


def flat(found: list[list[Dist]]) -> list[str]:
    return sorted(d.name for share in found for d in share)


def test_few_wheels_are_one_layer() -> None:
    few = dists(20, SHARE // 21)
    assert shares(few) == [few]
    assert shares([]) == [[]]


def test_many_wheels_are_a_few_layers_of_like_size() -> None:
    many = dists(200, MOST_SHARES * SHARE // 100)
    found = shares(many)
    assert len(found) == MOST_SHARES
    assert flat(found) == [d.name for d in many]
    assert min(map(len, found)) > 200 // MOST_SHARES // 2


def test_a_new_wheel_or_version_changes_one_layer() -> None:
    many = dists(200, MOST_SHARES * SHARE // 100)
    before = shares(many)
    for new in (*dists(230, SHARE // 100)[::20], replace(many[7], version="2")):
        after = shares(sorted([*(d for d in many if d.name != new.name), new], key=lambda d: d.name))
        assert sum(a != b for a, b in zip(before, after, strict=True)) <= 1


def test_a_further_layer_takes_from_the_others_and_else_nothing_moves() -> None:
    for count in range(1, MOST_SHARES):
        few, more = dists(100, count * SHARE // 101), dists(100, (count + 1) * SHARE // 101)
        before, after = shares(few), shares(more)
        assert len(after) == len(before) + 1
        for old, new in zip(before, after, strict=False):
            assert {d.name for d in new} <= {d.name for d in old}


def test_big_wheels_are_alone() -> None:
    small, big = dists(3, BIG_WHEEL - 1), dists(30, BIG_WHEEL)
    assert set(big_wheels([*small, *big])) < set(big)
