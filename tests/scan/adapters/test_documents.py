"""Whatever cannot be read is an error that names the file and the place; nothing is taken for a report that is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError, UsageError
from slipway.scan.adapters import findings, reading
from tests.scan.adapters.kit import grype, grype_match, os_packages, read, trivy, trivy_row, write

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = json.dumps(trivy(os_packages(trivy_row())), indent=1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (WHOLE[: len(WHOLE) // 2].encode(), r"report\.json:\d+:\d+: it is not JSON"),
        (b"{'matches': []}", r":1:2: it is not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"matches":' + b'[{"a":' * 100_000, "nested too deeply"),
        (b'{"matches": [NaN]}', "NaN is no number"),
        (b'{"matches": [-Infinity]}', "-Infinity is no number"),
        (b'{"matches": [' + b"9" * 5000 + b"]}", "not JSON"),
        (b'{"matches": "\xff\xfe\xfa"}', "not JSON"),
        (b"\x00\x01\x02\x03", "not JSON"),
        (b"2026-11-20T10:00:00Z INFO Vulnerability scanning is enabled", r":1:5: it is not JSON"),
        (b"5", "no report of a scanner"),
        (b'"text"', "no report of a scanner"),
        (b"null", "no report of a scanner"),
        (b"[]", "an empty list"),
        (b"[1, 2]", "no report of a scanner"),
        (b"{}", "no report of a scanner"),
    ],
)
def test_damaged_and_hostile_documents(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, data)
    assert str(tmp_path / "report.json") in caught.value.brief


def test_every_truncation_is_an_error(tmp_path: Path) -> None:
    data = json.dumps(grype(grype_match())).encode()
    for end in range(0, len(data), 97):
        with pytest.raises(InputError):
            read(tmp_path, data[:end])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    """What PowerShell writes when output is sent to a file."""
    assert len(read(tmp_path, WHOLE.encode(encoding)).findings) == 1


def test_half_a_character_can_be_written_again(tmp_path: Path) -> None:
    data = json.dumps(trivy(os_packages(trivy_row(Title="x")))).replace('"x"', '"\\ud800"')
    (finding,) = read(tmp_path, data.encode()).findings
    finding.title.encode()


def test_size_and_number_of_values_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "report.json", grype(grype_match()))
    monkeypatch.setattr(reading, "MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(InputError, match="larger than any report"):
        findings(path)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "_MOST_VALUES", 10)
    with pytest.raises(InputError, match="more values than any report"):
        findings(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        findings(tmp_path / "none.json")
    with pytest.raises(UsageError, match="cannot read"):
        findings(tmp_path)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}, "--vex"),
        ({"spdxVersion": "SPDX-2.3"}, "SPDX"),
        ({"something": "else"}, "Trivy"),
    ],
)
def test_other_formats_are_told_where_they_belong(tmp_path: Path, value: Any, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, value)
    assert hint in caught.value.hint


def test_answers_of_amazons_registry(tmp_path: Path) -> None:
    page = {
        "registryId": "123456789012",
        "repositoryName": "team/hello",
        "imageId": {"imageDigest": "sha256:" + "1" * 64, "imageTag": "1"},
        "imageScanStatus": {"status": "COMPLETE"},
        "imageScanFindings": {"findings": [], "findingSeverityCounts": {}},
    }
    assert read(tmp_path, page).format == "ecr"
    assert read(tmp_path, [page]).format == "ecr"
