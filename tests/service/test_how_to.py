"""`docs/how-to/run-the-service.md`: its two files of settings, with a real PostgreSQL, S3 server and OpenID provider, over TLS."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.pages import ROOT, blocks
from tests.e2e.kit import COMMAND, machine_environment
from tests.inputs.s3d import KEY, SECRET, s3d
from tests.registry.real import make_certificates
from tests.service.auth.provider import providing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/how-to/run-the-service.md").read_text()


@dataclass(frozen=True)
class Site:
    place: Path
    url: str
    endpoint: str

    def ask(self, client: str, *words: str) -> tuple[int, Any]:
        """The exit status of a command, as somebody with the role that the client is called like, and its result."""
        auth = self.place / client
        auth.mkdir(exist_ok=True)
        (auth / "endpoint").write_text(self.endpoint)
        (auth / "client-id").write_text(client)
        (auth / "client-secret").write_text("secret")
        env = {"SLIPWAY_SERVER": self.url, "CA_CERT": str(self.place / "ca.pem")}
        env |= {"OAUTH_CONFIG_DIR": str(auth), "HOME": str(self.place / "nobody")}
        done = subprocess.run(
            [*COMMAND, *words, "--json"],
            env=machine_environment() | env,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def site(tmp_path: Path, new_postgres: str) -> Iterator[Site]:
    make_certificates(tmp_path)
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    for name, text in {"database": new_postgres, "s3-access-key": KEY, "s3-secret-key": SECRET}.items():
        (secrets / name).write_text(text + "\n")
    files = {block.title: block.text for block in blocks(PAGE) if block.title}
    config = tmp_path / "home/.config/slipway/config.toml"
    config.parent.mkdir(parents=True)
    with s3d(tmp_path) as server, providing() as issuer:
        for bucket in ("ims", "boot-images"):
            (server.root / bucket).mkdir()
        config.write_text(
            _with(
                files["config.toml"],
                {
                    "https://sso.example.org/realms/site": issuer,
                    '"slipway"': '"urn:slipway"',
                    "/etc/slipway/tls.crt": str(tmp_path / "server.pem"),
                    "/etc/slipway/tls.key": str(tmp_path / "server.key"),
                },
            )
        )
        written = _with(
            files["slipway.env"], {"/run/secrets": str(secrets), "https://rgw.example.org": server.url}
        )
        env = dict(line.split("=", 1) for line in written.splitlines())
        env = machine_environment() | env | {"HOME": str(tmp_path / "home")}
        data = ("--data", str(tmp_path / "data"))
        for verb in ("migrate", "check"):
            subprocess.run([*COMMAND, "service", verb, *data], env=env, check=True, capture_output=True)
        with (tmp_path / "service.log").open("wb") as log:
            service = subprocess.Popen(
                [*COMMAND, "serve", "--port", "0", "--json", *data],
                env=env,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        try:
            assert service.stdout
            said = service.stdout.readline()
            assert said, (tmp_path / "service.log").read_text()[-2000:]
            port = json.loads(said)["address"].rpartition(":")[2]
            endpoint = f"{issuer}/.well-known/openid-configuration"
            yield Site(tmp_path, f"https://127.0.0.1:{port}", endpoint)
        finally:
            service.terminate()
            service.communicate(timeout=30)


def test_as_the_page_says(site: Site) -> None:
    rootfs = site.place / "rootfs"
    rootfs.write_bytes(os.urandom(20_000_000))
    status, sent = site.ask("builder", "artifact", "upload", "compute", "--rootfs", str(rootfs))
    assert status == 0, sent
    assert (site.place / "buckets/boot-images" / sent["image"]["id"] / "rootfs").stat().st_size == 20_000_000
    assert [each["name"] for each in site.ask("viewer", "image", "list")[1]["images"]] == ["compute"]
    assert site.ask("viewer", "image", "rm", "--remote", "compute")[0] != 0
    assert site.ask("nobody", "image", "list")[0] != 0
    assert site.ask("builder", "image", "rm", "--remote", "compute")[0] == 0
    assert site.ask("viewer", "image", "list")[1]["images"] == []
    assert not list(site.place.glob("data/**/*.db")), "the records are in PostgreSQL"
    said = (site.place / "service.log").read_text()
    assert SECRET not in said
    assert "Bearer" not in said


def _with(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        assert old in text
        text = text.replace(old, new)
    return text
