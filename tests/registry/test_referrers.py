"""What is attached to images in registries: those that list it, and those where clients keep the list."""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import FetchError
from slipway.events import Reporter
from slipway.net import Client
from slipway.oci.digest import Digest, of_bytes
from slipway.oci.referrer import Referrer, attach
from slipway.oci.store import INDEX_TYPE, MANIFEST_TYPE, Descriptor
from slipway.registry.push import push
from slipway.registry.pushreferrers import push_referrers
from slipway.registry.reference import Reference, parse
from slipway.registry.referrers import add_referrers, fallback_tag, list_referrers
from slipway.registry.session import open_session
from tests.images.making import Maker, member
from tests.registry.faults import FaultRegistry, fault_registry, status
from tests.registry.kit import asked, since
from tests.registry.referrers import ApiHandler, CarefulHandler, registry_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.registry.faults import RegistryHandler
    from tests.registry.real import RealRegistry

QUIET = Reporter()
CDX, SPDX = "application/vnd.cyclonedx+json", "application/spdx+json"


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "one")


def sbom(maker: Maker, image: Descriptor, kind: str = CDX, text: bytes = b'{"bill": 1}') -> Referrer:
    told = {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}
    return attach(maker.store, image, kind, text, title="sbom.json", annotations=told)


def send(maker: Maker, image: Descriptor, reference: Reference) -> int:
    push(maker.store, image, reference, maker.settings, QUIET)
    return push_referrers(maker.store, image, reference, maker.settings, QUIET)


def listed(maker: Maker, reference: Reference, subject: Digest) -> list[Referrer]:
    with open_session(reference, maker.settings, QUIET) as session:
        return list_referrers(session, subject)


def tagged(maker: Maker, reference: Reference, subject: Digest) -> dict[str, Any]:
    with open_session(reference, maker.settings, QUIET) as session:
        value: dict[str, Any] = json.loads(session.manifest(fallback_tag(subject))[1])
    return value


def test_the_manifest_is_what_the_specification_says(maker: Maker) -> None:
    image = maker.image(maker.layer(member("a")))
    made = sbom(maker, image)
    empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert maker.store.read_json(made.manifest.digest) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": CDX,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2},
        "layers": [
            {
                "mediaType": CDX,
                "digest": of_bytes(b'{"bill": 1}'),
                "size": 11,
                "annotations": {"org.opencontainers.image.title": "sbom.json"},
            }
        ],
        "subject": {"mediaType": MANIFEST_TYPE, "digest": image.digest, "size": image.size},
        "annotations": {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
    }


def test_where_clients_keep_the_list(registry: RealRegistry, maker: Maker) -> None:
    image = maker.image(maker.layer(member("a")))
    reference = parse(f"{registry.host}/referrers/list:1")
    made = [sbom(maker, image, SPDX), sbom(maker, image)]
    assert send(maker, image, reference) == 2
    assert {r.manifest.digest: r for r in listed(maker, reference, image.digest)} == {
        r.manifest.digest: r for r in made
    }
    index = tagged(maker, reference, image.digest)
    assert index["mediaType"] == INDEX_TYPE
    assert {row["artifactType"] for row in index["manifests"]} == {CDX, SPDX}
    assert all(row["annotations"]["org.opencontainers.image.created"] for row in index["manifests"])
    before = asked(registry, "referrers/list")
    assert send(maker, image, reference) == 0
    methods = [method for method, _ in since(before, asked(registry, "referrers/list"))]
    assert methods == ["HEAD"] * 4 + ["GET"], "the list is read as well"


def test_what_another_client_took_off_the_list_is_put_back(registry: RealRegistry, maker: Maker) -> None:
    """Of two that write at the very same time one may win without knowing."""
    image = maker.image(maker.layer(member("a")))
    reference = parse(f"{registry.host}/referrers/lost:1")
    made = [sbom(maker, image, SPDX), sbom(maker, image)]
    send(maker, image, reference)
    index = tagged(maker, reference, image.digest)
    written = json.dumps({**index, "manifests": index["manifests"][:1]}).encode()
    with open_session(reference, maker.settings, QUIET, push=True) as session:
        session.put_manifest(fallback_tag(image.digest), written, INDEX_TYPE)
    assert len(listed(maker, reference, image.digest)) == 1
    assert send(maker, image, reference) == 0
    assert {r.manifest.digest for r in listed(maker, reference, image.digest)} == {
        r.manifest.digest for r in made
    }


