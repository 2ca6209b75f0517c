from __future__ import annotations

import pytest

from slipway.sandbox.users import subordinate

FILE = "me:100000:65536\nother:200000:65536\n1000:300000:10\nme:400000:100\nbad\nme:x:y\n"


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (("me", "1000"), ((0, 1000, 1), (1, 100000, 65536))),
        (("1000",), ((0, 1000, 1), (1, 300000, 10))),
        (("nobody",), ((0, 1000, 1),)),
    ],
)
def test_ranges_of_a_user(names: tuple[str, ...], rows: tuple[tuple[int, int, int], ...]) -> None:
    assert subordinate(FILE, names, 1000) == rows


def test_several_ranges_follow_each_other_up_to_what_an_image_needs() -> None:
    text = "me:100000:1000\nme:500000:100000\nme:900000:5\n"
    assert subordinate(text, ("me",), 7) == ((0, 7, 1), (1, 100000, 1000), (1001, 500000, 64536))
