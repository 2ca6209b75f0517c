from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from slipway.events import Reporter
from slipway.registry.probe import digest_of
from slipway.registry.push import push
from slipway.registry.reference import parse
from slipway.registry.wire import open_wire
from tests.images.making import Maker, member
from tests.registry.faults import fault_registry, status

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.oci.store import Descriptor
    from tests.registry.real import RealRegistry

NONE = "sha256:" + "0" * 64


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def published(maker: Maker, registry: RealRegistry, name: str) -> Descriptor:
    image = maker.image(maker.layer(member("a", b"1")), tag="hello:1")
    login = (registry.user, registry.password) if registry.user else None
    push(maker.store, image, parse(f"{registry.host}/{name}"), maker.settings, Reporter(), login=login)
    return image


def test_what_a_tag_means(registry: RealRegistry, maker: Maker) -> None:
    image = published(maker, registry, "probe/a:1")
    for name, expected in (
        ("a:1", image.digest),
        ("a:2", ""),
        (f"a@{image.digest}", image.digest),
        (f"a@{NONE}", ""),
    ):
        assert digest_of(parse(f"{registry.host}/probe/{name}"), maker.settings) == expected
    assert digest_of(parse(f"{registry.host}/probe/a:1"), maker.settings.with_(offline=True)) is None
    assert digest_of(parse("127.0.0.1:1/probe/a:1"), maker.settings) is None
    assert digest_of(parse("python:3.12"), maker.settings) is None
    assert digest_of(parse(f"{'x' * 64}.invalid/a:1"), maker.settings) is None


def test_logins_of_dockers_configuration(
    login_registry: RealRegistry, maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = published(maker, login_registry, "probe/login:1")
    reference = parse(f"{login_registry.host}/probe/login:1")
    assert digest_of(reference, maker.settings) is None
    assert digest_of(reference, maker.settings, ("crew", "wrong")) is None
    config = login_registry.docker_config(tmp_path / "config")
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    assert digest_of(reference, maker.settings) == image.digest
    (config / "config.json").write_text('{"credsStore": "vault"}')
    assert digest_of(reference, maker.settings) is None


def test_the_authorities_are_the_usual(
    tls_registry: RealRegistry, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = parse(f"{tls_registry.host}/probe/tls:1")
    login = (tls_registry.user, tls_registry.password)
    assert digest_of(reference, maker.settings, login) is None
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_registry.ca))
    image = published(maker, tls_registry, "probe/tls:1")
    assert digest_of(reference, maker.settings, login) == image.digest


def test_every_other_answer_is_left_to_the_session(maker: Maker) -> None:
    with fault_registry() as registry:
        reference = parse(f"{registry.host}/team/app:1")
        for code in (301, 401, 403, 429, 500):
            registry.fault("HEAD", "/manifests/", status(code))
            assert digest_of(reference, maker.settings) is None
        registry.add_manifest("team/app", "1", b"{}", "x")
        registry.tells_digests = False
        assert digest_of(reference, maker.settings) is None


def test_a_mirror_of_docker_hub_is_asked_without_a_login(maker: Maker) -> None:
    with fault_registry() as registry:
        digest = registry.add_manifest("library/python", "3.12", b"{}", "x")
        settings = maker.settings.with_(registry_mirror=f"http://{registry.host}")
        assert digest_of(parse("python:3.12"), settings, ("crew", "s3cret")) == digest
        assert [seen.headers.get("Authorization") for seen in registry.seen] == [None]
        with open_wire(parse("python:3.12"), settings, push=True) as wire:
            assert wire is None


def test_an_unchanged_push_imports_nothing_heavy(registry: RealRegistry, maker: Maker) -> None:
    published(maker, registry, "probe/light:1")
    code = (
        "import sys; from slipway.cli.main import run\n"
        f"status = run(['--store', {str(maker.store.root)!r}, 'image', 'push', 'hello:1', {f'{registry.host}/probe/light:1'!r}])\n"
        "heavy = {'httpx2', 'ssl', 'http.client', 'email', 'rich'} & set(sys.modules)\n"
        "sys.exit(status or (str(heavy) if heavy else 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{registry.host}/probe/light:1@sha256:")
