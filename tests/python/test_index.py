from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.events import Event, Log, Reporter
from slipway.python import index, pipconf
from slipway.python.index import Index
from slipway.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing is configured but what a test adds."""
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(tmp_path / "xdg")}


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The machine's own /etc/pip.conf and that of the running environment must not play along."""
    real = pipconf._files
    monkeypatch.setattr(pipconf, "_files", lambda e: [p for p in real(e) if p.is_relative_to(tmp_path)])


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_files_in_pips_order(home: dict[str, str], tmp_path: Path) -> None:
    put(tmp_path / "xdg/pip/pip.conf", "[global]\nindex-url = 1\nextra-index-url = 1\ncert = 1\n")
    put(tmp_path / "home/.pip/pip.conf", "[global]\nindex-url = 2\nextra_index_url = 2\n")
    put(tmp_path / "home/.config/pip/pip.conf", "[global]\nindex-url = 3\n[install]\nno-index = yes\n")
    assert pipconf.of_machine(home) == {
        "index-url": "3",
        "extra-index-url": "2",
        "cert": "1",
        "no-index": "yes",
    }
    put(tmp_path / "mine.conf", "[global]\nindex-url = 4\n[install]\nindex-url = 5\n[list]\nindex-url = 6\n")
    chosen = home | {"PIP_CONFIG_FILE": str(tmp_path / "mine.conf"), "PIP_FIND_LINKS": "7"}
    assert pipconf.of_machine(chosen) == {
        "index-url": "5",
        "extra-index-url": "1",  # a chosen file stands in for the user's
        "cert": "1",
        "find-links": "7",
    }
    assert pipconf.of_machine(home | {"PIP_CONFIG_FILE": "/dev/null"}) == {}


@pytest.mark.parametrize("text", ["no section", "[global]\nindex-url\n", "[global\n"])
def test_broken_file_is_named(home: dict[str, str], tmp_path: Path, text: str) -> None:
    put(tmp_path / "home/.pip/pip.conf", text)
    with pytest.raises(UsageError, match=r"home/\.pip/pip\.conf"):
        pipconf.of_machine(home)


def load(settings: Settings, environ: dict[str, str], pip_config: str = "", python_index: str = "") -> Index:
    return index.load(settings.with_(python_index=python_index), Reporter(), pip_config, environ)


def test_who_decides(settings: Settings, home: dict[str, str], tmp_path: Path) -> None:
    put(
        tmp_path / "home/.pip/pip.conf",
        "[global]\nindex-url = https://machine/simple\nextra-index-url =\n  https://a/simple\n  https://b/simple\n",
    )
    found = load(settings, home)
    assert (found.default, found.extra) == (
        "https://machine/simple",
        ("https://a/simple", "https://b/simple"),
    )
    found = load(settings, home, "[global]\ntimeout = 3\ntrusted-host = h\n")
    assert (found.default, found.trusted) == ("https://machine/simple", ("h",))
    found = load(settings, home, "[global]\nindex-url = https://recipe/simple\n")
    assert (found.default, found.extra) == ("https://recipe/simple", ())
    found = load(settings, home, "[global]\nindex-url = https://recipe/simple\n", "https://setting/simple")
    assert (found.default, found.extra) == ("https://setting/simple", ())
    found = load(settings, home | {"UV_DEFAULT_INDEX": "https://uv/simple"})
    assert (found.default, len(found.extra)) == ("https://uv/simple", 2)


def test_named_indexes_of_uv(settings: Settings, home: dict[str, str]) -> None:
    environ = home | {
        "UV_INDEX": "corp=https://corp.example/simple?a=b https://plain.example/simple",
        "UV_INDEX_CORP_USERNAME": "joe",
        "UV_INDEX_CORP_PASSWORD": "p@ss/word",
    }
    assert load(settings, environ).extra == (
        "https://joe:p%40ss%2Fword@corp.example/simple?a=b",
        "https://plain.example/simple",
    )


def test_local_places_that_are_missing(settings: Settings, home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    events: list[Event] = []
    environ = home | {
        "PIP_FIND_LINKS": f"{tmp_path}/wheels {tmp_path}/gone",
        "PIP_EXTRA_INDEX_URL": f"file://{tmp_path}/nowhere file://{tmp_path}/wheels",
    }
    found = index.load(settings, Reporter(events.append), "", environ)
    assert found.find_links == (f"{tmp_path}/wheels",)
    assert found.extra == (f"file://{tmp_path}/wheels",)
    assert [e.text for e in events if isinstance(e, Log)] == [
        f"file://{tmp_path}/nowhere is not there: left out",
        f"{tmp_path}/gone is not there: left out",
    ]


SECRET = Index(
    default="https://joe:hunter22@one.example:8443/simple",
    extra=("https://tok3nvalue@two.example/simple",),
    find_links=("/srv/wheels",),
)


def test_credentials_are_given_back_to_their_host_only() -> None:
    assert SECRET.with_credentials("https://one.example:8443/f/x.whl") == (
        "https://joe:hunter22@one.example:8443/f/x.whl"
    )
    for other in (
        "https://one.example/f/x.whl",
        "http://one.example:8443/f/x.whl",
        "https://one.example.evil:8443/f",
        "https://own@one.example:8443/f",
        "file:///x.whl",
    ):
        assert SECRET.with_credentials(other) == other


def test_credentials_do_not_leak() -> None:
    said = "no https://joe:hunter22@one.example:8443/simple/x nor 'tok3nvalue' or hunter22"
    assert SECRET.scrub(said) == "no https://one.example:8443/simple/x nor '***' or ***"
    assert SECRET.scrub("mail@example and a/b@c") == "mail@example and a/b@c"
    for text in (repr(SECRET), str(SECRET.public())):
        assert "hunter22" not in text
        assert "tok3n" not in text
    configured = SECRET.configuration("https://other.example/simple", 60)
    assert "hunter22" not in configured
    assert "other.example" not in configured
    assert tomllib.loads(configured)["index"][0]["url"] == "https://one.example:8443/simple"
    login = {k: v for k, v in SECRET.env().items() if k.startswith("UV_INDEX_SLIPWAY0_")}
    assert set(login.values()) == {"joe", "hunter22"}
    assert SECRET.arguments() == []
