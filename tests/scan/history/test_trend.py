"""How the numbers went, as text and as a picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from slipway.scan.history.model import Entry, Numbers
from slipway.scan.history.sparkline import PLAIN, sparkline
from slipway.scan.history.trend import svg

SVG = "{http://www.w3.org/2000/svg}"


def entry(day: int, *levels: int, image: str = "hello:1", complete: bool = True) -> Entry:
    return Entry(image, f"2026-11-{day:02}T08:00:00Z", Numbers((*levels, *[0] * 6)[:6]), complete, Path("x"))


SCANS = [entry(1, 0, 0, 1, 2, 3, 4), entry(11, 1, 0, 0, 0, 0, 2, complete=False), entry(21, 0, 0, 0, 0, 0, 0)]


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ((), ""),
        ((0,), "▁"),
        ((0, 0), "▁▁"),
        ((5,), "█"),
        ((0, 1, 100), "▁▂█"),
        ((7, 14), "▅█"),
        ((10**30,), "█"),
    ],
)
def test_sparklines(values: tuple[int, ...], bars: str) -> None:
    assert sparkline(values) == bars


def test_sparklines_on_one_scale_and_without_bars() -> None:
    assert sparkline((1, 2), most=70) == "▂▂"
    assert sparkline((0, 1), bars=PLAIN) == "_#"


def test_the_picture_says_what_it_shows() -> None:
    root = ET.fromstring(svg(SCANS))
    assert root.get("role") == "img"
    names = (root.get("aria-labelledby") or "").split()
    told = {node.get("id"): node.text for node in root if node.get("id")}
    assert [told[name] for name in names] == [
        "Open findings of hello:1, 2026-11-01 to 2026-11-21",
        "3 scans. critical 4 → 0, high 3 → 0, medium 2 → 0, low 1 → 0, unknown 0 → 0. 1 of them incomplete: there may be more.",
    ]
    tips = [node.findtext(f"{SVG}title") for node in root.iter(f"{SVG}rect") if node.get("class") == "scan"]
    assert tips == [
        "2026-11-01 08:00 hello:1: critical 4, high 3, medium 2, low 1",
        "2026-11-11 08:00 hello:1: critical 2, unknown 1, incomplete",
        "2026-11-21 08:00 hello:1: nothing open",
    ]
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert {"critical", "incomplete", "2026-11-01", "2026-11-21", "0", "10"} <= {*texts}


def test_areas_are_stacked() -> None:
    root = ET.fromstring(svg([entry(1, 0, 0, 0, 0, 5, 5), entry(2, 0, 0, 0, 0, 0, 10)]))
    areas = {
        node.get("class"): [tuple(map(float, p.split(","))) for p in (node.get("points") or "").split()]
        for node in root.iter(f"{SVG}polygon")
    }
    bottom = max(y for _, y in areas["critical"])
    half, top = min(y for x, y in areas["critical"] if x < 400), min(y for _, y in areas["critical"])
    assert (bottom - half) * 2 == pytest.approx(bottom - top)
    assert areas["high"][0] == (48.0, top)  # five on five
    assert areas["high"][2][1] == top  # nothing on ten


def test_nothing_runs_and_nothing_is_fetched() -> None:
    text = svg([entry(1, 1, image='x"><script>alert(1)</script>&\x00\x1b')])
    root = ET.fromstring(text)
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= {
        "svg", "title", "desc", "style", "defs", "pattern", "line", "rect", "text", "polygon",
    }  # fmt: skip
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert not any(name.startswith("on") for node in root.iter() for name in node.attrib)


def test_several_in_one_page_do_not_meet() -> None:
    one, two = svg(SCANS), svg(SCANS[:1])
    names = [{n.get("id") for n in ET.fromstring(t).iter() if n.get("id")} for t in (one, two)]
    assert names[0].isdisjoint(names[1])
    assert one == svg(SCANS)
    style = ET.fromstring(one).findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme:dark" in style
    name = ET.fromstring(one).get("class")
    assert all(
        f".{name} " in rule
        for rule in style.replace("@media(prefers-color-scheme:dark){", "").split("}")
        if rule
    )


@pytest.mark.parametrize("scans", [[], SCANS[:1], [entry(1, 3), entry(1, 3)], [entry(1, 10**12)] * 2])
def test_odd_numbers(scans: list[Entry]) -> None:
    root = ET.fromstring(svg(scans))
    ticks = [int(n.text or "") for n in root.iter(f"{SVG}text") if (n.text or "").isdecimal()]
    assert 2 <= len(ticks) <= 6
    assert "nan" not in svg(scans)
    assert "inf" not in svg(scans).replace("incomplete", "")


def test_several_tags_have_the_name_of_the_repository() -> None:
    text = svg([entry(1, 1, image="r:5000/hello:1"), entry(2, 1, image="r:5000/hello:2")])
    assert "Open findings of r:5000/hello, 2026" in text
