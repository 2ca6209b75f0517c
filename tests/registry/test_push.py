from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, StoreError, UsageError
from slipway.events import Reporter, StepBegan, StepEnded, StepMoved
from slipway.oci.origins import note_origin, origins
from slipway.oci.usage import check
from slipway.registry import small
from slipway.registry.lazy import ensure
from slipway.registry.pull import pull
from slipway.registry.push import Pushed, push
from slipway.registry.reference import parse
from slipway.registry.session import open_session
from tests.images.making import Maker, member
from tests.registry.faults import cut_upload, fault_registry, status, unanswered
from tests.registry.kit import asked, contents, copy, since

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.oci.store import Descriptor
    from tests.registry.real import RealRegistry

QUIET = Reporter()


@pytest.fixture(autouse=True)
def _the_usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """`test_small` has the other one, which the images here are small enough for."""
    monkeypatch.setattr(small, "LARGEST", -1)


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "one")


def image(maker: Maker, text: str = "1") -> Descriptor:
    """Two layers: one that is always the same, and one with `text`."""
    return maker.image(maker.layer(member("base", b"base")), maker.layer(member("top", text.encode())))


def there(registry: RealRegistry, name: str, maker: Maker) -> str:
    """The digest of what the registry has under a name."""
    reference = parse(f"{registry.host}/{name}")
    with open_session(reference, maker.settings, QUIET) as session:
        found = session.head(reference.target)
    return found.digest if found else ""


def test_what_is_pushed_can_be_pulled_byte_for_byte(
    registry: RealRegistry, maker: Maker, tmp_path: Path
) -> None:
    made = image(maker)
    reference = parse(f"{registry.host}/push/whole:1")
    done = push(maker.store, made, reference, maker.settings, QUIET)
    assert done == Pushed(str(reference), made.digest, 3, 0, 0, done.bytes)
    assert done.as_dict()["bytes"] == sum(len(d) for d in contents(maker.store, made).values()) - made.size
    other = Maker(tmp_path / "other")
    back = pull(reference, None, other.store, other.settings, QUIET)
    assert back.digest == made.digest
    assert contents(other.store, back) == contents(maker.store, made)


def test_a_second_push_is_one_question(registry: RealRegistry, maker: Maker) -> None:
    made = image(maker)
    reference = parse(f"{registry.host}/push/twice:1")
    push(maker.store, made, reference, maker.settings, QUIET)
    before = asked(registry, "push/twice")
    assert push(maker.store, made, reference, maker.settings, QUIET) == Pushed(
        str(reference), made.digest, skipped=3
    )
    assert since(before, asked(registry, "push/twice")) == [("HEAD", "/v2/push/twice/manifests/1")]


def test_another_tag_sends_only_the_manifest(registry: RealRegistry, maker: Maker) -> None:
    made = image(maker)
    push(maker.store, made, parse(f"{registry.host}/push/tags:1"), maker.settings, QUIET)
    before = asked(registry, "push/tags")
    done = push(maker.store, made, parse(f"{registry.host}/push/tags:2"), maker.settings, QUIET)
    assert (done.uploaded, done.skipped) == (0, 3)
    assert since(before, asked(registry, "push/tags")) == [
        ("HEAD", "/v2/push/tags/manifests/2"),
        ("PUT", "/v2/push/tags/manifests/2"),
    ]


def test_another_machine_sends_no_blob_that_is_there(
    registry: RealRegistry, maker: Maker, tmp_path: Path
) -> None:
    made = image(maker)
    push(maker.store, made, parse(f"{registry.host}/push/machines:1"), maker.settings, QUIET)
    other = copy(maker, tmp_path / "two", "origins")
    changed = image(other, "2")
    before = asked(registry, "push/machines")
    done = push(other.store, changed, parse(f"{registry.host}/push/machines:2"), other.settings, QUIET)
    assert (done.uploaded, done.mounted, done.skipped) == (2, 0, 1)
    new = since(before, asked(registry, "push/machines"))
    assert [method for method, _ in new].count("POST") == 2
    assert sum(method == "HEAD" and "/blobs/" in path for method, path in new) == 3


def test_a_base_layer_that_is_not_here_is_mounted(
    registry: RealRegistry, maker: Maker, tmp_path: Path
) -> None:
    base = image(maker)
    push(maker.store, base, parse(f"{registry.host}/push/base:1"), maker.settings, QUIET)
    other = Maker(tmp_path / "two")
    lean = pull(parse(f"{registry.host}/push/base:1"), "", other.store, other.settings, QUIET, blobs=False)
    layers = [d["digest"] for d in other.store.read_json(lean.digest)["layers"]]
    assert [other.store.has(digest) for digest in layers] == [False, False]
    opened = [maker.layer(member("base", b"base")), maker.layer(member("top", b"1"))]
    app = other.image(*opened, other.layer(member("app", b"app")))
    done = push(other.store, app, parse(f"{registry.host}/push/app:1"), other.settings, QUIET)
    assert (done.uploaded, done.mounted, done.skipped) == (2, 2, 0)
    assert [other.store.has(digest) for digest in layers] == [False, False]
    third = Maker(tmp_path / "three")
    pull(parse(f"{registry.host}/push/app:1"), "", third.store, third.settings, QUIET)
    assert all(third.store.has(digest) for digest in layers)


