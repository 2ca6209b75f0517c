"""The HTML report in a real browser, with and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.scan import reports
from tests.scan.reports import kit
from tests.scan.reports.browser import Browser, missing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
SHOWN = (
    "[...document.querySelectorAll('.list .package')].filter(p => p.offsetParent).map(p => p.dataset.name)"
)


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><style>rect{fill:red}</style><rect width="9" height="9"/></svg>'
    judged = [kit.FAILED, kit.UNREAD, kit.WELL]
    path.write_text(reports.render("html", judged, trends={kit.SCAN.inventory.name: picture}))
    return path


def test_filters_and_sorting(page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path) as browser:
        browser.open(page)
        assert (
            browser.complaints() == []
        )  # nothing hostile ran, and the page's policy forbade nothing of its own
        assert browser.run("document.querySelector('.trend img').naturalWidth") == 90
        everything = browser.run(SHOWN)
        assert everything[0] == "libssl3"
        assert everything[-1] == "jinja2"
        assert browser.run("document.getElementById('shown').textContent") == "63 findings"

        browser.enter("#text", "socks5 CURL")
        assert browser.run(SHOWN) == ["curl"]
        assert browser.run("document.getElementById('shown').textContent") == "1 of 63 findings"
        browser.click("button[type=reset]")
        browser.run("new Promise(done => setTimeout(done, 50))")
        assert browser.run(SHOWN) == everything

        browser.click("#state option[value=excused]")
        assert browser.run(SHOWN) == ["jinja2"]
        browser.click("#state option[value='']")
        browser.click("#fixable option[value=no]")
        assert browser.run(SHOWN) == ["curl", "perl-base", kit.HOSTILE.replace("\x1b", "\ufffd"), "jinja2"]
        browser.click("#fixable option[value='']")
        browser.click("input[value=critical]")
        browser.click("input[value=high]")
        assert "flask" not in browser.run(SHOWN)
        browser.click("input[value=critical]")
        browser.click("input[value=high]")

        browser.click("[data-sort=count] button")
        assert browser.run(SHOWN)[:2] == ["libssl3", "curl"]
        browser.click("[data-sort=count] button")
        assert browser.run(SHOWN)[-2] == "libssl3"  # what is all excused stays at the end
        browser.click("#open")
        assert browser.run("document.querySelectorAll('.package[open]').length") == 7


def test_it_is_read_without_scripts(page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path, script=False) as browser:
        browser.open(page)
        assert browser.run("document.getElementById('tools').offsetParent") is None
        assert browser.run("document.querySelectorAll('.head button').length") == 0
        browser.click(".package summary")
        assert "CVE-2024-1007" in browser.run("document.querySelector('.package[open]').innerText")


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_narrow_window(page: Path, tmp_path: Path, *, dark: bool) -> None:
    with Browser(tmp_path, width=500, dark=dark) as browser:
        browser.open(page)
        browser.click("#open")
        assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
        assert browser.run("getComputedStyle(document.body).backgroundColor") == (
            "rgb(18, 22, 27)" if dark else "rgb(255, 255, 255)"
        )
        assert browser.picture().startswith(b"\x89PNG")