def test_what_others_have_listed_stays(registry: RealRegistry, maker: Maker, tmp_path: Path) -> None:
    image = maker.image(maker.layer(member("a")))
    reference = parse(f"{registry.host}/referrers/others:1")
    mine = sbom(maker, image)
    send(maker, image, reference)
    other = Maker(tmp_path / "other")
    shutil.copytree(maker.store.root, other.store.root, dirs_exist_ok=True)
    shutil.rmtree(other.store.root / "referrers")
    theirs = sbom(other, image, "application/vnd.example.signature", b"signed")
    send(other, image, reference)
    found = [r.manifest.digest for r in listed(maker, reference, image.digest)]
    assert found == [mine.manifest.digest, theirs.manifest.digest]


def test_several_who_write_at_once(registry: RealRegistry, maker: Maker, tmp_path: Path) -> None:
    image = maker.image(maker.layer(member("a")))
    reference = parse(f"{registry.host}/referrers/crowd:1")
    # this registry has trouble with one blob that comes twice at the same time: each brings another document
    sbom(maker, image)
    send(maker, image, reference)
    makers = []
    for number in range(3):
        other = Maker(tmp_path / f"m{number}")
        shutil.copytree(maker.store.root, other.store.root, dirs_exist_ok=True)
        sbom(other, image, f"application/vnd.example.n{number}", b"%d" % number)
        makers.append(other)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda m: send(m, image, reference), makers))
    # the last writer may still win after all have looked; whoever comes again repairs the list
    for other in makers:
        shutil.rmtree(other.store.root / "origins")
        send(other, image, reference)
    found = {r.artifact_type for r in listed(maker, reference, image.digest)}
    assert found == {CDX, *(f"application/vnd.example.n{number}" for number in range(3))}


def test_a_list_with_what_is_gone_is_put_right(registry: RealRegistry, maker: Maker) -> None:
    image = maker.image(maker.layer(member("a")))
    reference = parse(f"{registry.host}/referrers/gone:1")
    old = sbom(maker, image)
    send(maker, image, reference)
    with open_session(reference, maker.settings, QUIET, push=True) as session:
        url = session.api.url(f"manifests/{old.manifest.digest}")
        with session.api.request("DELETE", url, ok=(202,)):
            pass
    new = sbom(maker, image, text=b'{"bill": 2}')
    assert send(maker, image, reference) == 1
    assert [r.manifest.digest for r in listed(maker, reference, image.digest)] == [new.manifest.digest]


def test_all_platforms(registry: RealRegistry, maker: Maker) -> None:
    images = [(p, maker.image(maker.layer(member(p)), platform=p)) for p in ("linux/amd64", "linux/arm64")]
    index = maker.index(images, tag="many:1")
    for _, image in images:
        sbom(maker, image)
    reference = parse(f"{registry.host}/referrers/many:1")
    assert send(maker, index, reference) == 2
    for _, image in images:
        (found,) = listed(maker, reference, image.digest)
        assert found.subject == image.digest
    assert listed(maker, reference, index.digest) == []


def test_what_was_cut_off_is_sent_again(maker: Maker, naps: list[float]) -> None:
    image = maker.image(maker.layer(member("a")))
    made = sbom(maker, image)
    with fault_registry() as faulty:
        reference = parse(f"{faulty.host}/team/cut:1")
        faulty.fault("PUT", "manifests/sha256-", status(403))
        with pytest.raises(FetchError):
            send(maker, image, reference)
        assert listed(maker, reference, image.digest) == []
        assert send(maker, image, reference) == 1
        assert [r.manifest for r in listed(maker, reference, image.digest)] == [made.manifest]
        assert not naps


@pytest.mark.parametrize("code", [400, 404, 405, 501])
def test_registries_that_have_never_heard_of_it(maker: Maker, code: int) -> None:
    image = maker.image(maker.layer(member("a")))
    sbom(maker, image)
    with fault_registry() as faulty:
        reference = parse(f"{faulty.host}/team/old:1")
        send(maker, image, reference)
        faulty.fault("GET", "/referrers/", status(code))
        assert len(listed(maker, reference, image.digest)) == 1


def test_a_registry_that_lists_them_itself(maker: Maker) -> None:
    image = maker.image(maker.layer(member("a")))
    made = [sbom(maker, image), sbom(maker, image, SPDX)]
    with registry_with(ApiHandler) as api:
        reference = parse(f"{api.host}/team/listed:1")
        assert send(maker, image, reference) == 2
        assert not any("sha256-" in target for _, target in api.manifests)
        found = listed(maker, reference, image.digest)
        assert {r.manifest.digest: r for r in found} == {r.manifest.digest: r for r in made}
        assert len(api.asked("/referrers/")) == 2
        assert listed(maker, reference, Digest("sha256:" + "0" * 64)) == []


