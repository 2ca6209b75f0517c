"""The OpenAPI document, and the service held against it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.service.v4.api import application
from tests.service.v4.serving import serving

if TYPE_CHECKING:
    from slipway.service.state import Service
    from tests.service.v4.conftest import Api

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return found.union(*(references(each) for each in node.values()))
    if isinstance(node, list):
        return set().union(*(references(each) for each in node))
    return set()


def test_the_document_is_whole(api: Api) -> None:
    document = api.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names) > 40
    for each in operations:
        assert each["tags"]
        assert {"401", "403", "422", "429", "500", "503"} <= set(each["responses"])
        assert any(status.startswith("2") for status in each["responses"])


def test_what_is_answered_has_the_fields_of_its_schema(api: Api) -> None:
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    assert set(api.image()) == set(schemas["Image"]["properties"])
    assert set(api.key()) == set(schemas["PublicKey"]["properties"])
    page = api.get("/images").json()
    assert set(page) <= set(schemas["ImagePage"]["properties"])


@pytest.mark.slow
def test_schemathesis_finds_nothing(service: Service, tmp_path: Path) -> None:
    """No server errors, no answers that are not described, nothing accepted that should not be.

    With `SLIPWAY_THOROUGH` set every boundary of every field is tried (about 4,000 cases, minutes), else a few cases of each operation.
    """
    thorough = bool(os.environ.get("SLIPWAY_THOROUGH"))
    # a condition that does not hold is a refusal as well; and a merge patch may remove what the schema wants to have a value
    statuses = "400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 429"
    config = f"[checks.negative_data_rejection]\nexpected-statuses = [{statuses}]\n"
    (tmp_path / "schemathesis.toml").write_text(config)
    with serving(application(service)) as address:
        command: list[str] = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{address}/openapi.json",
            "--exclude-operation-id-regex=^watch",  # streams have no end
            "--exclude-checks=positive_data_acceptance",  # it cannot know which ids there are
            f"--max-examples={8 if thorough else 2}",
            f"--phases={'coverage,fuzzing' if thorough else 'fuzzing'}",
            "--suppress-health-check=all",
            "--generation-deterministic",
            "--continue-on-failure",
            "--no-color",
            "--workers=1",
            "--wait-for-schema=30",
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=500, check=False)
    assert done.returncode == 0, done.stdout.partition("= FAILURES =")[2][:6000] or done.stdout[-3000:]
