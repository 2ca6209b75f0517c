from __future__ import annotations

import json
import tomllib

import yaml
from hypothesis import given
from hypothesis import strategies as st

from slipway.lock.text import quoted, render
from slipway.lock.yamlread import parse

TEXTS = st.text() | st.sampled_from(["yes", "1.0", "0x1", "~", "-", "a: b", "#", "1e5", "a" * 64, "null", ""])
SCALARS = TEXTS | st.integers(0, 10**18 - 1) | st.booleans()
KEYS = st.from_regex(r"[a-z][a-z_-]{0,8}", fullmatch=True).filter(
    lambda key: key not in ("on", "off", "yes", "no", "y", "n", "true", "false", "null")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, min_size=1))
def test_yaml_reads_back_what_was_written(data):
    text = render(data)
    assert yaml.load(text, Loader=yaml.CSafeLoader) == data
    assert parse(text.encode()) == data
    assert text == render(json.loads(json.dumps(data)))


@given(st.text())
def test_a_quoted_text_is_json_and_toml_and_yaml(text):
    assert json.loads(quoted(text)) == text
    assert tomllib.loads(f"a = {quoted(text)}") == {"a": text}
    assert yaml.safe_load(quoted(text)) == text


def test_one_package_is_one_line():
    rows = [{"name": "bash", "sha256": "a" * 64}, {"name": "apt", "version": "3.0"}]
    assert render({"format": 1, "debs": rows, "empty": []}) == (
        f'format: 1\ndebs:\n  - {{name: bash, sha256: "{"a" * 64}"}}\n  - {{name: apt, version: "3.0"}}\nempty: []\n'
    )
