"""Reports for people: Markdown and HTML, and that nothing in them becomes markup that was not meant."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from slipway.scan import reports
from slipway.scan.model import Inventory, Scan
from slipway.scan.policy.model import Judged
from slipway.scan.reports import view
from slipway.scan.reports.markdown import LIMIT, code, plain
from tests.scan.reports import kit

ALL = [kit.FAILED, kit.UNREAD, kit.WELL]


class Page(HTMLParser):
    """The tags with their attributes, and the text outside style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._code = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._code = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._code = False

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.text += data

    def all(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]


# -- what all of them show -----------------------------------------------------------------------------------------


def test_packages_are_sorted_by_what_matters() -> None:
    names = [package.component.name for package in view.packages(kit.SCAN)]
    assert names == ["libssl3", "curl", "flask", "perl-base", kit.HOSTILE, "jinja2"]
    assert names[-1] == "jinja2"  # all of it is excused
    first = view.packages(kit.SCAN)[0]
    assert [f.severity.level for f in first.open] == sorted(
        (f.severity.level for f in first.open), reverse=True
    )
    assert first.fix == "3.0.17-1~deb12u2"
    assert first.lower_bound


def test_a_package_in_two_places_is_one() -> None:
    flask = next(p for p in view.packages(kit.SCAN) if p.component.name == "flask")
    assert (flask.places, len(flask.open)) == (2, 1)


def test_the_version_to_go_to_repairs_all_that_can_be() -> None:
    findings = tuple(
        replace(kit.FINDINGS[0], id=f"CVE-1-{n}", component=kit.CURL, fixed=fixed)
        for n, fixed in enumerate([("7.88.1-10+deb12u9",), ("7.88.1-10+deb12u10",), ()])
    )
    (package,) = view.packages(Scan(Inventory("x"), findings))
    assert view.package_fix(package) == "7.88.1-10+deb12u10"
    unfixed = replace(findings[2], fix_state="wont-fix")
    (package,) = view.packages(Scan(Inventory("x"), (*findings[:2], unfixed)))
    assert view.package_fix(package) == "7.88.1-10+deb12u10 (2 of 3)"


def test_headers_are_apart() -> None:
    assert kit.HEADERS.name not in [p.component.name for p in view.packages(kit.SCAN)]
    assert [p.component.name for p in view.packages(kit.SCAN, headers=True)] == [kit.HEADERS.name]


def test_only_addresses_of_the_web_are_links() -> None:
    hostile = (
        "javascript:alert(1)",
        "data:x",
        "https://[bad",
        "https:// x",
        "//x",
        "https://",
        "file:///etc/passwd",
        # none by RFC 3986, and refused by readers of SARIF and CycloneDX
        'https://example.org/"><script>',
        "https://example.org/a%zz",
        "https://example.org:abc/",
        "https://example.org/a#b#c",
    )
    told = ("https://example.org/a", "http://example.org:8080/?q=%20(a;b)#c")
    assert view.addresses((*hostile, *told)) == told


# -- markdown ------------------------------------------------------------------------------------------------------


def test_markdown() -> None:
    text = reports.render("markdown", ALL)
    assert "**❌ fail**" in text
    assert "**❔ could not tell**" in text
    assert (
        "| critical | <code>libssl3</code> | 3.0.11-1~deb12u2 | 3.0.17-1~deb12u2 | [CVE-2024-1007](https://"
        in text
    )
    assert "12 more and maybe others" in text
    assert "nothing found, but not all could be looked at" in text


def test_markdown_stays_text() -> None:
    text = reports.render("markdown", ALL)
    assert "<script" not in text
    assert "](javascript" not in text
    assert "http://www.evil" not in text
    assert "@somebody" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.count("|") == 6 for line in rows)


@given(st.text())
def test_any_text_is_one_line_without_markup(text: str) -> None:
    shown = plain(text)
    rest = re.sub(r"&#[0-9]+;", "", shown)
    assert not set(rest) & set("\n\r|<>*_`[]!@#\\&")
    told = "".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text)
    assert unescape(shown).replace("\u200b", "").split() == told.split()
    assert code(text).startswith("<code>")


def test_a_comment_is_not_too_long() -> None:
    text = reports.render("markdown", [kit.many(20_000)])
    assert len(text) <= LIMIT
    assert "more packages" in text


# -- html ----------------------------------------------------------------------------------------------------------


def test_html_loads_nothing_and_allows_only_its_own_script() -> None:
    page = Page(reports.render("html", ALL, trends={kit.SCAN.inventory.name: "<svg onload=alert(1)/>"}))
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object", "link", "base")]
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 1
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.all("src"))
    policy = next(
        a["content"] or "" for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not page.all("style")
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_html_links_lead_into_the_web_or_the_page() -> None:
    page = Page(reports.render("html", ALL))
    assert all(link.startswith(("https://", "#")) for link in page.all("href"))
    assert "https://curl.se/docs/CVE-2023-38545.html" in page.all("href")


def test_html_shows_all_without_a_script() -> None:
    page = Page(reports.render("html", ALL))
    assert kit.HOSTILE.replace("\n", "").replace("\x1b", "\ufffd") in page.text.replace("\n", "")
    for finding in kit.FINDINGS:
        assert finding.id in page.text
    for words in (
        "This scan is not complete",
        "no advisories for PyPI have been fetched",
        "it is from Node Source, of which no feed speaks",
        "waived: the filter is not used",
        "3 days old",
        "2025b-0+deb12u2",
        "will not be fixed",
        "Could not tell",
    ):
        assert words in page.text
    hidden = [attrs for _, attrs in page.tags if "hidden" in attrs]
    assert {attrs.get("id") or attrs.get("class") for attrs in hidden} == {"tools", "nothing"}


def test_an_image_without_packages_is_not_called_well() -> None:
    bare = [Judged(Scan(Inventory("static:1")))]
    for form in ("html", "markdown"):
        text = reports.render(form, bare)
        assert "known to be wrong" not in text
        assert "o packages were found" in text or "no packages found" in text


def test_no_hidden_characters_in_html() -> None:
    text = reports.render("html", [Judged(Scan(Inventory("a\x00b\x1b[1m\u202ec\x85d\u2066e\tf")))])
    assert "a\ufffdb\ufffd[1m\ufffdc\ufffdd\ufffde\tf" in text
    assert not re.search(r"[^\t\n -~\xa0-\u2029\u2030-\uffff]", text)


def test_html_of_no_findings_says_so() -> None:
    text = Page(reports.render("html", [Judged(kit.WELL.scan)])).text
    assert "Nothing is known to be wrong" in text
    assert "Nothing is known to be wrong" not in Page(reports.render("html", [kit.UNREAD])).text
