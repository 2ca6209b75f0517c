"""The validator: coercions and messages as clients know them, and all errors at once."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.service.ims import schemas
from slipway.service.ims.fields import (
    Field,
    InvalidError,
    boolean,
    integer,
    listing,
    load,
    mapping,
    nested,
    one_of,
    text,
    unique_id,
)

ID = "0c3f0c5e-3c6c-4d0a-9f0e-0123456789ab"


def errors(read: Any, value: object) -> Any:
    with pytest.raises(InvalidError) as caught:
        read(value)
    return caught.value.errors


@pytest.mark.parametrize("value", [True, "true", "True", "yes", "on", "Y", "1", 1, 1.0])
def test_true(value: object) -> None:
    assert boolean(value) is True


@pytest.mark.parametrize("value", [False, "false", "off", "N", "0", 0, 0.0])
def test_false(value: object) -> None:
    assert boolean(value) is False


@pytest.mark.parametrize("value", ["maybe", 2, [], {}, "tRue", ""])
def test_neither(value: object) -> None:
    assert errors(boolean, value) == ["Not a valid boolean."]


def test_integers() -> None:
    read = integer(least=1, message="too small")
    assert [read(value) for value in (20, "20", 20.7, " 3 ")] == [20, 20, 20, 3]
    wrong: list[Any] = [True, False, "2.5", "x", [], {}, math.nan]
    for value in wrong:
        assert errors(read, value) == ["Not a valid integer."]
    for small in (0, -5, "-1"):
        assert errors(read, small) == ["too small"]
    for large in (math.inf, 10**30, 2**31):
        assert errors(read, large) == ["Number too large."]


def test_ids() -> None:
    for value in (ID, ID.upper(), ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}"):
        assert unique_id(value) == ID
    wrong: list[Any] = ["x", 5, [], {}, ID[:-1]]
    for each in wrong:
        assert errors(unique_id, each) == ["Not a valid UUID."]


def test_text_and_choices() -> None:
    wrong: list[Any] = [5, True, [], {}]
    for value in wrong:
        assert errors(text(), value) == ["Not a valid string."]
    assert text()("") == ""
    assert errors(text(blank="no"), "") == ["no"]
    assert errors(text(most=2), "abc") == ["Longer than maximum length 2."]
    assert errors(one_of(("a", "b")), "c") == ["Must be one of: a, b."]
    assert errors(one_of(("a", "b")), 5) == ["Not a valid string."]


def test_all_errors_at_once_where_they_are() -> None:
    pair = nested({"key": Field(text(), required=True), "value": Field(text(), required=True)})
    schema = {
        "name": Field(text(), required=True),
        "none": Field(text()),
        "list": Field(listing(pair)),
        "map": Field(mapping(text(), text())),
        "in": Field(pair),
    }
    data = {
        "none": None,
        "list": [{"key": "a", "value": "b"}, {"key": 5, "x": 1}, None, "y"],
        "map": {"a": 1, "b": "fine", "c": None},
        "in": [],
        "zz": 1,
    }
    with pytest.raises(InvalidError) as caught:
        load(schema, data)
    assert caught.value.errors == {
        "name": ["Missing data for required field."],
        "none": ["Field may not be null."],
        "list": {
            "1": {
                "key": ["Not a valid string."],
                "value": ["Missing data for required field."],
                "x": ["Unknown field."],
            },
            "2": ["Field may not be null."],
            "3": {"_schema": ["Invalid input type."]},
        },
        "map": {"a": {"value": ["Not a valid string."]}, "c": {"value": ["Field may not be null."]}},
        "in": {"_schema": ["Invalid input type."]},
        "zz": ["Unknown field."],
    }
    assert errors(listing(pair), {}) == ["Not a valid list."]
    assert errors(mapping(text(), text()), []) == ["Not a valid mapping type."]


def test_defaults_and_absence() -> None:
    schema = {"a": Field(text(), default="d"), "b": Field(text()), "c": Field(text(), null=True)}
    assert load(schema, {"c": None}) == {"a": "d", "c": None}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(schemas.JOB)), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("schema", [schemas.JOB, schemas.IMAGE, schemas.RECIPE_CHANGE, schemas.IMAGE_CHANGE])
@given(data=JSON)
def test_any_json_is_taken_or_refused(schema: Any, data: object) -> None:
    try:
        json.dumps(load(schema, data))
    except InvalidError as error:
        json.dumps(error.errors)
