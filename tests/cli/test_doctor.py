from __future__ import annotations

import pytest

from slipway.doctor import Finding

FINE = Finding("uv", "ok", "/usr/bin/uv", "Python packages", "", True)
GONE = Finding("Debian mirror", "missing", "APT has none", "Debian packages", "configure APT", True)
SPARE = Finding("skopeo", "missing", "not installed", "copies", "apt-get install skopeo", False)


@pytest.fixture
def examined(monkeypatch):
    def set_to(*findings):
        monkeypatch.setattr("slipway.doctor.examine", lambda settings, *, online: list(findings))

    return set_to


def test_missing_things_say_what_for_and_how_to_get_them(call, examined):
    examined(FINE, GONE)
    done = call("doctor")
    assert done.status == 7
    assert done.out.splitlines() == [
        "✓  uv             /usr/bin/uv",
        "✗  Debian mirror  APT has none",
        "     needed for Debian packages; configure APT",
        "",
        "images cannot be built here yet",
    ]


def test_what_is_not_essential_does_not_fail(call, examined):
    examined(FINE, SPARE)
    done = call("doctor", "--json")
    assert done.status == 0
    assert call("doctor").out.splitlines()[1] == "-  skopeo  not installed"
    assert done.lines[0]["can_build"] is True
    assert [c["status"] for c in done.lines[0]["checks"]] == ["ok", "missing"]