def test_a_base_layer_of_another_registry_is_fetched_and_sent(
    registry: RealRegistry, login_registry: RealRegistry, maker: Maker, tmp_path: Path
) -> None:
    base = image(maker)
    push(maker.store, base, parse(f"{registry.host}/push/away:1"), maker.settings, QUIET)
    other = Maker(tmp_path / "two")
    lean = pull(parse(f"{registry.host}/push/away:1"), "", other.store, other.settings, QUIET, blobs=False)
    target = parse(f"{login_registry.host}/push/here:1")
    login = (login_registry.user, login_registry.password)
    done = push(other.store, lean, target, other.settings, QUIET, login=login)
    assert (done.uploaded, done.mounted, done.skipped) == (3, 0, 0)
    assert contents(other.store, lean) == contents(maker.store, base)


def test_a_mount_that_the_registry_refuses_is_an_upload(registry: RealRegistry, maker: Maker) -> None:
    made = image(maker)
    for layer in maker.store.read_json(made.digest)["layers"]:
        note_origin(maker.store, layer["digest"], f"{registry.host}/push/nowhere")
    done = push(maker.store, made, parse(f"{registry.host}/push/mountless:1"), maker.settings, QUIET)
    assert (done.uploaded, done.mounted) == (3, 0)


def test_all_platforms_of_an_index_go_and_the_tag_goes_last(registry: RealRegistry, maker: Maker) -> None:
    amd, arm = (
        maker.image(maker.layer(member("a", arch.encode())), platform=f"linux/{arch}")
        for arch in ("amd64", "arm64")
    )
    index = maker.index([("linux/amd64", amd), ("linux/arm64", arm)])
    push(maker.store, index, parse(f"{registry.host}/push/multi:1"), maker.settings, QUIET)
    puts = [path for method, path in since([], asked(registry, "push/multi")) if method == "PUT"]
    assert set(puts[-3:-1]) == {f"/v2/push/multi/manifests/{d.digest}" for d in (amd, arm)}
    assert puts[-1] == "/v2/push/multi/manifests/1"
    assert there(registry, "push/multi:1", maker) == index.digest


def test_docker_manifests_stay_what_they_are(registry: RealRegistry, maker: Maker) -> None:
    docker = maker.image(
        maker.layer(member("a", b"1")),
        manifest_type="application/vnd.docker.distribution.manifest.v2+json",
    )
    push(maker.store, docker, parse(f"{registry.host}/push/docker:1"), maker.settings, QUIET)
    assert there(registry, "push/docker:1", maker) == docker.digest


def test_a_blob_that_the_registry_lost_is_sent_again(registry: RealRegistry, maker: Maker) -> None:
    made = image(maker, "lost")
    push(maker.store, made, parse(f"{registry.host}/push/lost:1"), maker.settings, QUIET)
    layer = maker.store.read_json(made.digest)["layers"][1]["digest"]
    registry.blob_path(layer).unlink()
    done = push(maker.store, made, parse(f"{registry.host}/push/lost:2"), maker.settings, QUIET)
    assert (done.uploaded, done.mounted, done.skipped) == (1, 0, 2)
    assert registry.blob_path(layer).read_bytes() == maker.store.read(layer)


@pytest.mark.parametrize("way", ["given", "kept"])
def test_a_registry_that_wants_a_password(
    login_registry: RealRegistry, maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    made = image(maker, way)
    reference = parse(f"{login_registry.host}/push/{way}:1")
    with pytest.raises(FetchError) as refused:
        push(maker.store, made, reference, maker.settings, QUIET)
    assert f"slipway login {login_registry.host}" in refused.value.hint
    login: tuple[str, str] | None = (login_registry.user, login_registry.password)
    if way == "kept":
        monkeypatch.setenv("DOCKER_CONFIG", str(login_registry.docker_config(tmp_path / "docker")))
        login = None
    assert push(maker.store, made, reference, maker.settings, QUIET, login=login).uploaded == 3
    assert push(maker.store, made, reference, maker.settings, QUIET, login=login).skipped == 3
    other = parse(f"{login_registry.host}/push/{way}-app:1")
    assert push(maker.store, made, other, maker.settings, QUIET, login=login).mounted == 3


def test_a_registry_with_tls_and_an_authority_of_its_own(
    tls_registry: RealRegistry, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = image(maker)
    reference = parse(f"{tls_registry.host}/push/tls:1")
    login = (tls_registry.user, tls_registry.password)
    with pytest.raises(FetchError, match="certificate"):
        push(maker.store, made, reference, maker.settings, QUIET, login=login)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_registry.ca))
    assert push(maker.store, made, reference, maker.settings, QUIET, login=login).uploaded == 3
    assert push(maker.store, made, reference, maker.settings, QUIET, login=login).uploaded == 0


