from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import SlipwayError
from slipway.lock.document import as_dict, from_dict
from slipway.oci.digest import canonical
from tests.lock.making import image_lock, lock

LOCKS = [lock(), lock(files=()), lock(python=None, target=None), image_lock()]


@pytest.mark.parametrize("made", LOCKS)
def test_there_and_back(made):
    data = json.loads(canonical(as_dict(made)))
    assert from_dict(data) == made
    assert canonical(as_dict(from_dict(data))) == canonical(data)


def test_what_follows_is_left_out():
    (platform,) = as_dict(lock())["platforms"]
    bash, openssl = platform["debian"]["base"]
    assert "url" not in bash
    assert openssl["url"].startswith("https://security.")
    demo, old = platform["python"]["dists"]
    assert "filename" not in demo
    assert (old["filename"], old["sdist"]) == ("old-1.0.tar.gz", True)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([at] if at and at[0] != "recipe" else []), *(p for k, v in inner for p in places(v, (*at, k)))]


PLACES = places(as_dict(lock()))
HOSTILE = [
    "",
    "../../etc/passwd",
    "a\nb",
    -1,
    None,
    [],
    {},
    True,
    1.5,
    "https://user:pass@example.org/x",
    ["x", 1],
]


@given(st.sampled_from(PLACES), st.sampled_from(HOSTILE))
def test_damage_is_told_or_harmless(place, value):
    data = copy.deepcopy(as_dict(lock()))
    parent: Any = data
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    try:
        read = from_dict(data)
    except SlipwayError:
        return
    debian = read.platforms[0].debian if read.platforms else None
    for deb in debian.debs if debian else ():
        assert ".." not in deb.filename.split("/")
        assert "@" not in deb.url


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2"),
        ({"format": "1"}, "format"),
        ({"platforms": {}}, "platforms"),
        ({"platforms": [{"platform": "../x"}]}, "platforms[0].platform"),
        ({"compression": 7}, "compression"),
        ({"recipe": []}, "recipe"),
    ],
)
def test_the_place_of_the_damage_is_named(change, said):
    with pytest.raises(SlipwayError) as caught:
        from_dict(as_dict(lock()) | change)
    assert caught.value.code == "lock"
    assert said in caught.value.brief
