"""Which init an image starts with, and the fragment of one that its base lacks."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.build.installation import init
from slipway.build.installation.init import choose, init_fragment, init_key, needs_package
from slipway.build.installation.model import Init
from slipway.build.model import Options
from slipway.distro.model import Deb, DebianResolution
from slipway.errors import FetchError, InputError, StoreError, ToolError, UsageError
from slipway.lock import kept
from slipway.lock.document import as_dict, from_dict
from slipway.lock.held import Held, held
from slipway.lock.made import from_inputs
from slipway.recipe.model import Platform
from slipway.recipe.plain import as_data
from tests.distro.debkit import deb_bytes, folder, member

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.build.installation.workspace import Desk

TINI = Deb("tini", "0.19.0-1", "arm64", "pool/t.deb", "https://mirror.test/pool/t.deb", "a" * 64, 5)
PACKAGES = "base: python:3.12-slim\npackages: [six]\n"
STATIC = b"\x7fELF static"


def image(*, shell: str = "bash", own: str = "", read: bool = True, **config: Any) -> Any:
    """A base image as far as the choice looks at it."""
    return SimpleNamespace(
        config={"config": config},
        facts=SimpleNamespace(shell=shell, init=own),
        contents=SimpleNamespace(to_be_read=lambda: not read),
    )


@pytest.fixture
def chosen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Init | None, tuple[str, ...]]]:
    """Chooses; `mirror` is what the mirror says: a package or an error."""

    def run(
        text: str = PACKAGES,
        *,
        base: Any = None,
        debian: DebianResolution | None = None,
        mirror: Deb | Exception = TINI,
        before: Init | None = None,
    ) -> tuple[Init | None, tuple[str, ...]]:
        def find_deb(name: str, suite: str, arch: str, *_: Any, **__: Any) -> Deb:
            assert (name, suite, arch) == ("tini", "stable", "arm64")
            if isinstance(mirror, Exception):
                raise mirror
            return mirror

        monkeypatch.setattr("slipway.distro.single.find_deb", find_deb)
        wait = choose(
            desk.recipe(text),
            Platform("arm64"),
            debian,
            base,
            desk.settings,
            desk.reporter,
            Options(fetch=True),
            Held(init=before),
        )
        return wait()

    return run


def debian(*names: str) -> DebianResolution:
    debs = tuple(Deb(name, "1", "amd64", "", "", "b" * 64, 1) for name in names)
    return DebianResolution("stable", "trixie", "13", 0, (), ("main",), debs, (), ())


def test_the_one_of_the_distribution(chosen: Callable[..., Any]) -> None:
    assert chosen("packages: [six]", debian=debian("bash", "tini")) == (Init("/usr/bin/tini"), ())
    made, (note,) = chosen("packages: [six]", debian=debian("bash"))
    assert made == Init("")
    assert "without an init" in note


def test_the_one_of_the_base_image(chosen: Callable[..., Any]) -> None:
    for read in (True, False):
        assert chosen(base=image(own="/sbin/tini", read=read), mirror=FetchError("down")) == (
            Init("/sbin/tini"),
            (),
        )


def test_debians_for_a_base_image_without_one(chosen: Callable[..., Any]) -> None:
    for read in (True, False):
        assert chosen(base=image(read=read)) == (Init("/usr/bin/tini", TINI), ())


def test_the_one_of_before(chosen: Callable[..., Any]) -> None:
    before = Init("/usr/bin/tini", TINI)
    assert chosen(base=image(), before=before, mirror=FetchError("down")) == (before, ())


@pytest.mark.parametrize("error", [UsageError("no mirror is known"), ToolError("no keyring")])
def test_none_where_nobody_can_be_asked(chosen: Callable[..., Any], error: Exception) -> None:
    made, (note,) = chosen(base=image(), mirror=error)
    assert made == Init("")
    assert str(error) in note


def test_a_mirror_that_fails_is_an_error(chosen: Callable[..., Any]) -> None:
    with pytest.raises(FetchError):
        chosen(base=image(), mirror=FetchError("down"))


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (PACKAGES, image(Entrypoint=["/theirs"])),
        (PACKAGES, image(shell="")),
        (PACKAGES + "entrypoint: []\n", image()),
        ("base: python:3.12-slim\nfiles: [a]\n", image()),
        ("base: scratch\nfiles: [a]\n", None),
    ],
)
def test_images_that_start_otherwise(chosen: Callable[..., Any], text: str, base: Any) -> None:
    assert chosen(text, base=base, mirror=FetchError("nobody is asked")) == (None, ())


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("packages: [six]", True),
        ("{}", False),
        ("packages: [six]\nentrypoint: [x]", False),
        ("packages: [six]\napt: [tini]", False),
        ("packages: [six]\nbase: {debian: trixie, packages: [tini=0.19.0-1]}", False),
        (PACKAGES, False),
    ],
)
def test_which_debian_bases_get_the_package(desk: Desk, text: str, *, needed: bool) -> None:
    assert needs_package(desk.recipe(text)) == needed


# -- the fragment --------------------------------------------------------------------------------------------


def package(path: Path, *members: Any) -> Path:
    path.write_bytes(
        deb_bytes([folder("./usr"), folder("./usr/bin"), *members], {"Package": "tini", "Version": "1"})
    )
    return path


def test_the_static_program_and_its_notice(desk: Desk, tmp_path: Path) -> None:
    path = package(
        tmp_path / "tini.deb",
        member("./usr/bin/tini", b"dynamic"),
        member("./usr/bin/tini-static", STATIC, mode=0o755),
        member("./usr/share/doc/tini/copyright", b"MIT"),
    )
    made = init_fragment(desk.cache, TINI, path)
    assert made.key == init_key(desk.cache, TINI)
    assert {e.path: (oct(e.mode), content) for e, content in made.members()} == {
        "usr/bin/tini": ("0o755", STATIC),
        "usr/share/doc/tini/copyright": ("0o644", b"MIT"),
    }
    assert (made.component.name, made.component.arch) == ("tini", "arm64")


def test_a_package_without_it(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tini-static"):
        init_fragment(desk.cache, TINI, package(tmp_path / "a.deb", member("./usr/bin/tini", b"")))
    (tmp_path / "b.deb").write_bytes(b"nonsense")
    with pytest.raises(InputError):
        init_fragment(desk.cache, TINI, tmp_path / "b.deb")
    with pytest.raises(StoreError):
        init_fragment(desk.cache, TINI, tmp_path / "none.deb")


def test_a_program_that_is_absurdly_large(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "_MOST_BYTES", 1000)
    with pytest.raises(InputError):
        path = package(tmp_path / "a.deb", member("./usr/bin/tini-static", b"x" * 5000))
        init_fragment(desk.cache, TINI, path)


# -- the lock ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [None, Init(""), Init("/sbin/tini"), Init("/usr/bin/tini", TINI)])
def test_a_lock_keeps_it(desk: Desk, made: Init | None) -> None:
    from dataclasses import replace

    inputs = replace(desk.inputs(desk.recipe("base: scratch\n")), init=made)
    lock = from_inputs([inputs], "gzip", None)
    read = from_dict(json.loads(json.dumps(as_dict(lock))))
    assert read.platforms[0].init == made
    image = kept.lock_of({kept.FIELD: json.loads(json.dumps(kept.kept(inputs, "gzip", None)))})
    assert image is not None
    assert image.platforms[0].init == made


def test_it_stays_unless_the_need_for_it_changes(desk: Desk) -> None:
    from dataclasses import replace

    recipe = desk.recipe("base: scratch\nenv: {A: 1}\n")
    lock = from_inputs([replace(desk.inputs(recipe), init=Init("/sbin/tini"))], "gzip", None)

    def stays(text: str) -> bool:
        return held(lock, as_data(desk.recipe(text)), "linux/amd64").init is not None

    assert stays("base: scratch\nenv: {A: 2}\n")
    assert not stays("base: scratch\nentrypoint: []\n")
    assert not stays("base: python:3.12-slim\n")


def test_a_layout_is_looked_into_again(desk: Desk) -> None:
    from dataclasses import replace

    recipe = desk.recipe("base: oci:below\n")
    lock = from_inputs([replace(desk.inputs(recipe), init=Init("/sbin/tini"))], "gzip", None)
    assert held(lock, as_data(recipe), "linux/amd64").init is None
