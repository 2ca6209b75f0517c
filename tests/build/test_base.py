"""Base images from layouts and from a real registry: which one it is, what is asked and fetched, and what is remembered."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.build.api import build, plan
from slipway.build.base import BaseImage, open_base
from slipway.build.basecontents import LayersNeededError
from slipway.build.model import Options, Result
from slipway.errors import FetchError, InputError, LockError, NotYetError, SlipwayError, UsageError, Where
from slipway.events import Reporter
from slipway.oci.origins import origins
from slipway.oci.store import LAYER_TYPE, MANIFEST_TYPE, Descriptor, Store
from slipway.recipe import load
from slipway.recipe.model import LayoutBase, Platform, RegistryBase
from slipway.registry.push import push
from slipway.registry.reference import parse
from slipway.settings import Settings
from tests.images.making import Maker, folder, member, symlink

if TYPE_CHECKING:
    from tests.registry.real import RealRegistry

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
WHERE = Where("image.yaml", 3, 7)
AMD64 = Platform("amd64")
FETCH = Options(fetch=True)


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "made")


@dataclass
class Bench:
    """A store and a cache of our own, and a registry that has, or had, what `put` put there."""

    root: Path
    maker: Maker
    host: str
    repository: str
    settings: Settings = field(init=False)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.settings = Settings(store=self.root / "store", cache=self.root / "cache", timeout=5.0)
        self.store = Store(self.settings.store)

    def put(self, image: Descriptor, tag: str = "1") -> str:
        """Push what the maker made; its name."""
        name = f"{self.host}/{self.repository}:{tag}"
        push(self.maker.store, image, parse(name), self.maker.settings, Reporter())
        return name

    def open(
        self,
        name: str,
        platform: Platform = AMD64,
        options: Options | None = None,
        digest: str = "",
        **changes: Any,
    ) -> BaseImage:
        settings = self.settings.with_(**changes)
        options = options or Options()
        return open_base(
            RegistryBase(name, WHERE), platform, self.store, settings, Reporter(), options, digest=digest
        )

    def layers_here(self, image: BaseImage) -> int:
        return sum(self.store.has(layer.digest) for layer in image.layers)

    def recipe(self, text: str, options: Options | None = None) -> Result:
        return build(self.load(text), self.settings, Reporter(), options)

    def load(self, text: str) -> Any:
        (self.root / "a.txt").write_text("hello\n")
        return load(self.root / "image.yaml", text)


@pytest.fixture
def bench(
    tmp_path: Path,
    maker: Maker,
    registry: RealRegistry,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker"))
    return Bench(
        tmp_path, maker, registry.host, f"base/{sha256(request.node.name.encode()).hexdigest()[:12]}"
    )


def simple(maker: Maker, content: bytes = b"1", **how: Any) -> Descriptor:
    how.setdefault("Cmd", ["sh"])
    return maker.image(
        maker.layer(folder("opt", 0o750), member("usr/bin/sh", content)),
        maker.layer(member("usr/bin/python3.12"), symlink("usr/bin/python3", "python3.12")),
        **how,
    )


def fail(kind: type[SlipwayError], bench: Bench, name: str, **how: Any) -> SlipwayError:
    with pytest.raises(kind) as caught:
        bench.open(name, **how)
    assert caught.value.where == WHERE
    return caught.value


# -- which image ---------------------------------------------------------------------------------------------


def test_only_documents_are_fetched(bench: Bench) -> None:
    made = simple(bench.maker)
    name = bench.put(made)
    image = bench.open(name)
    assert image.name == name
    assert image.manifest.digest == made.digest
    assert image.config["config"]["Cmd"] == ["sh"]
    assert len(image.layers) == 2
    assert bench.layers_here(image) == 0
    assert origins(bench.store, image.layers[0].digest) == (f"{bench.host}/{bench.repository}",)
    with pytest.raises(LayersNeededError) as needed:
        _ = image.facts
    assert needed.value.where == WHERE


def test_what_a_tag_means_is_remembered(bench: Bench) -> None:
    old, new = simple(bench.maker), simple(bench.maker, b"2")
    name = bench.put(old)
    assert bench.open(name, options=Options(now=1000)).manifest.digest == old.digest
    bench.put(new)

    def digest(now: float, *, refresh: bool = False, max_age: int = 100) -> str:
        return bench.open(name, options=Options(now=now, refresh=refresh), max_age=max_age).manifest.digest

    assert digest(1099) == old.digest
    assert digest(1099, max_age=99) == new.digest
    assert digest(1100) == new.digest
    bench.put(old)
    assert digest(1150) == new.digest
    assert digest(900) == old.digest, "an answer from the future"
    bench.put(new)
    assert digest(901, refresh=True) == new.digest


def test_nothing_is_asked_while_the_answer_is_young(bench: Bench) -> None:
    name = bench.put(simple(bench.maker))
    before = bench.open(name, options=Options(now=1000))
    shutil.rmtree(bench.store.root)
    after = bench.open(name, options=Options(now=1000 + 86399), offline=True)
    assert after.config == before.config
    assert after.layers == before.layers
    assert origins(bench.store, after.layers[1].digest) == (f"{bench.host}/{bench.repository}",)
    error = fail(FetchError, bench, name, options=Options(now=1000 + 3 * 86400), offline=True)
    assert "3.0 days ago" in error.hint
    assert "SLIPWAY_MAX_AGE=" in error.hint
    age = error.hint.partition("SLIPWAY_MAX_AGE=")[2].split()[0]
    bench.open(name, options=Options(now=1000 + 3 * 86400), offline=True, max_age=int(age))


def test_a_digest_in_the_name_always_means_the_same(bench: Bench) -> None:
    made = simple(bench.maker)
    name = f"{bench.put(made)}@{made.digest}"
    assert bench.open(name, options=Options(now=0)).manifest.digest == made.digest
    again = bench.open(name, options=Options(now=10**9, refresh=True), offline=True)
    assert again.manifest.digest == made.digest
    assert again.name == name


def test_a_lock_says_which_image(bench: Bench) -> None:
    old, new = simple(bench.maker), simple(bench.maker, b"2")
    name = bench.put(old)
    bench.put(new)
    assert bench.open(name, digest=old.digest).manifest.digest == old.digest
    assert bench.open(name, digest=old.digest).name == name
    assert bench.open(name).manifest.digest == new.digest
    bench.open(name, digest=old.digest, offline=True)


def test_an_image_that_was_asked_for_by_tag_serves_its_lock_offline(bench: Bench) -> None:
    made = simple(bench.maker)
    name = bench.put(made)
    bench.open(name)
    assert bench.open(name, digest=made.digest, offline=True).manifest.digest == made.digest


def test_the_platform_is_chosen(bench: Bench) -> None:
    arm, amd = (simple(bench.maker, platform=f"linux/{arch}") for arch in ("arm64", "amd64"))
    name = bench.put(bench.maker.index([("linux/arm64/v8", arm), ("linux/amd64", amd)]))
    assert bench.open(name).manifest.digest == amd.digest
    assert bench.open(name, Platform("arm64")).manifest.digest == arm.digest
    assert bench.open(name).manifest.digest == amd.digest


def test_a_platform_that_is_not_there(bench: Bench) -> None:
    arm = simple(bench.maker, platform="linux/arm64")
    error = fail(UsageError, bench, bench.put(bench.maker.index([("linux/arm64", arm)]), "index"))
    assert "linux/amd64" in error.brief
    assert "linux/arm64" in error.hint
    error = fail(UsageError, bench, bench.put(arm, "single"))
    assert "linux/arm64" in error.hint


def test_no_such_image(bench: Bench) -> None:
    name = f"{bench.host}/{bench.repository}:none"
    assert name.rpartition(":")[0] in fail(SlipwayError, bench, name).brief


def test_a_registry_that_must_not_be_asked(bench: Bench) -> None:
    name = bench.put(simple(bench.maker))
    assert "--offline" in fail(FetchError, bench, name, offline=True).hint


def test_a_registry_that_wants_a_login(bench: Bench, login_registry: RealRegistry) -> None:
    error = fail(FetchError, bench, f"{login_registry.host}/team/base:1")
    assert f"slipway login {login_registry.host}" in error.hint


# -- what it says of itself ----------------------------------------------------------------------------------


def test_dockers_media_types_become_ocis(bench: Bench) -> None:
    layer = bench.maker.layer(member("a"))
    plain = bench.maker.raw(b"\0" * 1024, b"\0" * 1024)
    docker = [
        replace(layer, blob=replace(layer.blob, media_type=f"{DOCKER_LAYER}.gzip")),
        replace(plain, blob=replace(plain.blob, media_type=DOCKER_LAYER)),
    ]
    name = bench.put(bench.maker.image(*docker, manifest_type=DOCKER_MANIFEST))
    image = bench.open(name)
    assert image.manifest.media_type == DOCKER_MANIFEST
    assert [d.media_type for d in image.layers] == [f"{LAYER_TYPE}+gzip", LAYER_TYPE]
    assert [d.digest for d in image.layers] == [layer.blob.digest, plain.blob.digest]
    built = bench.recipe(f"base: {name}\nfiles: [a.txt]\ncmd: [x]\n")
    manifest = bench.store.read_json(built.image.digest)
    assert manifest["mediaType"] == MANIFEST_TYPE
    assert {d["mediaType"] for d in manifest["layers"]} == {f"{LAYER_TYPE}+gzip", LAYER_TYPE}


@pytest.mark.parametrize(
    ("media_type", "said"),
    [
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "must not be passed on"),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "must not be passed on"),
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "unknown kind"),
    ],
)
def test_layers_that_cannot_be_used(maker: Maker, media_type: str, said: str) -> None:
    layer = maker.layer(member("a"))
    maker.image(replace(layer, blob=replace(layer.blob, media_type=media_type)), tag="x")
    with pytest.raises(NotYetError, match=said) as caught:
        open_layout(maker)
    assert media_type in caught.value.details


@pytest.mark.parametrize(
    "config", [{"Env": ["A=1", 2]}, {"Env": "A=1"}, {"Labels": ["a"]}, {"User": 7}, {"Cmd": {}}]
)
def test_a_malformed_configuration(maker: Maker, config: dict[str, Any]) -> None:
    maker.image(maker.layer(member("a")), tag="x", **config)
    if config == {"Cmd": {}}:
        open_layout(maker)  # empty is as good as nothing
        return
    with pytest.raises(InputError, match="malformed"):
        open_layout(maker)


def open_layout(maker: Maker, digest: str = "", options: Options | None = None) -> BaseImage:
    settings = Settings(store=maker.root / "own-store", cache=maker.root / "own-cache")
    base = LayoutBase(maker.store.root, "x", WHERE)
    store = Store(settings.store)
    return open_base(base, AMD64, store, settings, Reporter(), options or Options(), digest=digest)


def test_a_layout_that_has_another_image_than_the_lock(maker: Maker) -> None:
    old = simple(maker, tag="x")
    assert open_layout(maker, old.digest).manifest.digest == old.digest
    new = simple(maker, b"2", tag="x")
    with pytest.raises(LockError) as caught:
        open_layout(maker, old.digest)
    assert new.digest in caught.value.details
    assert caught.value.where == WHERE


# -- what is in it -------------------------------------------------------------------------------------------


def test_facts_are_remembered_without_layers(bench: Bench) -> None:
    name = bench.put(simple(bench.maker))
    first = bench.open(name, options=FETCH)
    assert first.facts.python == ("3.12", "/usr/bin/python3.12")
    assert bench.layers_here(first) == 2
    shutil.rmtree(bench.store.root)
    second = bench.open(name, options=FETCH, offline=True)
    assert second.facts == first.facts
    assert second.facts.dirs["opt"].mode == 0o750
    assert bench.layers_here(second) == 0
    with pytest.raises(FetchError):
        _ = bench.open(name, options=Options(fetch=True, no_cache=True), offline=True).facts


def test_damaged_memories_are_made_again(bench: Bench) -> None:
    name = bench.put(simple(bench.maker))
    first = bench.open(name, options=FETCH).facts
    for path in [*(bench.settings.cache / "bases").iterdir(), *(bench.settings.cache / "resolved").iterdir()]:
        path.write_text('{"format":')
    assert bench.open(name, options=FETCH).facts == first


def test_layers_other_than_the_configuration_says(bench: Bench) -> None:
    right, wrong = bench.maker.layer(member("a")), bench.maker.layer(member("b"))
    name = bench.put(bench.maker.image(replace(right, diff_id=wrong.diff_id)))
    image = bench.open(name, options=FETCH)
    with pytest.raises(InputError, match="other layers") as caught:
        _ = image.facts
    assert caught.value.where == WHERE
    assert not list((bench.settings.cache / "bases").glob("*.facts.json"))


# -- builds --------------------------------------------------------------------------------------------------


def test_files_alone_need_no_layer_of_the_base(bench: Bench) -> None:
    made = simple(bench.maker)
    name = bench.put(made)
    (planned,) = plan(bench.load(f"base: {name}\nfiles: [a.txt]\n"), bench.settings, Reporter())
    assert planned.downloads == 0
    assert [a.kind for a in planned.actions] == ["keep", "assemble", "assemble"]
    built = bench.recipe(f"base: {name}\nfiles: [a.txt]\n")
    manifest = bench.store.read_json(built.image.digest)
    assert [d["digest"] for d in manifest["layers"][:2]] == [
        d["digest"] for d in bench.maker.store.read_json(made.digest)["layers"]
    ]
    assert manifest["annotations"]["org.opencontainers.image.base.name"] == name
    assert manifest["annotations"]["org.opencontainers.image.base.digest"] == made.digest
    assert not any(bench.store.has(d["digest"]) for d in manifest["layers"][:2])
    assert not list((bench.settings.cache / "bases").glob("*.facts.json"))


def test_a_plan_says_that_layers_would_be_fetched(bench: Bench) -> None:
    made = simple(bench.maker, Cmd=None)
    name = bench.put(made)
    sizes = [d["size"] for d in bench.maker.store.read_json(made.digest)["layers"]]
    (planned,) = plan(bench.load(f"tag: a\nbase: {name}\nfiles: [a.txt]\n"), bench.settings, Reporter())
    assert (planned.downloads, planned.download_size) == (2, sum(sizes))
    assert "2 to be fetched" in planned.actions[0].reason
    assert "not known" in planned.warnings[0]
    text = f"tag: a\nbase: {name}\nfiles: [a.txt]\nworkspace: /opt/team\ncmd: [x]\n"
    (planned,) = plan(bench.load(text), bench.settings, Reporter())
    assert [a.kind for a in planned.actions] == ["keep", "assemble", "assemble"]
    assert (planned.downloads, planned.download_size) == (2, sum(sizes))
    bench.recipe(text)
    (planned,) = plan(bench.load(text), bench.settings, Reporter())
    assert planned.downloads == 0
    assert planned.actions[0].reason == "2 layers of the base image"


def test_directories_above_the_workspace_are_as_in_the_base(bench: Bench) -> None:
    def opt_mode(name: str) -> int:
        built = bench.recipe(f"base: {name}\nfiles: [a.txt]\nworkspace: /opt/team\ncmd: [x]\n")
        record = next(r for r in records(bench.store) if r["digest"] == built.layers[-1].digest)
        return next(int(row[2]) for row in record["dirs"] if row[0] == "opt")

    def records(store: Store) -> list[dict[str, Any]]:
        return [json.loads(p.read_bytes()) for p in (store.root / "layers").glob("*.dirs.json")]

    one = bench.put(simple(bench.maker), "one")
    other = bench.put(bench.maker.image(bench.maker.layer(folder("opt", 0o711)), Cmd=["x"]), "other")
    assert opt_mode(one) == 0o750
    assert opt_mode(other) == 0o711
    assert opt_mode(one) == 0o750


def test_the_workspace_does_not_depend_on_what_is_known_of_the_base(bench: Bench) -> None:
    """A base that has the workspace's directory already, with other attributes: the same layer before and after looking."""
    base = bench.maker.image(bench.maker.layer(folder("pyats", 0o700), member("bin/sh")), Cmd=["x"])
    text = f"base: {bench.put(base)}\nfiles: [a.txt]\n"
    blind = bench.recipe(text)
    shutil.rmtree(bench.store.root)
    bench.recipe(text + "workspace: /a/b\n")
    assert bench.recipe(text, Options(no_cache=True)).image.digest == blind.image.digest


