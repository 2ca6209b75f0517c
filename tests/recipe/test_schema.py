from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from slipway.errors import RecipeError
from slipway.recipe import load
from slipway.recipe.keys import FIELDS
from slipway.recipe.schema import SHIPPED, json_schema, reference_rows, schema_text
from tests.recipe.helpers import FILE, read
from tests.recipe.test_load import EVERYTHING, MORE
from tests.recipe.test_messages import CASES

VALIDATOR = Draft202012Validator(json_schema())


def test_the_shipped_schema_is_current():
    assert SHIPPED.read_text(encoding="utf-8") == schema_text(), "run: python -m slipway.recipe.schema"


def test_the_schema_is_one():
    Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_it_can_be_written_again(tmp_path: Path):
    code = (
        "import runpy, pathlib, sys; "
        "pathlib.Path.write_text = lambda self, text, **kw: print(self.name, len(text)); "
        "runpy.run_module('slipway.recipe.schema', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert done.stdout == f"image.schema.json {len(schema_text())}\n"


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_example_is_valid_and_every_key_described(
    field: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "snapshot.yaml").write_text("packages: []\n")
    monkeypatch.chdir(tmp_path)
    document = {field.name: field.example}
    VALIDATOR.validate(document)
    read(json.dumps(document))
    assert field.doc.endswith(".")
    assert len(field.doc) > 15


def test_a_full_recipe_is_valid():
    VALIDATOR.validate(yaml.safe_load(EVERYTHING))
    VALIDATOR.validate(yaml.safe_load(MORE))
    VALIDATOR.validate({})


@pytest.mark.parametrize(
    "document",
    [
        {"pakages": []},
        {"cmds": {"during": "RUN true"}},
        {"repositories": {"a": {}}},
        {"repositories": {"a": {"url": "https://h/x", "branch": "b"}}},
        {"run": [{}]},
        {"run": [{"command": "a", "network": "yes"}]},
        {"proxy": {"PROXY": "x"}},
        {"jobfiles": {"match": "x"}},
        {"files": [{"url": "https://h/x", "sha256": "12"}]},
        {"tag": 1},
        {"python": "three"},
        {"python": "3", "base": "scratch"},
        {"platform": "amd64", "platforms": ["amd64"]},
        {"platform": "linux/riscv64"},
        {"base": {}},
        {"base": {"debian": "sid", "variant": "mini"}},
        {"env": {"A": None}},
        {"env": {"A=B": "x"}},
        {"packages": "requests"},
        {"files": [{"a": "b", "c": "d"}]},
        {"files": [""]},
        {"ports": [True]},
        {"ports": ["80/http"]},
        {"apt": ["Git"]},
        {"workspace": "pyats"},
        {"healthcheck": {}},
        {"healthcheck": {"test": "x", "interval": "soon"}},
        {"cmd": 3},
    ],
)
def test_what_the_schema_refuses_load_refuses(document: Any):
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(RecipeError):
        read(json.dumps(document))


def test_most_wrong_recipes_are_wrong_for_the_schema_too():
    """Editors that know the schema shall find what can be found."""
    documents = [yaml.safe_load(text) for text, *_ in CASES if "*" not in text]
    assert sum(not VALIDATOR.is_valid(document) for document in documents) > len(documents) // 3


def test_reference_rows_follow_the_table():
    rows = reference_rows()
    assert [row.name for row in rows if "." not in row.name] == [field.name for field in FIELDS]
    assert {"base.debian", "healthcheck.start-period"} <= {row.name for row in rows}
    assert all(row.type and row.description for row in rows)
    workspace = next(row for row in rows if row.name == "workspace")
    assert workspace.default == "/pyats"
    assert workspace.type == "an absolute path"


WORDS = st.sampled_from(
    [
        "a",
        "x/y",
        "/a",
        "3.12",
        "amd64",
        "linux/arm64",
        "git",
        "http://h/x",
        "8888",
        "53/udp",
        "30s",
        "NONE",
        "CMD",
        "",
        "scratch",
    ]
)
SCALARS = st.one_of(WORDS, st.integers(-1, 70000), st.booleans(), st.none(), st.text(max_size=5))
NAMES = st.sampled_from(
    ["debian", "packages", "variant", "test", "interval", "retries", "global", "a", "b/c"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(st.sampled_from([field.name for field in FIELDS]), VALUES, max_size=3)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_what_load_takes_the_schema_takes(document: dict[str, Any]):
    try:
        load(FILE, json.dumps(document))
    except RecipeError:
        return
    VALIDATOR.validate(document)
