"""SPDX documents: valid, the same each time, and read back as they were; those of others read as far as they go."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import InputError
from slipway.scan.inventory.words import licences
from slipway.scan.model import Component, Inventory, System
from slipway.scan.sbom.read import read_sbom
from slipway.scan.sbom.spdx import document
from slipway.scan.sbom.spdxlicenses import declared, extracted, said
from tests.scan.sbom.kit import DEB, IMAGE, WHEEL, written

ODD = Component(
    *("npm", "@a/b", "1", "pkg:npm/%40a/b@1", "", "", "", 'x/"\x01/package.json', "", ""),
    ("MIT", "mit OR Apache-2.0", "GPL v2, or later", "LicenseRef-theirs", "((", "BSD-3-Clause AND ISC"),
    "file:///srv/b.tgz",
)
GIT = replace(
    WHEEL, name="zlib", direct_url="git+https://example.org/zlib.git@0123abc", licenses=(), owner=""
)
WHOLE = replace(IMAGE, components=(DEB, ODD, *IMAGE.components[1:], GIT))

# what the format's schema (spdx-spec 2.3: spdx-schema.json) has to say on what is written here
_TIME = {"type": "string", "pattern": r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ$"}
_TEXT = {"type": "string", "minLength": 1}
_ID = {"type": "string", "pattern": "^SPDXRef-[a-zA-Z0-9.-]+$"}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


SCHEMA = _object(
    "SPDXID creationInfo dataLicense name spdxVersion documentNamespace packages relationships",
    SPDXID={"const": "SPDXRef-DOCUMENT"},
    spdxVersion={"const": "SPDX-2.3"},
    dataLicense={"const": "CC0-1.0"},
    name=_TEXT,
    documentNamespace={"type": "string", "pattern": "^urn:uuid:[0-9a-f-]{36}$"},
    creationInfo=_object("created creators", created=_TIME, creators=_list(_TEXT)),
    hasExtractedLicensingInfos=_list(
        _object(
            "extractedText licenseId",
            extractedText=_TEXT,
            name=_TEXT,
            licenseId={"type": "string", "pattern": "^LicenseRef-[a-zA-Z0-9.-]+$"},
        )
    ),
    relationships=_list(
        _object(
            "spdxElementId relatedSpdxElement relationshipType",
            spdxElementId=_ID,
            relatedSpdxElement=_ID,
            relationshipType={"enum": ["DESCRIBES", "CONTAINS"]},
        )
    ),
    packages=_list(
        _object(
            "SPDXID downloadLocation name",
            SPDXID=_ID,
            name=_TEXT,
            versionInfo=_TEXT,
            summary=_TEXT,
            downloadLocation=_TEXT,
            filesAnalyzed={"const": False},
            licenseConcluded={"const": "NOASSERTION"},
            licenseDeclared=_TEXT,
            copyrightText={"const": "NOASSERTION"},
            primaryPackagePurpose={"enum": ["CONTAINER", "OPERATING-SYSTEM"]},
            checksums=_list(
                _object(
                    "algorithm checksumValue",
                    algorithm={"const": "SHA256"},
                    checksumValue={"type": "string", "pattern": "^[0-9a-f]{64}$"},
                )
            ),
            externalRefs=_list(
                _object(
                    "referenceCategory referenceLocator referenceType",
                    referenceCategory={"const": "PACKAGE-MANAGER"},
                    referenceType={"const": "purl"},
                    referenceLocator={"type": "string", "pattern": r"^pkg:\S+$"},
                )
            ),
            annotations=_list(
                _object(
                    "annotationDate annotationType annotator comment",
                    annotationDate=_TIME,
                    annotationType={"const": "OTHER"},
                    annotator={"type": "string", "pattern": "^Tool: "},
                    comment=_TEXT,
                )
            ),
        )
    ),
)


@pytest.mark.parametrize(
    "inventory", [WHOLE, replace(IMAGE, unread=("the rpm database is damaged",)), Inventory("x")]
)
def test_it_is_valid_and_reads_back(inventory: Inventory, tmp_path: Path) -> None:
    made = document(inventory)
    jsonschema.validate(made, SCHEMA)
    ids = [row["SPDXID"] for row in made["packages"]]
    assert len(set(ids)) == len(ids)
    ends = {row[key] for row in made["relationships"] for key in ("spdxElementId", "relatedSpdxElement")}
    assert ends == {"SPDXRef-DOCUMENT", *ids}
    assert json.dumps(document(inventory)) == json.dumps(made)
    back = read_sbom(written(tmp_path / "x.json", made))
    assert back == replace(inventory, created=inventory.created or "1970-01-01T00:00:00Z")


def test_documents_of_different_content_have_different_names() -> None:
    names = {document(i)["documentNamespace"] for i in (IMAGE, replace(IMAGE, components=(DEB,)))}
    assert len(names) == 2


def test_who_owns_what_is_a_relation() -> None:
    made = document(IMAGE)
    ids = {row["SPDXID"]: row["name"] for row in made["packages"]}
    rows = {
        (ids.get(r["spdxElementId"], "document"), r["relationshipType"], ids[r["relatedSpdxElement"]])
        for r in made["relationships"]
    }
    assert rows == {
        ("document", "DESCRIBES", "hello:1"),
        ("hello:1", "CONTAINS", "debian"),
        ("hello:1", "CONTAINS", "libssl3"),
        ("hello:1", "CONTAINS", "requests"),
        ("libssl3", "CONTAINS", "requests"),
    }


@pytest.mark.parametrize(
    ("texts", "expression"),
    [
        ((), "NOASSERTION"),
        (("mit",), "MIT"),
        (("MIT OR Apache-2.0",), "MIT OR Apache-2.0"),
        (("MIT OR Apache-2.0", "ISC"), "(MIT OR Apache-2.0) AND ISC"),
        (("GPL-2.0-only WITH Classpath-exception-2.0",), "GPL-2.0-only WITH Classpath-exception-2.0"),
        (("BSD",), "LicenseRef-…"),
        (("LicenseRef-foreign OR MIT",), "LicenseRef-…"),
        (("NONE",), "LicenseRef-…"),
    ],
)
def test_licences(texts: tuple[str, ...], expression: str) -> None:
    made = declared(texts)
    assert re.sub(r"-[0-9a-f]{16}", "-…", made) == expression
    assert set(extracted(texts).values()) <= set(texts)


@given(st.lists(st.text(max_size=30), max_size=5))
def test_whatever_a_licence_is_it_comes_back(texts: list[str]) -> None:
    wanted = licences(*texts)
    component = replace(WHEEL, licenses=wanted)
    row = document(replace(IMAGE, components=(component,)))
    (package,) = [p for p in row["packages"] if p["name"] == "requests"]
    names = {r["licenseId"]: r["extractedText"] for r in row.get("hasExtractedLicensingInfos", ())}
    told = json.loads(package["annotations"][0]["comment"].removeprefix("slipway: "))
    assert tuple(told.get("licenses", said(package["licenseDeclared"], names))) == wanted


def test_a_document_of_another_tool(tmp_path: Path) -> None:
    refs = [
        {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a"},
        {
            "referenceCategory": "PACKAGE_MANAGER",
            "referenceType": "purl",
            "referenceLocator": "pkg:deb/debian/bin@1?arch=arm64&distro=debian-12&upstream=src%402-1",
        },
    ]
    golang = [{"referenceCategory": "x", "referenceType": "purl", "referenceLocator": "pkg:golang/g@3"}]
    path = written(
        tmp_path / "other.json",
        {
            "spdxVersion": "SPDX-2.2",
            "name": "theirs",
            "creationInfo": {"created": "2024-02-30T00:00:00Z"},
            "packages": [
                {
                    "name": "img",
                    "versionInfo": "v1",
                    "primaryPackagePurpose": "CONTAINER",
                    "externalRefs": golang,
                },
                {
                    "name": "bin",
                    "versionInfo": "1",
                    "externalRefs": refs,
                    "downloadLocation": "NONE",
                    "licenseDeclared": "MIT AND (A OR LicenseRef-x) AND LicenseRef-x",
                    "annotations": [{"annotator": "Tool: slipway-0", "comment": "no JSON"}, 7],
                },
                {
                    "name": "g",
                    "externalRefs": golang,
                    "downloadLocation": "https://example.org/g.tar.gz",  # as npm tells of every package
                },
                {
                    "name": "v",
                    "externalRefs": [
                        {
                            "referenceType": "purl",
                            "referenceLocator": "pkg:pypi/v@1?vcs_url=git%2Bhttps://u:p@example.org/v%400123",
                        }
                    ],
                },
                {"name": "a file"},
            ],
            "hasExtractedLicensingInfos": [
                {"licenseId": "LicenseRef-x", "extractedText": "Do what you want"}
            ],
        },
    )
    found = read_sbom(path)
    assert (found.name, found.digest, found.created) == ("img", "v1", "")
    assert found.system == System("debian", "12")
    deb, other, direct = found.components
    assert (deb.kind, deb.source_name, deb.source_version, deb.arch) == ("deb", "src", "2-1", "arm64")
    assert deb.licenses == ("MIT", "A OR LicenseRef-x", "Do what you want")
    assert deb.direct_url == ""
    assert (other.kind, other.direct_url) == ("generic", "")
    assert (direct.kind, direct.direct_url) == ("pypi", "git+https://example.org/v@0123")


PACKAGE = '"externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/x"}]'


@pytest.mark.parametrize(
    "text",
    [
        '{"spdxVersion": "SPDX-3.0"}',
        '{"spdxVersion": 2}',
        '{"spdxVersion": "SPDX-2.3", "packages": 5}',
        '{"spdxVersion": "SPDX-2.3", "packages": [5]}',
        '{"spdxVersion": "SPDX-2.3", "packages": [{' + PACKAGE + "}]}",
        '{"spdxVersion": "SPDX-2.3", "packages": [{' + PACKAGE + ', "name": "\\u001b[1m"}]}',
        '{"spdxVersion": "SPDX-2.3", "packages": [{' + PACKAGE + ', "name": ["x"]}]}',
        '{"spdxVersion": "SPDX-2.3", "packages": ' + "[" * 100_000,
    ],
)
def test_what_is_no_such_document(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        read_sbom(path)


def test_documents_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.scan.sbom.readspdx.MOST_COMPONENTS", 2)
    with pytest.raises(InputError, match="more than 2 packages"):
        read_sbom(written(tmp_path / "x.json", document(WHOLE)))
    monkeypatch.setattr("slipway.scan.sbom.read._MOST_BYTES", 1000)
    with pytest.raises(InputError, match="larger than"):
        read_sbom(tmp_path / "x.json")


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = ("name", "versionInfo", "externalRefs", "annotations", "licenseDeclared", "primaryPackagePurpose")


@given(
    st.fixed_dictionaries({"packages": st.lists(st.fixed_dictionaries(dict.fromkeys(_FIELDS, _JSON)))}),
    st.dictionaries(st.sampled_from(["creationInfo", "name", "hasExtractedLicensingInfos"]), _JSON),
)
def test_any_values_are_read_or_refused(first: dict[str, Any], second: dict[str, Any]) -> None:
    from slipway.scan.sbom.readspdx import inventory_of

    purl = [{"referenceType": "purl", "referenceLocator": "pkg:pypi/x@1"}]
    for row in first["packages"]:
        row["externalRefs"] = row["externalRefs"] or purl
    with suppress(InputError):
        assert isinstance(inventory_of(first | second, "x"), Inventory)


@pytest.mark.net
@pytest.mark.slow
def test_the_validator_of_the_format_accepts_it(tmp_path: Path) -> None:
    """spdx-tools is the SPDX project's own; it is no part of our environment, so it gets one for itself."""
    uv = Path(sys.executable).with_name("uv")
    place = tmp_path / "venv"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, place], check=True)
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", place / "bin/python", "spdx-tools==0.8.5"], check=True
    )
    for number, inventory in enumerate((WHOLE, replace(IMAGE, unread=("x",)), Inventory("x"))):
        path = written(tmp_path / f"{number}.spdx.json", document(inventory))
        done = subprocess.run(
            [place / "bin/pyspdxtools", "-i", path, "--version", "SPDX-2.3"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