def test_a_named_user_is_looked_up_in_the_base(bench: Bench) -> None:
    passwd = member("etc/passwd", b"root:x:0:0::/:\ncrew:x:7:7::/:\n")
    name = bench.put(bench.maker.image(bench.maker.layer(passwd), Cmd=["x"]))
    bench.recipe(f"base: {name}\nfiles: [a.txt]\nuser: crew\n")
    shutil.rmtree(bench.store.root)
    bench.recipe(f"base: {name}\nfiles: [a.txt]\nuser: crew\nenv: {{A: b}}\n")
    with pytest.raises(UsageError, match="nobody-here"):
        bench.recipe(f"base: {name}\nfiles: [a.txt]\nuser: nobody-here\n")


def test_the_bases_settings_are_inherited(bench: Bench) -> None:
    name = bench.put(
        simple(
            bench.maker,
            Cmd=["serve"],
            Entrypoint=["/init"],
            Env=["PATH=/special", "LANG=C.UTF-8"],
            Labels={"theirs": "1"},
            StopSignal="SIGQUIT",
            User="7",
        )
    )
    built = bench.recipe(f"base: {name}\nfiles: [a.txt]\nlabels: {{ours: '2'}}\n")
    config = bench.store.read_json(
        Descriptor.from_json(bench.store.read_json(built.image.digest)["config"]).digest
    )
    run = config["config"]
    assert (run["Entrypoint"], run["Cmd"], run["StopSignal"], run["User"]) == (
        ["/init"],
        ["serve"],
        "SIGQUIT",
        "7",
    )
    assert run["Env"][:2] == ["PATH=/special", "LANG=C.UTF-8"]
    assert run["Labels"] == {"theirs": "1", "ours": "2", "pyats": "slipway"}
    assert len(config["rootfs"]["diff_ids"]) == 4


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([member("usr/bin/sh")], "no Python 3"),
        (
            [
                member("usr/bin/python3.12"),
                symlink("usr/bin/python3", "python3.12"),
                member("lib/ld-musl-x86_64.so.1"),
            ],
            "musl",
        ),
        ([member("usr/bin/python3", b"#!shim")], "cannot be told"),
    ],
)
def test_bases_that_no_packages_can_be_installed_on(bench: Bench, members: list[Any], said: str) -> None:
    name = bench.put(bench.maker.image(bench.maker.layer(*members)))
    with pytest.raises((NotYetError, UsageError), match=said) as caught:
        bench.recipe(f"base: {name}\npackages: [requests]\n")
    assert caught.value.where == Where(str(bench.root / "image.yaml"), 2, 12)
