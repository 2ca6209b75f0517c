"""`slipway artifact`, `key`, `job`, `node`, and what `image` and `recipe` do on a service; a real one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from slipway.client import Client
from tests.cli.conftest import command, on_terminal
from tests.client.conftest import on_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome
    from tests.client.conftest import World

__all__ = ["on_disk"]


@pytest.fixture
def ask(
    call: Callable[..., Outcome], on_disk: World, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Run a command with `--json`; its result."""
    for name in ("S3_ENDPOINT", "S3_HOST", "OAUTH_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLIPWAY_SERVER", on_disk.url)

    def run(*argv: str) -> dict[str, Any]:
        done = call(*argv, "--json")
        assert done.status == 0, done.out + done.err
        return done.lines[-1]

    return run


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    path = tmp_path / "image.squashfs"
    path.write_bytes(b"squashfs" * 1000)
    return path


def test_an_image_from_upload_to_purge(
    ask: Callable[..., dict[str, Any]], call: Callable[..., Outcome], rootfs: Path, tmp_path: Path
) -> None:
    done = ask(
        "artifact", "upload", "compute", "-r", str(rootfs), "-k", str(rootfs), "--metadata", "owner=crew"
    )
    identity = done["image"]["id"]
    assert done["image"]["metadata"] == {"owner": "crew"}
    assert [each["path"].rpartition("/")[2] for each in done["artifacts"]] == [
        "rootfs",
        "kernel",
        "manifest.json",
    ]
    assert ask("artifact", "upload", "compute", "-r", str(rootfs), "-k", str(rootfs), "--skip-existing")[
        "skipped"
    ]
    assert ask("image", "show", "compute")["image"]["id"] == identity
    said = call("image", "list").out
    assert identity in said
    assert "compute" in said
    path = f"s3://boot-images/{identity}/rootfs"
    ask("artifact", "get", path, "--output", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == rootfs.read_bytes()
    changed = ask(
        "image", "patch", "compute", "--metadata", "a=b", "--remove-metadata", "owner", "--arch", "aarch64"
    )
    assert (changed["image"]["metadata"], changed["image"]["arch"]) == ({"a": "b"}, "aarch64")
    assert ask("image", "rm", "--remote", "compute") == {"type": "result", "deleted": [identity]}
    assert identity in [each["id"] for each in ask("image", "list", "--deleted")["images"]]
    ask("image", "undelete", "compute")
    assert ask("image", "show", identity)["image"]["link"]
    ask("image", "rm", "--remote", identity)
    ask("image", "purge", identity)
    assert call("image", "show", "--deleted", identity).status == 2


def test_recipes(ask: Callable[..., dict[str, Any]], call: Callable[..., Outcome], rootfs: Path) -> None:
    made = ask(
        "recipe", "create", "r", "--distribution", "sles15", "--file", str(rootfs), "--value", "A=1", "--no-dkms"
    )["recipe"]  # fmt: skip
    assert made["link"]["path"] == f"s3://ims/recipes/{made['id']}/recipe.tar.gz"
    assert made["require_dkms"] is False
    shown = call("recipe", "show", "r").out
    assert "template_dictionary.A" in shown
    changed = ask("recipe", "patch", "r", "--value", "B=2", "--dkms")["recipe"]
    assert changed["template_dictionary"] == [{"key": "B", "value": "2"}]
    ask("recipe", "rm", "r")
    assert ask("recipe", "list", "--name", "r")["recipes"] == []
    ask("recipe", "purge", made["id"])


def test_keys_jobs_and_nodes(
    ask: Callable[..., dict[str, Any]], call: Callable[..., Outcome], rootfs: Path, tmp_path: Path
) -> None:
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA crew\n")
    ask("key", "create", "crew", str(tmp_path / "key.pub"))
    image = ask("artifact", "upload", "base", "-r", str(rootfs))["image"]["id"]
    job = ask(
        "job", "create", "--image", "base", "--key", "crew", "--name", "new", "--ssh", "work", "--jail"
    )["job"]
    assert (job["artifact_id"], job["job_type"]) == (image, "customize")
    assert job["ssh_containers"][0]["jail"]
    assert ask("job", "patch", job["id"], "--status", "success")["job"]["status"] == "success"
    assert job["id"] in call("job", "list").out
    assert ask("job", "rm", job["id"])["deleted"] == [job["id"]]
    ask("node", "create", "x1")
    assert {"xname": "x1"} in ask("node", "list")["nodes"]
    ask("node", "rm", "x1")
    (tmp_path / "key").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\ncanary")
    refused = call("key", "create", "crew", str(tmp_path / "key"))
    assert refused.status == 2
    assert "private key" in refused.err
    assert "canary" not in refused.err


def test_names_that_several_have(ask: Callable[..., dict[str, Any]], call: Callable[..., Outcome]) -> None:
    ids = [ask("image", "create", "twice")["image"]["id"] for _ in range(2)]
    refused = call("image", "rm", "--remote", "twice")
    assert refused.status == 2
    assert all(each in refused.err for each in ids)
    ask("image", "rm", "--remote", *ids)


def test_refusals_are_shown_with_all_they_say(
    ask: Callable[..., dict[str, Any]], call: Callable[..., Outcome]
) -> None:
    done = call("recipe", "create", "r", "--distribution", "beos")
    assert done.status == 4
    assert "failed validation" in done.err
    assert "linux_distribution: " in done.err
    done = call("recipe", "create", "r", "--distribution", "beos", "--json")
    assert json.loads(done.out.splitlines()[-1])["status"] == 422


@pytest.mark.parametrize(
    "argv",
    [
        ("artifact", "upload", "x"),
        ("artifact", "upload", "x", "-r", "f", "--resume", "--skip-existing"),
        ("artifact", "upload", "x", "-r", "/none"),
        ("job", "create", "--key", "k", "--name", "n"),
        ("job", "patch", "x"),
        ("image", "patch", "x"),
        ("recipe", "patch", "x"),
        ("image", "create", "x", "--metadata", "novalue"),
        ("key", "create", "x", "/none"),
    ],
)
def test_what_is_not_meant(call: Callable[..., Outcome], argv: tuple[str, ...]) -> None:
    assert call(*argv).status == 2


def test_no_service_there(call: Callable[..., Outcome]) -> None:
    done = call("--server", "http://127.0.0.1:1", "--offline", "key", "list")
    assert done.status == 4
    assert call("key", "list", "--server", "ftp://x").status == 2
    done = call("node", "create", "--server", "http://127.0.0.1:1", "x1")
    assert "does a service run there?" in done.err


def test_a_record_is_one_line(ask: Callable[..., dict[str, Any]], call: Callable[..., Outcome]) -> None:
    made = ask("image", "create", "two\nlines\x1b[31m")["image"]
    assert any("two lines\ufffd[31m" in line for line in call("image", "list").out.splitlines())
    ask("image", "rm", "--remote", made["id"])


def test_bars(ask: Callable[..., dict[str, Any]], on_disk: World, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(bytes(96 << 20))
    status, said = on_terminal(
        command("--server", on_disk.url, "artifact", "upload", "bars", "-r", str(path)), seconds=60
    )
    assert status == 0, said
    assert "hash" in said
    assert "send" in said
    assert "%" in said or "MB" in said


def test_artifacts_and_uploads(
    ask: Callable[..., dict[str, Any]], call: Callable[..., Outcome], on_disk: World, rootfs: Path
) -> None:
    image = ask("artifact", "upload", "listed", "-r", str(rootfs))["image"]["id"]
    paths = [f"s3://boot-images/{image}/{name}" for name in ("manifest.json", "rootfs")]
    found = ask("artifact", "list", f"s3://boot-images/{image}")["artifacts"]
    assert [each["path"] for each in found] == paths
    assert [each["linked"] for each in found] == [{"kind": "image", "id": image}, None]
    assert set(paths) <= {each["path"] for each in ask("artifact", "list")["artifacts"]}
    said = call("artifact", "list", f"s3://boot-images/{image}").out.splitlines()
    assert [line.split()[0] for line in said] == ["PATH", *paths]
    assert [line.split()[-1] for line in said] == ["RECORD", "image", "image"]
    assert call("artifact", "list", "s3://ims/nothing").out.strip() == "no artifacts"
    assert call("artifact", "list", "boot-images").status == 5

    with Client(on_disk.url) as client:
        begun = client.depot().begin("boot-images", f"{image}/kernel", "x/y", {})
    [upload] = ask("artifact", "uploads", f"s3://boot-images/{image}")["uploads"]
    assert (upload["id"], upload["size"], upload["record"]) == (begun, 0, {"kind": "image", "id": image})
    assert begun in call("artifact", "uploads").out
    assert ask("artifact", "abort", begun)["aborted"] == [begun]
    assert call("artifact", "uploads", f"s3://boot-images/{image}").out.strip() == "no uploads"


def test_ids_are_completed(
    ask: Callable[..., dict[str, Any]], on_disk: World, rootfs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.shell_completion import ShellComplete

    from slipway.cli.main import cli

    ask("node", "create", "x77")
    shell = ShellComplete(cli, {}, "slipway", "_SLIPWAY_COMPLETE")
    assert [each.value for each in shell.get_completions(["node", "show"], "x7")] == ["x77"]
    image = ask("artifact", "upload", "words", "-r", str(rootfs))["image"]["id"]
    path = f"s3://boot-images/{image}/manifest.json"
    for typed in (path[:40], path[:-3]):
        assert path in [each.value for each in shell.get_completions(["artifact", "get"], typed)]
    assert shell.get_completions(["artifact", "rm"], "s3://boot-images/nothing") == []
    monkeypatch.setenv("SLIPWAY_SERVER", "http://127.0.0.1:1")
    assert shell.get_completions(["node", "show"], "x7") == []


def test_the_helper(
    call: Callable[..., Outcome], ask: Callable[..., dict[str, Any]], on_disk: World, rootfs: Path
) -> None:
    done = call("ims-helper", "image", "upload_artifacts", "h", "-r", str(rootfs), "--ims-url", on_disk.url)
    assert done.status == 0
    assert json.loads(done.out)["result"] == "success"
    assert call("ims-helper", "--help").status == 0
    assert call("ims-helper", "image", "bogus").status == 2
