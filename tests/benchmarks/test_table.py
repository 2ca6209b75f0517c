"""Medians and ratios of the comparison with other builders."""

from __future__ import annotations

import pytest
from benchmarks.peers.model import Cost, Sample
from benchmarks.peers.table import compared, medians, ratios, render


def sample(contender, case, wall, *, recipe="medium", cpu=1.0, number=0):
    return Sample(contender, recipe, case, number, Cost(wall, cpu, 5_000_000), 120_000_000)


SAMPLES = [
    *(sample("slipway", "cold", wall, number=n) for n, wall in enumerate([5.0, 4.0, 90.0])),
    sample("image-builder-api", "cold", 40.0),
    sample("buildkit", "cold", 9.0),
    sample("buildah", "cold", 30.0),
    sample("slipway", "file", 0.5),
    sample("buildkit", "file", 2.5),
]


def found(rows, against, case):
    (row,) = [r for r in rows if against in r["against"] and r["case"] == case]
    return row


def test_the_median_is_not_moved_by_one_slow_round():
    cell = medians(SAMPLES)["slipway", "medium", "cold"]
    assert (cell.wall, cell.runs) == (5.0, 3)


def test_ratios_are_against_the_fastest_of_a_group_and_know_what_is_required():
    rows = ratios(medians(SAMPLES), "slipway")
    assert found(rows, "API", "cold") == {
        "ours": "slipway",
        "recipe": "medium",
        "against": "the image builder's API, cached",
        "case": "cold",
        "ratio": 8.0,
        "required": 7,
    }
    better = found(rows, "better of", "cold")
    assert better["ratio"] == pytest.approx(1.8)
    assert better["required"] == 2
    assert found(rows, "better of", "file")["ratio"] == pytest.approx(5)


def test_what_was_not_measured_has_no_ratio():
    rows = ratios(medians(SAMPLES), "slipway")
    assert not [r for r in rows if "command line" in r["against"] or r["case"] == "package"]


def test_missing_numbers_are_shown_as_missing():
    samples = [sample("slipway", "cold", 3.0, cpu=None), sample("slipway", "cold", 5.0, cpu=None)]
    cells = medians(samples)
    assert cells["slipway", "medium", "cold"].cpu is None
    text = render(cells, {"slipway": "Slipway"}, {"medium": "two packages"})
    assert "4.00" in text
    processor = text.partition("processor seconds")[2].splitlines()[1]
    assert processor.split() == ["Slipway", "-", "-", "-", "-"]


def test_the_table_marks_what_falls_short():
    text = render(
        medians(SAMPLES),
        {"slipway": "Slipway", "image-builder-api": "API", "buildkit": "BuildKit", "buildah": "buildah"},
        {"medium": "two packages"},
    )
    assert "8.0 (≥ 7)" in text
    assert "8.0 (≥ 7) !" not in text
    assert "1.8 (≥ 2) !" in text


def test_only_the_form_with_the_same_content_has_requirements():
    samples = [sample("slipway-debian", "cold", 5.0), sample("buildkit", "cold", 9.0)]
    assert [(r["ratio"], r["required"]) for r in ratios(medians(samples), "slipway-debian")] == [(1.8, None)]


def test_packages_are_compared_by_name_and_version() -> None:
    found = {
        "small": {"slipway": {"a 1", "b 2"}, "peer": {"a 1", "b 3", "pip 1"}},
        "large": {"peer": {"a 1"}},
    }
    assert compared(found, {"slipway": "Slipway", "peer": "Peer"}) == [
        "small: 1 of 2 Python packages are the same in Peer (+ b 3, pip 1; - b 2)"
    ]