def test_a_push_is_one_step_that_counts_bytes(registry: RealRegistry, maker: Maker) -> None:
    seen: list[object] = []
    made = image(maker, "steps")
    done = push(
        maker.store, made, parse(f"{registry.host}/push/steps:1"), maker.settings, Reporter(seen.append)
    )
    assert [type(e) for e in seen if not isinstance(e, StepMoved)] == [StepBegan, StepEnded]
    last = [e for e in seen if isinstance(e, StepMoved)][-1]
    assert last.done == last.total == done.bytes > 0


def test_a_push_that_fails_names_nothing(registry: RealRegistry, maker: Maker) -> None:
    made = image(maker, "partial")
    layer = maker.store.read_json(made.digest)["layers"][1]["digest"]
    maker.store.path(layer).unlink()
    with pytest.raises(StoreError, match="lacks the blob"):
        push(maker.store, made, parse(f"{registry.host}/push/partial:1"), maker.settings, QUIET)
    assert there(registry, "push/partial:1", maker) == ""
    assert origins(maker.store, layer) == ()


def test_a_digest_must_be_that_of_the_image(registry: RealRegistry, maker: Maker) -> None:
    made = image(maker)
    with pytest.raises(UsageError, match="is not this image"):
        push(
            maker.store,
            made,
            parse(f"{registry.host}/push/digest:1@sha256:{'0' * 64}"),
            maker.settings,
            QUIET,
        )
    named = parse(f"{registry.host}/push/digest@{made.digest}")
    assert push(maker.store, made, named, maker.settings, QUIET).uploaded == 3
    assert there(registry, f"push/digest@{made.digest}", maker) == made.digest


def test_what_may_pass_is_tried_again(maker: Maker, tmp_path: Path) -> None:
    big = maker.raw(os.urandom(1 << 20))
    made = maker.image(big, maker.layer(member("a", b"1")))
    with fault_registry() as registry:
        registry.fault("HEAD", "/manifests/", status(503))
        registry.fault("HEAD", "/blobs/", status(429, Retry_After="1"))
        registry.fault("PUT", f"digest={big.blob.digest}", cut_upload(500_000))
        registry.fault("PUT", "/manifests/1", status(500), unanswered)
        reference = parse(f"{registry.host}/team/app:1")
        done = push(maker.store, made, reference, maker.settings, QUIET)
        assert registry.faults == []
        assert (done.uploaded, done.skipped) == (3, 0)
        assert registry.blobs[big.blob.digest] == maker.store.read(big.blob.digest)
        assert registry.manifests["team/app", "1"][0] == maker.store.read(made.digest)
        sent = sum(seen.sent for seen in registry.seen if big.blob.digest in seen.path)
        assert sent == big.blob.size  # it went on where it was cut


def test_a_registry_that_refuses_gets_no_tag(maker: Maker) -> None:
    made = image(maker)
    with fault_registry() as registry:
        registry.fault("PUT", "/blobs/", status(403))
        with pytest.raises(FetchError, match="does not allow this in team/app"):
            push(maker.store, made, parse(f"{registry.host}/team/app:1"), maker.settings, QUIET)
        assert registry.manifests == {}
    assert not (maker.store.root / "origins").exists()


KILLED = """
import sys
from pathlib import Path
from slipway.events import Reporter
from slipway.oci.store import Store
from slipway.registry.push import push
from slipway.registry.pull import pull
from slipway.registry.reference import parse
from slipway.settings import Settings
verb, root, ref, name = sys.argv[1:]
settings = Settings(store=Path(root, "store"), cache=Path(root, "cache"))
store = Store(settings.store)
print("go", flush=True)
if verb == "push":
    push(store, store.find(name), parse(ref), settings, Reporter())
else:
    store.tag(name, pull(parse(ref), "", store, settings, Reporter()))
"""


def kill_after(seconds: float, *argv: str) -> int:
    process = subprocess.Popen([sys.executable, "-c", KILLED, *argv], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return process.wait()


@pytest.mark.slow
def test_after_a_kill_push_and_pull_work_again(registry: RealRegistry, maker: Maker, tmp_path: Path) -> None:
    layers = [maker.raw(os.urandom(8 << 20)) for _ in range(3)]
    made = maker.image(*layers, tag="big:1")
    reference = f"{registry.host}/push/killed:1"
    statuses = []
    for wait in (0.14, 0.18, 0.24, 0.3):
        statuses.append(kill_after(wait, "push", str(maker.root), reference, "big:1"))
        assert there(registry, "push/killed:1", maker) in ("", made.digest)
        assert check(maker.store).problems == ()
    assert -signal.SIGKILL in statuses
    push(maker.store, made, parse(reference), maker.settings, QUIET)
    assert there(registry, "push/killed:1", maker) == made.digest
    other = Maker(tmp_path / "other")
    statuses = []
    for wait in (0.14, 0.18, 0.24, 0.3):
        statuses.append(kill_after(wait, "pull", str(other.root), reference, "back:1"))
        assert check(other.store).problems == ()
    assert -signal.SIGKILL in statuses
    back = pull(parse(reference), "", other.store, other.settings, QUIET)
    ensure(other.store, back, other.settings, QUIET)
    assert contents(other.store, back) == contents(maker.store, made)
