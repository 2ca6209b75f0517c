"""One recipe, three engines: the same file tree and the same settings, whoever puts the image together."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.build.engines.trees import Node, config, tree
from tests.distro.debkit import folder, link, member
from tests.e2e.archive import toy
from tests.e2e.engines import Engine, docker_engine, image_of, with_history
from tests.e2e.kit import Home, write_recipe
from tests.images.making import Maker, symlink
from tests.images.making import folder as directory
from tests.images.making import member as entry
from tests.registry.real import RealRegistry, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.archive import Archive

# What images from Docker's builders have in their configuration beside the settings that a recipe knows
_NOISE = {"Hostname", "Domainname", "Image", "OnBuild"} | {
    f"{a}{b}" for a in ("Attach", "Open", "") for b in ("Stdin", "Stdout", "Stderr", "Tty", "StdinOnce")
}
ODD = (
    "a b",
    "it's",
    'say "hi"',
    "$HOME ${X:-y}",
    "back\\slash\\",
    "one\ntwo\n",
    "\ttab",
    "ünïcödé",
    "#x",
    "%A% `b`",
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found


def settings(home: Home, result: dict[str, Any]) -> dict[str, Any]:
    """The settings of an image, as far as they say something."""
    found = config(home.store, image_of(result))["config"]
    return {k: sorted(v) if k == "Env" else v for k, v in found.items() if v and k not in _NOISE}


def content(home: Home, result: dict[str, Any]) -> dict[str, Node]:
    return tree(home.store, image_of(result))


@pytest.fixture
def toys(archive: Archive, own: Home) -> Home:
    """A mirror with one package that has everything that a file can have."""
    long = f"usr/share/{'long/' * 30}name"
    parents = [f"./usr/share/{'long/' * n}" for n in range(1, 31)]
    archive.add(
        "odds",
        members=[
            *(folder(path) for path in ("./usr", "./usr/bin", "./usr/share", "./var", "./var/lib")),
            member("./usr/bin/su", b"su", mode=0o4755, uid=0, gid=5),
            member("./usr/bin/again", type=tarfile.LNKTYPE, linkname="./usr/bin/su", mode=0o4755, gid=5),
            link("./usr/bin/sym", "../share/odd name"),
            member("./usr/share/odd name", b"1", mode=0o444, mtime=1),
            member("./usr/share/ünïcödé", b"2", uid=1000, gid=70000),
            folder("./var/lib/open", 0o1777),
            member("./var/lib/closed", type=tarfile.DIRTYPE, mode=0o700, uid=33, gid=34, mtime=86400),
            member("./var/lib/closed/file", b"3", mode=0o600, uid=33, gid=34),
            *(folder(path) for path in parents),
            member(f"./{long}", b"4"),
        ],
        essential="yes",
    )
    toy(archive, "more")
    archive.publish()
    return archive.used_by(own)


RECIPE = """
tag: odd:1
base: {debian: toys, variant: essential}
apt: [more]
files: [a.txt, {"deep/er": tree}]
env: ENV
labels: LABELS
user: "7:8"
workdir: /var/lib/open
ports: [80, 53/udp]
volumes: [/data, "/with space"]
entrypoint: ["/bin/x", "a b", "$c"]
cmd: ["d\\"e", "f\\ng"]
healthcheck: {test: "true || false", interval: 90s, timeout: 1500ms, retries: 4}
"""


def odd_recipe(place: Path) -> Path:
    # in a recipe, a dollar is doubled by a backslash as in a Dockerfile
    env = {f"V{n}": text.replace("$", "\\$") for n, text in enumerate(ODD)}
    labels = {f"org.example.v{n}": text for n, text in enumerate(ODD)}
    text = RECIPE.replace("ENV", json.dumps(env)).replace("LABELS", json.dumps(labels))
    recipe = write_recipe(place, text, **{"a.txt": "a\n"})
    (place / "tree").mkdir(mode=0o750)
    (place / "tree" / "run.sh").write_text("#!/bin/sh\n")
    (place / "tree" / "run.sh").chmod(0o755)
    (place / "tree" / "link").symlink_to("run.sh")
    return recipe


def test_the_same_tree_and_settings(toys: Home, engine: Engine, tmp_path: Path) -> None:
    home = engine.home(toys)
    recipe = odd_recipe(tmp_path / "p")
    native = home.build(recipe, "--tag", "native")
    made = home.build(recipe, "--engine", engine.name)
    assert content(home, made) == content(home, native)
    assert settings(home, made) == settings(home, native)
    env = dict(row.partition("=")[::2] for row in settings(home, made)["Env"])
    assert [env[f"V{n}"] for n in range(len(ODD))] == list(ODD)
    assert [x["name"] for x in made["layers"]] == [x["name"] for x in native["layers"]]
    assert {x["action"] for x in made["layers"]} == {engine.name}
    assert [x["raw_size"] > 0 for x in made["layers"]] == [True] * len(made["layers"])

    there = engine.config("odd:1")
    assert there["id"] == made["id"]
    assert there["Labels"]["org.example.v2"] == ODD[2]
    assert home.slipway("image", "inspect", "odd:1", "--json").last["image"]["Id"] == made["id"]

    again = home.build(recipe, "--engine", engine.name)
    assert not again["changed"]
    assert again["layers"] == made["layers"]
    home.check_clean()
    assert list((home.cache / "contexts").iterdir()) == []


def test_what_zstd_layers_become(toys: Home, engine: Engine, tmp_path: Path) -> None:
    home = engine.home(toys).with_(SLIPWAY_COMPRESSION="zstd")
    recipe = odd_recipe(tmp_path / "p")
    native = home.build(recipe, "--tag", "native")
    made = home.build(recipe, "--engine", engine.name, "--tag", "odd:zstd")
    assert content(home, made) == content(home, native)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """An image in an OCI layout whose second layer takes away some of the first."""
    from slipway.oci.layout import export_layout

    maker = Maker(tmp_path / "maker")
    image = maker.image(
        maker.layer(
            directory("etc"),
            entry("etc/gone", b"1"),
            entry("etc/stays", b"2"),
            directory("old"),
            entry("old/a"),
        ),
        maker.layer(
            directory("etc"),
            entry("etc/.wh.gone"),
            directory("old"),
            entry("old/.wh..wh..opq"),
            entry("old/b", b"new", uid=5),
            symlink("link", "etc/stays"),
        ),
        Env=["PATH=/bin", "FROM_BELOW=1"],
        Labels={"below": "yes"},
        Entrypoint=["/start"],
        Cmd=["now"],
        StopSignal="SIGINT",
        ExposedPorts={"99/tcp": {}},
        WorkingDir="/etc",
        User="5",
    )
    export_layout(maker.store, with_history(maker, image), tmp_path / "layout", "base")
    return tmp_path / "layout"


@pytest.mark.parametrize(
    "more", ["", "cmd: [later]\nuser: '0'\nenv: {FROM_BELOW: '2'}\n", "entrypoint: [first]\n"]
)
def test_a_base_in_a_layout(own: Home, engine: Engine, layout: Path, tmp_path: Path, more: str) -> None:
    home = engine.home(own)
    text = f"tag: onlayout\nbase: 'oci:{layout}'\nfiles: [a.txt]\n{more}"
    recipe = write_recipe(tmp_path / "p", text, **{"a.txt": "a\n"})
    native = home.build(recipe, "--tag", "native")
    made = home.build(recipe, "--engine", engine.name)
    assert content(home, made) == content(home, native)
    assert settings(home, made) == settings(home, native)
    assert "etc/gone" not in content(home, made)
    assert (
        config(home.store, image_of(made))["rootfs"]["diff_ids"][:2]
        == (config(home.store, image_of(native))["rootfs"]["diff_ids"][:2])
    ), "the base's layers are passed on as they are"
    home.check_clean()


def test_a_base_in_a_registry(
    own: Home, engine: Engine, layout: Path, registry: RealRegistry, tmp_path: Path
) -> None:
    home = engine.home(own).with_(no_proxy="127.0.0.1", NO_PROXY="127.0.0.1")
    name = f"{registry.host}/engines/{engine.name}:1"
    text = f"base: 'oci:{layout}'\nfiles: [a.txt]\n"
    maker = home.with_(SLIPWAY_STORE=str(tmp_path / "elsewhere"))
    base = maker.build(write_recipe(tmp_path / "b", text, **{"a.txt": "a\n"}), "--tag", name, "--push")
    recipe = write_recipe(
        tmp_path / "p", f"tag: onregistry\nbase: {name}\nfiles: [b.txt]\n", **{"b.txt": "b\n"}
    )
    made = home.build(recipe, "--engine", engine.name)
    manifest = home.json_blob(image_of(made))
    kept = [layer["digest"] for layer in maker.json_blob(image_of(base))["layers"]]
    assert [layer["digest"] for layer in manifest["layers"]][: len(kept)] == kept
    target = f"{registry.host}/engines/{engine.name}:2"
    pushed = home.build(recipe, "--engine", engine.name, "--tag", target, "--push")
    assert pushed["pushed"]["digest"] == image_of(pushed)
    native = home.build(recipe, "--tag", "native")
    home.slipway("image", "pull", name)
    assert content(home, made) == content(home, native)
    assert settings(home, made) == settings(home, native)


def test_by_hand(toys: Home, engine: Engine, tmp_path: Path) -> None:
    home = engine.home(toys)
    recipe = odd_recipe(tmp_path / "p")
    text = recipe.read_text().replace("one\\ntwo\\n", "one two")  # breaks would need an argument of the build
    recipe.write_text(text)
    native = home.build(recipe, "--tag", "native")
    done = home.slipway("export-dockerfile", recipe, tmp_path / "out", "--json").last
    assert [line.split()[0] for line in done["commands"]] == ["docker", "buildah"]
    assert {*done["files"]} == {
        str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    dockerfile = (tmp_path / "out" / "Dockerfile").read_text()
    assert "odds 1.0" in dockerfile
    assert "more 1.0" in dockerfile
    engine.build(tmp_path / "out", "byhand:1")
    assert content(home, taken(home, engine, "byhand:1", tmp_path)) == content(home, native)


def taken(home: Home, engine: Engine, image: str, tmp_path: Path) -> dict[str, Any]:
    """An image of the engine in the store of `home`."""
    from slipway.oci import compress
    from slipway.oci.store import Store
    from slipway.oci.unarchive import import_archive

    engine.save(image, tmp_path / "saved.tar")
    with (tmp_path / "saved.tar").open("rb") as file:
        pieces = iter(lambda: file.read(1 << 20), b"")
        done = import_archive(Store(home.store), pieces, compress.get("gzip"), {})
    return {"image": {"digest": done.manifest.digest}}


def test_a_base_is_loaded_by_hand(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own)
    recipe = write_recipe(
        tmp_path / "p", f"tag: x\nbase: 'oci:{layout}'\nfiles: [a.txt]\n", **{"a.txt": "a\n"}
    )
    native = home.build(recipe)
    done = home.slipway("export-dockerfile", recipe, tmp_path / "out", "--json").last
    assert [line.split()[:2] for line in done["commands"]] == [
        ["docker", "load"],
        ["docker", "build"],
        ["buildah", "pull"],
        ["buildah", "build"],
    ]
    assert (tmp_path / "out" / ".dockerignore").read_text() == "base.tar\n"
    engine.load_base(tmp_path / "out" / "base.tar")
    engine.build(tmp_path / "out", "onbase:1")
    assert content(home, taken(home, engine, "onbase:1", tmp_path)) == content(home, native)


class TestExport:
    TEXT = "tag: {tag}\nbase: scratch\nfiles: [a.txt]\npip-config: {{global: {{index-url: 'https://me:CANARY@example.org/simple'}}}}\n"

    @pytest.fixture
    def recipe(self, tmp_path: Path) -> Path:
        return write_recipe(tmp_path / "p", self.TEXT.format(tag="x:1"), **{"a.txt": "a\n"})

    def test_a_directory_with_something_in_it(self, own: Home, recipe: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "mine").write_text("1")
        assert "not empty" in own.refuse(2, "export-dockerfile", recipe, out)["brief"]
        own.slipway("export-dockerfile", recipe, out, "--force")
        before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
        (out / "layers" / "old.tar.gz").write_text("2")
        own.slipway("export-dockerfile", recipe, out, "--force")
        assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
        assert (out / "mine").read_text() == "1"
        assert "--force" in own.refuse(2, "export-dockerfile", recipe, out)["hint"]
        (tmp_path / "file").write_text("")
        own.refuse(2, "export-dockerfile", recipe, tmp_path / "file")

    def test_from_the_lock(self, own: Home, recipe: Path, tmp_path: Path) -> None:
        assert own.refuse(9, "export-dockerfile", recipe, tmp_path / "out", "--locked")["code"] == "lock"
        assert not (tmp_path / "out").exists()
        own.slipway("lock", recipe)
        own.slipway("export-dockerfile", recipe, tmp_path / "out", "--locked")
        (recipe.parent / "a.txt").write_text("other")
        own.refuse(9, "export-dockerfile", recipe, tmp_path / "other", "--locked")
        assert not (tmp_path / "other").exists()

    def test_no_secret_is_in_it(self, own: Home, recipe: Path, tmp_path: Path) -> None:
        own.slipway("export-dockerfile", recipe, tmp_path / "out")
        for path in (tmp_path / "out").rglob("*"):
            if path.name.endswith(".tar.gz"):
                with tarfile.open(path) as archive:
                    texts = [file.read() for i in archive if i.isreg() and (file := archive.extractfile(i))]
            else:
                texts = [path.read_bytes()] if path.is_file() else []
            assert not any(b"CANARY" in text for text in texts), path

    def test_for_one_platform(self, own: Home, recipe: Path, tmp_path: Path) -> None:
        recipe.write_text(recipe.read_text() + "platforms: [linux/amd64, linux/arm64]\n")
        assert "--platform" in own.refuse(2, "export-dockerfile", recipe, tmp_path / "out")["hint"]
        done = own.slipway(
            "export-dockerfile", recipe, tmp_path / "out", "--platform", "arm64", "--json"
        ).last
        assert all("--platform=linux/arm64" in line for line in done["commands"])

    def test_the_same_recipe_gives_the_same_files(self, own: Home, recipe: Path, tmp_path: Path) -> None:
        for name in ("one", "two"):
            own.slipway("export-dockerfile", recipe, tmp_path / name)
        one, two = (
            {
                p.relative_to(tmp_path / name): p.read_bytes()
                for p in (tmp_path / name).rglob("*")
                if p.is_file()
            }
            for name in ("one", "two")
        )
        assert one == two


SMALL = "tag: small\nbase: scratch\nfiles: [a.txt]\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_recipe(tmp_path / "p", SMALL, **{"a.txt": "a\n"})


@pytest.mark.parametrize("name", ["docker", "buildah"])
def test_a_plan_says_who_would_build(own: Home, small: Path, name: str) -> None:
    (plan,) = own.slipway("build", small, "--engine", name, "--dry-run", "--json").last["plans"]
    assert plan["engine"] == name
    assert f"put together by {name}" in own.slipway("build", small, "--engine", name, "--dry-run").out
    for native in ("auto", "native"):
        (plan,) = own.slipway("build", small, "--engine", native, "--dry-run", "--json").last["plans"]
        assert "engine" not in plan


@pytest.mark.parametrize("name", ["docker", "buildah"])
def test_one_platform_at_a_time(own: Home, small: Path, name: str) -> None:
    platforms = ("--platform", "linux/amd64", "--platform", "linux/arm64")
    for more in ((), ("--dry-run",)):
        error = own.refuse(2, "build", small, "--engine", name, *platforms, *more)
        assert name in error["brief"]
        assert "native" in error["hint"]


def test_another_platform_without_commands(own: Home, engine: Engine, small: Path) -> None:
    home = engine.home(own)
    made = home.build(small, "--engine", engine.name, "--platform", "linux/arm64")
    assert config(home.store, image_of(made))["architecture"] == "arm64"
    assert made["image"]["platform"]["architecture"] == "arm64"


def test_no_daemon(own: Home, small: Path, tmp_path: Path) -> None:
    home = own.with_(DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    error = home.refuse(7, "build", small, "--engine", "docker")
    assert "no Docker daemon answers" in error["brief"]
    assert "--engine native" in error["hint"]


def test_no_buildah(own: Home, small: Path, tmp_path: Path) -> None:
    error = own.with_(PATH=str(tmp_path)).refuse(7, "build", small, "--engine", "buildah")
    assert "buildah is not installed" in error["brief"]
    assert "--engine native" in error["hint"]


def test_an_image_without_a_name(own: Home, engine: Engine, tmp_path: Path) -> None:
    home = engine.home(own)
    recipe = write_recipe(tmp_path / "p", SMALL.replace("tag: small\n", ""), **{"a.txt": "a\n"})
    done = home.build(recipe, "--engine", engine.name)
    assert done["tag"] == ""
    assert [i["digest"] for i in home.slipway("image", "ls", "--json").last["images"]] == [image_of(done)]


@pytest.mark.docker
def test_what_docker_built_need_not_be_loaded(own: Home, docker_host: str, small: Path) -> None:
    home = docker_engine(docker_host).home(own)
    done = home.slipway("build", small, "--engine", "docker", "--load", "--json")
    assert done.last["outputs"] == ["docker-daemon:small:latest"]
    assert not any(event.get("name") == "load" for event in map(json.loads, done.out.splitlines()))


REAL = """
tag: real
base: {debian: bookworm, variant: essential, packages: [python3, iputils-ping]}
packages: [requests, markupsafe]
files: [a.txt]
"""


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.thorough
def test_a_real_image(own: Home, engine: Engine, tmp_path: Path) -> None:
    home = engine.home(own)
    recipe = write_recipe(tmp_path / "p", REAL, **{"a.txt": "a\n"})
    native = home.build(recipe, "--tag", "native", timeout=300)
    made = home.build(recipe, "--engine", engine.name, timeout=300)
    found = content(home, made)
    assert found == content(home, native)
    assert settings(home, made) == settings(home, native)
    assert dict(found["usr/bin/ping"].xattrs).keys() == {"SCHILY.xattr.security.capability"}
