"""One image, one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.registry.reference import parse
from slipway.scan.imagename import full, means, repository, spellings, untagged

NAMES = st.builds(
    lambda host, path, tail: host + "/".join(path) + tail,
    st.sampled_from(["", "docker.io/", "index.docker.io/", "localhost/", "r:5000/", "r.example/"]),
    st.lists(st.sampled_from(["library", "python", "team", "a.b"]), min_size=1, max_size=3),
    st.sampled_from(["", ":latest", ":3", "@sha256:" + "0" * 64, ":3@sha256:" + "0" * 64]),
)


@pytest.mark.parametrize(
    ("image", "short", "whole"),
    [
        ("python", "python", "python:latest"),
        ("docker.io/library/python:3.12", "python", "python:3.12"),
        ("index.docker.io/python", "python", "python:latest"),
        ("library/python", "python", "python:latest"),
        ("docker.io/team/app", "team/app", "team/app:latest"),
        ("docker.io/localhost/app", "docker.io/localhost/app", "docker.io/localhost/app:latest"),
        ("r:5000/library/python", "r:5000/library/python", "r:5000/library/python:latest"),
        ("python:3@sha256:00", "python", "python:3@sha256:00"),
        ("python@sha256:00", "python", "python@sha256:00"),
        ("sha256:00", "sha256:00", "sha256:00"),
        ("dir:library/x", "dir:library/x", "dir:library/x"),
        ("docker-archive:docker.io/x.tar", "docker-archive:docker.io/x.tar", "docker-archive:docker.io/x.tar"),
    ],
)  # fmt: skip
def test_names(image: str, short: str, whole: str) -> None:
    assert (repository(image), full(image)) == (short, whole)
    assert full(whole) == whole
    assert repository(short) == short


def test_those_of_a_daemon() -> None:
    assert full("docker:docker.io/library/python:3") == full("docker:python:3") == "docker:python:3"
    assert spellings("docker:team/app")[-1] == "docker:index.docker.io/team/app"


@given(NAMES, NAMES)
def test_names_are_the_same_where_engines_take_them_to_be(one: str, other: str) -> None:
    assert (full(one) == full(other)) is (parse(one) == parse(other))
    assert (repository(one) == repository(other)) is (parse(one).name == parse(other).name)
    assert means(one, other) is (
        full(one) == full(other) if untagged(one) != one else parse(one).name == parse(other).name
    )


@given(NAMES)
def test_spellings(name: str) -> None:
    found = spellings(repository(name))
    assert found[0] == repository(name)
    assert {repository(each) for each in found} == {repository(name)}
    if parse(name).name in ("docker.io/library/python", "docker.io/team/python"):
        assert untagged(name) in found