def _elsewhere(handler: RegistryHandler, _: Callable[[], None]) -> None:
    page = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}
    link = '<http://127.0.0.2:1/v2/x>; rel="next"'
    handler.reply(200, json.dumps(page).encode(), {"Content-Type": INDEX_TYPE, "Link": link})


def _endless(handler: RegistryHandler, _: Callable[[], None]) -> None:
    page = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}
    link = f'<{handler.path}>; rel="next"'
    handler.reply(200, json.dumps(page).encode(), {"Content-Type": INDEX_TYPE, "Link": link})


def _document(data: bytes) -> Callable[[RegistryHandler, Callable[[], None]], None]:
    return lambda handler, _: handler.reply(200, data, {"Content-Type": INDEX_TYPE})


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (_elsewhere, "elsewhere"),
        (_endless, "no end"),
        (_document(b"["), "none"),
        (_document(b'{"manifests": 5}'), "none"),
        (_document(b'{"manifests": [5]}'), "none"),
        (_document(b'{"manifests": [{}]}'), "malformed"),
        (_document(b'{"manifests": [{"digest": "../../x", "size": 1, "mediaType": "x"}]}'), "malformed"),
        (_document(b"[" * 100_000), "none"),
    ],
)
def test_lists_that_mean_harm(maker: Maker, fault: Any, words: str) -> None:
    with registry_with(ApiHandler) as api:
        reference = parse(f"{api.host}/team/harm:1")
        api.fault("GET", "/referrers/", *[fault] * 101)
        with pytest.raises(FetchError, match=words):
            listed(maker, reference, Digest("sha256:" + "0" * 64))


def another(number: int, subject: Digest) -> Referrer:
    digest = of_bytes(str(number).encode())
    return Referrer(Descriptor(MANIFEST_TYPE, digest, 1), subject, f"application/vnd.example.n{number}")


def test_somebody_else_was_faster(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the registry takes part (RFC 9110: If-Match), nothing that others write in between is lost."""
    subject = Digest("sha256:" + "0" * 64)
    with registry_with(CarefulHandler) as api:
        reference = parse(f"{api.host}/team/fast:1")
        place = ("team/fast", fallback_tag(subject))

        def put(*numbers: int) -> None:
            rows = [another(n, subject).as_json() for n in numbers]
            index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": rows}
            api.manifests[place] = json.dumps(index).encode(), INDEX_TYPE

        def meanwhile(_: RegistryHandler, serve: Callable[[], None]) -> None:
            put(1, 2)
            serve()

        put(1)
        api.fault("PUT", "manifests/sha256-", meanwhile)
        monkeypatch.setattr(Client, "pause", lambda *_: None)
        with open_session(reference, maker.settings, QUIET, push=True) as session:
            add_referrers(session, subject, [another(3, subject)])
        rows = json.loads(api.manifests[place][0])["manifests"]
        assert [row["artifactType"][-1] for row in rows] == ["1", "2", "3"]


def test_others_who_never_stop(maker: Maker, faulty: FaultRegistry, naps: list[float]) -> None:
    subject = Digest("sha256:" + "0" * 64)
    reference = parse(f"{faulty.host}/team/never:1")

    def lost(handler: RegistryHandler, serve: Callable[[], None]) -> None:
        serve()
        faulty.manifests.pop(("team/never", fallback_tag(subject)), None)

    faulty.fault("PUT", "manifests/sha256-", *[lost] * 20)
    with (
        open_session(reference, maker.settings, QUIET, push=True) as session,
        pytest.raises(FetchError, match="changed by others"),
    ):
        add_referrers(session, subject, [another(1, subject)])
    assert naps == sorted(naps)
    assert len(naps) == 7


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_other_tools_can_copy_the_artifact(registry: RealRegistry, maker: Maker, tmp_path: Path) -> None:
    image = maker.image(maker.layer(member("a")))
    made = sbom(maker, image)
    reference = parse(f"{registry.host}/referrers/skopeo:1")
    send(maker, image, reference)
    source = f"docker://{registry.host}/referrers/skopeo@{made.manifest.digest}"
    words = [
        "skopeo",
        "copy",
        "-q",
        "--preserve-digests",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
    ]
    for target in (f"dir:{tmp_path}/copy", f"docker://{registry.host}/referrers/copied:sbom"):
        done = subprocess.run(
            [*words, source, target],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    manifest = (tmp_path / "copy/manifest.json").read_bytes()
    assert of_bytes(manifest) == made.manifest.digest
    blob = json.loads(manifest)["layers"][0]["digest"].removeprefix("sha256:")
    assert (tmp_path / "copy" / blob).read_bytes() == b'{"bill": 1}'
