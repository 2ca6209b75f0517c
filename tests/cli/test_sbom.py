"""`slipway sbom`."""

import json

from slipway.oci.store import Store
from tests.cli.test_image import make
from tests.registry.conftest import registry

__all__ = ["registry"]


def test_of_a_directory(call, tmp_path):
    info = tmp_path / "root/usr/lib/python3/requests-2.32.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: requests\nVersion: 2.32.3\n")
    shown = json.loads(call("sbom", f"dir:{tmp_path}/root").out)
    assert [row["purl"] for row in shown["components"]] == ["pkg:pypi/requests@2.32.3"]
    call("sbom", f"dir:{tmp_path}/root", "--output", str(tmp_path / "x.json"))
    assert json.loads((tmp_path / "x.json").read_text()) == shown
    again = json.loads(call("sbom", f"sbom:{tmp_path}/x.json").out)
    assert again["components"] == shown["components"]


def test_of_nothing(call):
    done = call("sbom", "NO:SUCH")
    assert done.status == 2
    assert "not in the store" in done.err


def test_the_ending_of_a_file_tells_the_format(call, tmp_path, monkeypatch):
    (tmp_path / "root").mkdir()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    wanted = {"x.spdx.json": "spdxVersion", "x.cdx.json": "bomFormat", "x.json": "bomFormat"}
    for name, field in wanted.items():
        assert call("sbom", f"dir:{tmp_path}/root", "-o", str(tmp_path / name)).status == 0
        assert field in json.loads((tmp_path / name).read_text())
    given = call("sbom", f"dir:{tmp_path}/root", "--format", "spdx", "-o", str(tmp_path / "y.cdx.json"))
    assert given.status == 0
    assert (tmp_path / "y.cdx.json").read_bytes() == (tmp_path / "x.spdx.json").read_bytes()
    document = json.loads((tmp_path / "x.spdx.json").read_text())
    assert document["creationInfo"]["created"] == "2023-11-14T22:13:20Z"


def test_an_image_has_its_own_time(call, home, monkeypatch):
    store = Store(home / ".local/share/slipway/store")
    make(store, "hello:1", {"a": b"1"})
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = call("sbom", "hello:1", "--format", "spdx").out
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    assert call("sbom", "hello:1", "--format", "spdx").out == first
    assert json.loads(first)["creationInfo"]["created"] == "2026-01-02T03:04:05Z"


def test_attached_listed_and_fetched(call, home, registry, tmp_path):
    store = Store(home / ".local/share/slipway/store")
    make(store, "hello:1", {"a": b"1"})
    assert call("image", "referrers", "hello:1").out == "nothing is attached to it\n"
    target = f"{registry.host}/cli/sbom:1"
    done = call("image", "push", "--sbom", "hello:1", target, "--sbom=spdx", "--json")
    assert done.lines[-1]["pushed"]["attached"] == 2
    shown = call("image", "referrers", "hello:1")
    assert shown.out.splitlines()[0].split()[:2] == ["TYPE", "DIGEST"]
    rows = call("image", "referrers", f"registry:{target}", "--json").lines[-1]["referrers"]
    assert {row["type"] for row in rows} == {"application/spdx+json", "application/vnd.cyclonedx+json"}
    assert {row["subject"] for row in rows} == {store.find("hello:1").digest}
    text = call("image", "referrers", target, "--fetch", "cyclonedx").out
    assert json.loads(text)["bomFormat"] == "CycloneDX"
    path = tmp_path / "x.json"
    got = call("image", "referrers", target, "--fetch", "cyclonedx", "-o", str(path), "--json").lines[-1]
    assert (got["output"], got["fetched"]["type"]) == (str(path), "application/vnd.cyclonedx+json")
    assert path.read_text() == text
    assert "nothing to send" in call("image", "push", "hello:1", target, "--no-referrers").err
    for words in (["--output", "x"], ["--fetch", "spdx", "--json"], ["--fetch", "none"]):
        assert call("image", "referrers", target, *words).status == 2
    assert call("image", "push", "hello:1", target, "--sbom=none").status == 2
