"""Manifests: bytes in, values out, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.service.artifacts.manifest import (
    MANIFEST,
    ROOTFS,
    Artifact,
    ManifestError,
    NotJsonError,
    artifacts,
    decode,
    encode,
    links,
    roots,
    supported,
)
from slipway.service.model import Link

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["artifacts", "link", "type", "path", "version", "etag", "md5"]), inner
        )
    ),
    max_leaves=15,
)


def test_there_and_back() -> None:
    listed = [
        Artifact(Link("s3://boot-images/a/rootfs", "e-1"), ROOTFS, "0" * 32),
        Artifact(Link("s3://boot-images/a/manifest.json"), MANIFEST),
    ]
    content = encode(listed, "2025-11-20 21:38:00.123456")
    assert artifacts(supported(decode(content))) == listed
    document = json.loads(content)
    assert document["version"] == "1.0"
    assert document["created"] == "2025-11-20 21:38:00.123456"
    assert document["artifacts"][0] == {
        "link": {"etag": "e-1", "path": "s3://boot-images/a/rootfs", "type": "s3"},
        "md5": "0" * 32,
        "type": ROOTFS,
    }
    assert "md5" not in document["artifacts"][1]
    assert content.startswith(b'{\n    "artifacts": [\n        {\n            "link": {')
    assert [each["path"] for each in links(document)] == [each.link.path for each in listed]
    assert roots(document) == document["artifacts"][:1]


@pytest.mark.parametrize(
    ("content", "text"), [(b"{", True), (b"", True), (b"\xff", False), (b"[" * 200_000, True)]
)
def test_no_json(content: bytes, text: bool) -> None:
    with pytest.raises(NotJsonError) as caught:
        decode(content)
    assert caught.value.text is text


def test_each_link_is_checked_when_it_is_asked_for() -> None:
    found = links({"artifacts": [{"link": {"path": "a", "type": "s3"}}, 5]})
    assert next(found)["path"] == "a"
    with pytest.raises(ManifestError, match="not a json dictionary"):
        next(found)


def test_what_can_be_moved_of_a_broken_one() -> None:
    good = {"link": {"path": "s3://b/k", "etag": None}, "md5": 5}
    document = {"artifacts": [5, {}, {"link": 5}, {"link": {}}, good]}
    assert artifacts(document) == [Artifact(Link("s3://b/k"), "")]
    nothings: list[Any] = [None, [], {}, {"artifacts": {}}, {"artifacts": None}]
    for nothing in nothings:
        assert artifacts(nothing) == []


@given(JSON)
def test_any_document_is_read_or_refused(document: object) -> None:
    try:
        found = supported(document)
        list(links(found))
        assert all(each["type"].startswith(ROOTFS) for each in roots(found))
    except ManifestError:
        pass
    again = encode(artifacts(document), "")
    assert artifacts(json.loads(again)) == artifacts(document)
