"""SARIF 2.1.0, against a schema of our own that allows only what we write, as the specification has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from slipway.scan.source import baseline, sarif, words
from tests.scan.source.kit import look, write

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"type": "string", "minLength": 1}


def shape(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def several(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "uniqueItems": True}


LEVEL = {"enum": ["note", "warning", "error"]}
MESSAGE = shape({"text": TEXT})
NUMBER = {"type": "integer", "minimum": 1}
URI = {"type": "string", "pattern": r"^(?!/)(?![^/]*:)(?!.*\.\./)[A-Za-z0-9._~!$&'()*+,;=@/%-]+$"}
ARTIFACT = shape({"uri": URI, "uriBaseId": {"const": "%SRCROOT%"}})
REGION = shape({"startLine": NUMBER}, {"startColumn": NUMBER, "endLine": NUMBER})
LOCATION = shape({"physicalLocation": shape({"artifactLocation": ARTIFACT}, {"region": REGION})})
RULE = shape(
    {"id": TEXT, "shortDescription": MESSAGE, "defaultConfiguration": shape({"level": LEVEL})},
    {"helpUri": {"type": "string", "pattern": "^https?://"}, "properties": {"type": "object"}},
)
RESULT = shape(
    {
        "ruleId": TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": several(LOCATION),
        "partialFingerprints": shape({"slipway/v1": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}),
        "suppressions": several(
            shape(
                {
                    "kind": {"enum": ["inSource", "external"]},
                    "status": {"const": "accepted"},
                    "justification": TEXT,
                }
            )
        ),
        "properties": {"type": "object"},
    },
    {"baselineState": {"enum": ["new", "unchanged", "absent"]}},
)
NOTIFICATION = shape(
    {"descriptor": shape({"id": TEXT}), "level": LEVEL, "message": MESSAGE},
    {"locations": several(LOCATION), "properties": {"type": "object"}},
)
DRIVER = shape(
    {"name": TEXT, "rules": several(RULE)},
    {"version": TEXT, "informationUri": TEXT, "notifications": several(shape({"id": TEXT}))},
)
INVOCATION = shape(
    {"executionSuccessful": {"type": "boolean"}, "toolExecutionNotifications": several(NOTIFICATION)}
)
RUN = shape(
    {
        "tool": shape({"driver": DRIVER}),
        "automationDetails": shape({"id": TEXT}),
        "invocations": {**several(INVOCATION), "minItems": 1},
        "originalUriBaseIds": {"type": "object"},
        "columnKind": {"const": "unicodeCodePoints"},
        "results": {"type": "array", "items": RESULT},
    }
)
LOG = shape({"$schema": TEXT, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": RUN}})


def checked(text: str) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(LOG).validate(log)
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
        known = {each["id"] for each in run["tool"]["driver"].get("notifications", ())}
        told = run["invocations"][0]["toolExecutionNotifications"]
        assert {each["descriptor"]["id"] for each in told} <= known
    return log


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files: dict[str, str | bytes] = {
        "a.py": "eval(x)\nassert x  # nosec\nprint(\n eval(y))\n",
        "sp ace/ü#%.yml": "a: 1\na: 2\n",
        "old.py": "print 1\n",
        "t.yml": "{{- x }}\na: [\n",
        "requirements.txt": "jinja2==3.1.3\nx\n",
    }
    return write(tmp_path / "x", files)


ALL = ("syntax", "bandit", "ruff", "dependencies", "secrets")


def test_a_run_for_each_tool(root: Path) -> None:
    result = look(root, *ALL, skip=(("shellcheck", "no shell"),))
    text = sarif.render(result)
    log = checked(text)
    names = [run["tool"]["driver"]["name"] for run in log["runs"]]
    assert names == [
        "slipway syntax",
        "bandit",
        "ruff",
        "slipway dependencies",
        "slipway secrets",
        "slipway shellcheck",
    ]
    assert [run["invocations"][0]["executionSuccessful"] for run in log["runs"]] == [False] * 4 + [True] * 2
    of_bandit = {
        (each["ruleId"], each["locations"][0]["physicalLocation"]["region"]["startLine"]): each
        for each in log["runs"][1]["results"]
    }
    assert of_bandit["B307", 1]["properties"] == {"tools": ["bandit", "ruff"], "also": ["S307"]}
    assert of_bandit["B101", 2]["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "# nosec"}
    ]
    assert (
        log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == "sp%20ace/%C3%BC%23%25.yml"
    )
    assert str(root) not in text


def test_with_a_baseline(root: Path) -> None:
    checks = ("syntax", "ruff")
    known = baseline.read(baseline.written(look(root, *checks), (), ("",)), "")
    (root / "a.py").write_text("exec(x)\n")
    log = checked(sarif.render(look(root, *checks, known=known)))
    states = {each["baselineState"] for run in log["runs"] for each in run["results"]}
    assert states == {"new", "unchanged", "absent"}


def test_nothing_at_all(tmp_path: Path) -> None:
    assert checked(sarif.render(look(write(tmp_path / "x", {"a": ""}))))["runs"][0]["results"] == []


def test_words(root: Path) -> None:
    result = look(root, "syntax", "ruff")
    data = json.loads(words.document(result, "error"))
    assert (data["outcome"], data["complete"], data["files"]) == ("fail", False, 5)
    assert all("text" not in row for row in data["results"])
    page = words.markdown(result, "error")
    assert "| error | sp ace/ü\\#%.yml:2 | yaml-duplicate-key |" in page
    assert "## Not looked at" in page
    assert page.count("\n| ruff | old.py:1 |") == 1
