from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway import doctor
from slipway.doctor import Check, Finding, Found
from slipway.errors import FetchError
from slipway.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def settings(tmp_path):
    return load({"HOME": str(tmp_path)})


def check(probe: Callable[..., Found], *, essential: bool = False) -> Check:
    return Check("thing", "something", "get one", probe, essential)


def test_a_finding_has_a_remedy_only_when_something_is_wrong(settings, monkeypatch):
    probes = [
        lambda *_: Found("ok", "here"),
        lambda *_: Found("limited", "half"),
        lambda *_: Found("missing", "no"),
    ]
    monkeypatch.setattr(doctor, "CHECKS", tuple(check(p) for p in probes))
    findings = doctor.examine(settings)
    assert [f.status for f in findings] == ["ok", "limited", "missing"]
    assert [f.remedy for f in findings] == ["", "get one", "get one"]
    assert findings[0].as_dict()["needed_for"] == "something"


@pytest.mark.parametrize("error", [FetchError("no answer"), PermissionError(13, "Permission denied")])
def test_a_failing_probe_is_a_finding(settings, monkeypatch, error):
    def probe(*_):
        raise error

    monkeypatch.setattr(doctor, "CHECKS", (check(probe, essential=True),))
    (found,) = doctor.examine(settings)
    assert found.status == "missing"
    assert found.detail
    assert not doctor.can_build([found])


def test_only_what_a_build_needs_decides():
    def finding(status: doctor.Status, essential: bool) -> Finding:
        return Finding("x", status, "", "", "", essential)

    assert doctor.can_build([finding("missing", False), finding("limited", True)])
    assert not doctor.can_build([finding("missing", True)])


def test_places_that_do_not_exist_yet_are_fine(settings):
    found = doctor._store(settings, False)
    assert found.status == "ok"
    assert "GB free" in found.detail


def test_a_place_below_a_file_is_missing(settings, tmp_path):
    (tmp_path / "file").touch()
    assert doctor._cache(replace(settings, cache=tmp_path / "file" / "cache"), False).status == "missing"


def test_little_space_is_a_limit(settings, monkeypatch):
    monkeypatch.setattr(doctor, "LITTLE_SPACE", 1 << 62)
    assert doctor._store(settings, False).status == "limited"


def test_a_keyring_may_be_chosen(settings, tmp_path):
    ring = tmp_path / "ring.gpg"
    assert doctor._keyring(replace(settings, keyring=str(ring)), False).status == "missing"
    ring.touch()
    assert doctor._keyring(replace(settings, keyring=str(ring)), False) == Found("ok", str(ring))


def test_one_of_two_programs_is_enough(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor._program("gpgv", "sqv") == Found("missing", "gpgv or sqv is not installed")
    program = tmp_path / "sqv"
    program.touch(mode=0o755)
    assert doctor._program("gpgv", "sqv") == Found("ok", str(program))


def test_the_mirror_is_the_one_that_apt_uses_most(settings, tmp_path, monkeypatch):
    program = tmp_path / "apt-get"
    program.write_text(
        "#!/bin/sh\necho http://a.test/security\necho http://a.test/debian\necho http://a.test/debian\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor._mirror(settings, False) == Found("ok", "http://a.test/debian")
    assert doctor._mirror(replace(settings, mirror="http://b.test"), False).detail == "http://b.test"
    program.write_text("#!/bin/sh\n")
    assert doctor._mirror(settings, False).status == "missing"


@pytest.mark.net
def test_online_asks_mirror_and_index(settings):
    assert "answers 200" in doctor._mirror(settings, True).detail
    assert doctor._index(settings, True).status == "ok"


def test_docker_is_looked_for_where_the_settings_say(settings, tmp_path, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    path = tmp_path / "docker.sock"
    chosen = replace(settings, docker_host=f"unix://{path}")
    assert doctor._docker(chosen, False).status == "missing"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert doctor._docker(chosen, False) == Found("ok", f"unix://{path}")
    monkeypatch.setenv("DOCKER_HOST", "ssh://somewhere")
    assert doctor._docker(settings, False).status == "limited"


def test_docker_over_tcp(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert doctor._docker(replace(settings, docker_host=host), False) == Found("ok", host)


def test_the_sandbox_probe_leaves_nothing_behind(settings):
    before = Path("/proc/self/mountinfo").read_text()
    found = doctor._sandbox(settings, False)
    assert found.status in ("ok", "limited", "missing")
    assert Path("/proc/self/mountinfo").read_text() == before


@pytest.mark.parametrize(
    ("reached", "status"), [("nothing", "missing"), ("namespaces", "limited"), ("overlay", "ok")]
)
def test_the_sandbox_has_degrees(settings, monkeypatch, reached, status):
    monkeypatch.setattr("slipway.sandbox.trial.try_namespaces", lambda: reached)
    assert doctor._sandbox(settings, False).status == status


def test_every_check_names_purpose_and_remedy():
    for one in doctor.CHECKS:
        assert one.name
        assert one.needed_for
        assert one.remedy
    assert {c.name for c in doctor.CHECKS if c.essential} >= {"store", "cache", "Debian mirror", "uv"}


def test_the_whole_on_this_machine(settings):
    findings = doctor.examine(settings)
    assert [f.name for f in findings] == [c.name for c in doctor.CHECKS]
