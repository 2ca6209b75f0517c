"""CycloneDX documents: valid by the schema, the same each time, and read back as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from slipway.errors import InputError, UsageError
from slipway.scan.model import Inventory
from slipway.scan.sbom.cyclonedx import document
from slipway.scan.sbom.read import read_sbom
from tests.scan.sbom.kit import DEB, IMAGE, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "inventory", [IMAGE, replace(IMAGE, unread=("the rpm database is damaged",)), Inventory("x")]
)
def test_it_is_valid_and_reads_back(inventory: Inventory, tmp_path: Path) -> None:
    text = json.dumps(document(inventory))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert json.dumps(document(inventory)) == text
    assert read_sbom(written(tmp_path / "x.json", document(inventory))) == inventory


@pytest.mark.parametrize(
    "url",
    [
        'https://example.org/"><x>',
        "https://example.org/a%zz",
        "https://example.org:abc/x",
        "mailto:x",
        "ssh://git@example.org/x.git",
        "https://example.org/ä%20b",
    ],
)
def test_an_odd_address_keeps_it_valid(url: str, tmp_path: Path) -> None:
    inventory = replace(IMAGE, components=(replace(DEB, direct_url=url),))
    text = json.dumps(document(inventory))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert read_sbom(written(tmp_path / "x.json", document(inventory))) == inventory


def test_documents_of_different_content_have_different_names() -> None:
    names = {document(i)["serialNumber"] for i in (IMAGE, replace(IMAGE, components=(DEB,)))}
    assert len(names) == 2


def test_what_is_incomplete_says_so() -> None:
    (row,) = document(replace(IMAGE, unread=("x",)))["compositions"]
    assert row["aggregate"] == "incomplete"
    (row,) = document(IMAGE)["compositions"]
    assert row["aggregate"] == "complete"


def test_a_document_of_another_tool(tmp_path: Path) -> None:
    path = written(
        tmp_path / "other.json",
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.4",
            "components": [
                {"type": "operating-system", "name": "Debian", "version": "12"},
                {"type": "file", "name": "/etc/x"},
                {
                    "type": "library",
                    "name": "bin",
                    "version": "1",
                    "purl": "pkg:deb/debian/bin@1?arch=arm64&upstream=src%402-1",
                    "licenses": [{"license": {"id": "MIT"}}, {"expression": "A OR B"}],
                    "components": [
                        {
                            "type": "library",
                            "group": "@a",
                            "name": "b",
                            "version": "2",
                            "purl": "pkg:npm/%40a/b@2",
                            # npm tells it of every package: nothing follows from it
                            "externalReferences": [
                                {"type": "distribution", "url": "https://example.org/b.tgz"}
                            ],
                        }
                    ],
                },
                {"type": "library", "name": "g", "version": "3", "purl": "pkg:golang/g@3"},
                {
                    "name": "v",
                    "version": "1",
                    "purl": "pkg:pypi/v@1?download_url=https://u:p@example.org/v.whl",
                },
            ],
            "compositions": [{"aggregate": "incomplete"}],
        },
    )
    found = read_sbom(path)
    assert found.system.distro == "debian-12"
    rows = {c.kind: c for c in found.components}
    assert set(rows) == {"deb", "npm", "generic", "pypi"}
    assert (rows["npm"].direct_url, rows["pypi"].direct_url) == ("", "https://example.org/v.whl")
    assert (rows["deb"].source_name, rows["deb"].source_version, rows["deb"].arch) == ("src", "2-1", "arm64")
    assert rows["deb"].licenses == ("MIT", "A OR B")
    assert rows["npm"].name == "@a/b"
    assert found.unread


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"bomFormat": "SPDX"}',
        "[" * 100_000,
        '{"bomFormat": "CycloneDX", "components": 5}',
        '{"bomFormat": "CycloneDX", "components": [5]}',
        '{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:pypi/x"}]}',
        '{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:pypi/x", "name": "\\u001b[1m"}]}',
    ],
)
def test_what_is_no_such_document(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        read_sbom(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_sbom(tmp_path / "none")
