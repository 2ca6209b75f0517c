"""Layers over one another, owners, and layers that mean harm."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from typing import TYPE_CHECKING

import pytest

from slipway.errors import InputError, StoreError
from slipway.events import Reporter
from slipway.oci import layerindex
from slipway.oci.digest import Digest
from slipway.oci.reader import Slice
from slipway.scan.inventory import stored, take
from slipway.scan.inventory.layerfacts import FactsCache, read_layer
from slipway.scan.inventory.readers import LARGEST
from tests.images.making import Maker, folder, hardlink, member, symlink, tar
from tests.scan.inventory.kit import SITE, STATUS, debian, dpkg, node, rows, scanned, wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_components_say_what_they_are_and_where(maker: Maker) -> None:
    base = maker.layer(debian(), dpkg(("bash", "5.2")))
    top = maker.layer(wheel("My_Pkg", "1.0"))
    found = scanned(maker, base, top, Labels={"b": "2", "a": "1"})
    assert rows(found) == ["deb bash 5.2", "pypi my-pkg 1.0"]
    deb, dist = found.components
    assert (deb.path, deb.layer) == (STATUS, base.blob.digest)
    assert deb.purl == "pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12"
    assert (dist.path, dist.layer) == ("venv/site/My_Pkg-1.0.dist-info/METADATA", top.blob.digest)
    assert (found.system.id, found.system.distro, found.platform) == ("debian", "debian-12", "linux/amd64")
    assert found.labels == (("a", "1"), ("b", "2"))
    assert found.unread == ()
    assert found.digest == maker.store.find("x:1").digest


def test_a_database_that_is_written_anew_does_not_move_its_packages(maker: Maker) -> None:
    base = maker.layer(dpkg(("bash", "5.2"), ("curl", "7")))
    top = maker.layer(dpkg(("bash", "5.2"), ("curl", "8"), ("git", "2")))
    found = scanned(maker, base, top)
    assert [(c.name, c.version, c.layer) for c in found.components] == [
        ("bash", "5.2", base.blob.digest),
        ("curl", "8", top.blob.digest),
        ("git", "2", top.blob.digest),
    ]


@pytest.mark.parametrize(
    ("over", "left"),
    [
        ([member("venv/site/a-1.dist-info/.wh.METADATA")], ["pypi b 1"]),
        ([member("venv/site/.wh.a-1.dist-info")], ["pypi b 1"]),
        ([member("venv/.wh.site")], []),
        ([member("venv/.wh..wh..opq"), wheel("c", "1")], ["pypi c 1"]),
        ([member(".wh..wh..opq")], []),
        ([symlink("venv", "elsewhere")], []),
        ([member("venv", b"a file")], []),
        ([folder("venv"), folder("venv/site")], ["pypi a 1", "pypi b 1"]),
        ([folder("venv/site/a-1.dist-info/METADATA")], ["pypi b 1"]),
        ([symlink("venv/site/a-1.dist-info/METADATA", "x")], ["pypi b 1"]),
        ([wheel("a", "1"), member("venv/.wh..wh..opq")], ["pypi a 1"]),
        ([member("other/.wh.venv"), member("venv/.wh.sit")], ["pypi a 1", "pypi b 1"]),
    ],
)
def test_layers_hide_what_is_below(maker: Maker, over: list[object], left: list[str]) -> None:
    below = maker.layer(wheel("a", "1"), wheel("b", "1"))
    assert rows(scanned(maker, below, maker.layer(*over))) == left  # type: ignore[arg-type]


def test_os_release_through_symlinks(maker: Maker) -> None:
    text = b"ID=fedora\nVERSION_ID=39\n"
    layer = maker.layer(
        symlink("etc/os-release", "../usr/lib/os-release"),
        symlink("usr/lib/os-release", "./os.release.d/os-release-container"),
        member("usr/lib/os.release.d/os-release-container", text),
    )
    found = scanned(maker, layer)
    assert found.system.distro == "fedora-39"
    assert found.unread == ("the system is fedora, but there is no database of its packages",)


def test_symlinks_that_go_round_in_circles(maker: Maker) -> None:
    layer = maker.layer(
        symlink("etc/os-release", "../usr/lib/os-release"),
        symlink("usr/lib/os-release", "../../etc/os-release"),
        symlink(STATUS, "status"),
    )
    found = scanned(maker, layer)
    assert found.system.id == ""
    assert found.unread == (f"{STATUS}: it is a symlink to status, which is not there or not read",)


def test_a_database_that_was_removed_is_not_an_image_without_packages(maker: Maker) -> None:
    base = maker.layer(debian(), dpkg(("a", "1")), member("var/lib/dpkg/info/a.list", b"/.\n"))
    status = scanned(maker, base, maker.layer(member("var/lib/dpkg/.wh.status")))
    assert status.unread == (f"{STATUS}: it is not there, but dpkg's lists of files are",)
    everything = scanned(maker, base, maker.layer(member("var/lib/.wh.dpkg")))
    assert everything.unread == ("the system is debian, but there is no database of its packages",)


def test_distroless_images(maker: Maker) -> None:
    path = f"{SITE}/six-1.16.0.egg-info"
    layer = maker.layer(
        debian(),
        member(
            "var/lib/dpkg/status.d/python3-six",
            b"Package: python3-six\nSource: six\nArchitecture: all\nVersion: 1.16.0-4",
        ),
        member("var/lib/dpkg/status.d/python3-six.md5sums", f"{'0' * 32}  {path}\n".encode()),
        member(path, b"Name: six\nVersion: 1.16.0\n"),
    )
    found = scanned(maker, layer)
    deb, dist = found.components
    assert deb.source_name == "six"
    assert dist.owner == deb.purl
    assert found.unread == ()


def test_what_dpkg_owns_is_its_own(maker: Maker) -> None:
    """Owned: through the merged /usr, of a multi-arch package, and packages of npm; not: what pip put beside it."""
    merged = "lib/python3/dist-packages/one-1.egg-info"
    layer = maker.layer(
        dpkg(("python3-one", "1-2"), ("libnode", "3-1")),
        member("var/lib/dpkg/info/python3-one.list", f"/.\n/{merged}\n".encode()),
        member("var/lib/dpkg/info/libnode:amd64.list", b"/usr/share/node_modules/n/package.json\n"),
        member(f"usr/{merged}", b"Name: one\nVersion: 1\n"),
        wheel("two", "2", "usr/lib/python3/dist-packages"),
        node("n", "1.0.0", "usr/share"),
    )
    owners = {c.name: c.owner.partition("?")[0] for c in scanned(maker, layer).components if c.kind != "deb"}
    assert owners == {"one": "pkg:deb/unknown/python3-one@1-2", "two": "", "n": "pkg:deb/unknown/libnode@3-1"}


def test_a_list_of_a_package_that_is_gone_owns_nothing(maker: Maker) -> None:
    layer = maker.layer(
        dpkg(("other", "1")),
        member("var/lib/dpkg/info/python3-one.list", f"/{SITE}/one-1.dist-info/METADATA\n".encode()),
        wheel("one", "1", SITE),
    )
    assert [c.owner for c in scanned(maker, layer).components if c.kind == "pypi"] == [""]


def test_what_conda_owns(maker: Maker) -> None:
    conda = b'{"name": "numpy", "version": "1.26.4", "files": ["lib/site/numpy-1.26.4.dist-info/METADATA"]}'
    layer = maker.layer(
        member("opt/conda/conda-meta/numpy-1.26.4-0.json", conda),
        wheel("numpy", "1.26.4", "opt/conda/lib/site"),
        wheel("cached", "1.0", "opt/conda/pkgs/cached/site"),
        member("opt/conda/pkgs/cached/site/cached-1.0.dist-info/INSTALLER", b"conda\n"),
        wheel("pip", "24", "opt/conda/lib/site"),
        member("opt/conda/lib/site/pip-24.dist-info/INSTALLER", b"pip\n"),
    )
    owners = {c.name: c.owner for c in scanned(maker, layer).components if c.kind == "pypi"}
    assert owners == {"numpy": "pkg:conda/numpy@1.26.4", "cached": "pkg:conda/cached@1.0", "pip": ""}


def test_a_wheel_from_elsewhere_says_where(maker: Maker) -> None:
    layer = maker.layer(
        wheel("a", "1"),
        member(
            "venv/site/a-1.dist-info/direct_url.json",
            b'{"url": "https://u:pw@example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}',
        ),
    )
    (found,) = scanned(maker, layer).components
    assert found.direct_url == "git+https://example.org/a.git@abc"
    assert found.purl == "pkg:pypi/a@1?vcs_url=git%2Bhttps://example.org/a.git%40abc"


def test_a_lock_file_counts_where_nothing_is_installed(maker: Maker) -> None:
    lock = b'{"packages": {"node_modules/l": {"version": "1.0.0"}}}'
    shrunk = b'{"packages": {"node_modules/s": {"version": "1.0.0"}}}'
    layer = maker.layer(
        member("package-lock.json", lock),
        member("both/package-lock.json", lock),
        member("both/npm-shrinkwrap.json", shrunk),
        node("n", "2.0.0", "app"),
        member("app/package-lock.json", lock),
        node("m", "2.0.0", "x/other_"),
        member("x/package-lock.json", b"broken"),
    )
    found = scanned(maker, layer)
    assert [(c.name, c.path) for c in found.components] == [
        ("l", "package-lock.json"),
        ("m", "x/other_/node_modules/m/package.json"),
        ("n", "app/node_modules/n/package.json"),
        ("s", "both/npm-shrinkwrap.json"),
    ]
    assert [line.partition(":")[0] for line in found.unread] == ["x/package-lock.json"]


def test_hard_links(maker: Maker) -> None:
    """To a file of the same kind, as uv makes them; to one that nobody would look at, before and after it."""
    content = b'{"name": "p", "version": "1.0.0"}'
    layer = maker.layer(
        wheel("a", "1", "cache"),
        hardlink("venv/a-1.dist-info/METADATA", "cache/a-1.dist-info/METADATA"),
        member("store/v3/ab", content),
        hardlink("app/node_modules/p/package.json", "store/v3/ab"),
        hardlink("app/node_modules/q/package.json", "nowhere"),
    )
    found = scanned(maker, layer)
    assert [(c.name, c.path) for c in found.components] == [
        ("p", "app/node_modules/p/package.json"),
        ("a", "cache/a-1.dist-info/METADATA"),
        ("a", "venv/a-1.dist-info/METADATA"),
    ]
    assert found.unread == (
        "app/node_modules/q/package.json: it is a hard link to nowhere, which cannot be read",
    )


def test_a_path_that_comes_twice_counts_once(maker: Maker) -> None:
    layer = maker.layer(dpkg(("a", "1")), dpkg(("a", "2")))
    assert rows(scanned(maker, layer)) == ["deb a 2"]


def test_broken_files_are_told_and_the_rest_is_read(maker: Maker) -> None:
    layer = maker.layer(
        dpkg(("a", "1")),
        member("opt/conda-meta/x.json", b"{"),
        member("o\x1b[31m/node_modules/a/package.json", b"7"),
        member("v/x.egg-info/PKG-INFO", b""),
        member("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0" + b"\xff" * 5000),
    )
    found = scanned(maker, layer)
    assert rows(found) == ["deb a 1"]
    assert [line.partition(":")[0] for line in found.unread] == [
        "opt/conda-meta/x.json",
        "o\N{REPLACEMENT CHARACTER}[31m/node_modules/a/package.json",
        "v/x.egg-info/PKG-INFO",
        "var/lib/rpm/rpmdb.sqlite",
    ]


def test_a_file_that_is_too_large_is_told(maker: Maker) -> None:
    layer = maker.layer(member(STATUS, b" " * (LARGEST + 1)), wheel("a", "1"))
    found = scanned(maker, layer)
    assert rows(found) == ["pypi a 1"]
    assert "at most" in found.unread[0]


# -- the cache -----------------------------------------------------------------------------------------------


def read_blobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests of blobs that are read from now on."""
    read: list[str] = []
    original = layerindex.verified

    def verified(store: object, blob: object) -> Iterator[bytes]:
        read.append(blob.digest)  # type: ignore[attr-defined]
        return original(store, blob)  # type: ignore[arg-type]

    monkeypatch.setattr(stored, "verified", verified)
    return read


def test_a_second_image_reads_only_what_is_new(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    base, one, two = maker.layer(dpkg(("a", "1"))), maker.layer(wheel("b", "1")), maker.layer(wheel("c", "1"))
    read = read_blobs(monkeypatch)
    first = scanned(maker, base, one, one)
    assert read == [base.blob.digest, one.blob.digest]
    assert scanned(maker, base, one, one) == first
    assert len(read) == 2
    assert rows(scanned(maker, base, two)) == ["deb a 1", "pypi c 1"]
    assert read[2:] == [two.blob.digest]


def test_a_damaged_cache_is_made_anew(maker: Maker) -> None:
    layer = maker.layer(dpkg(("a", "1")), member("x/.wh.gone"), symlink("etc/os-release", "x"))
    first = scanned(maker, layer)
    (path,) = (maker.settings.cache / "inventory").iterdir()
    good = path.read_bytes()
    facts = FactsCache(path.parent).get(layer.blob.digest)
    assert facts is not None
    assert facts.removed == {"x/gone"}
    for damage in (b"", b"[]", b'{"version": 1}', b'{"version": 1, "diff_id": 3, "files": []}', good[:-9]):
        path.write_bytes(damage)
        assert scanned(maker, layer) == first
        assert path.read_bytes() == good


def test_a_cache_that_takes_nothing_costs_only_time(maker: Maker) -> None:
    """Here something else is where the cache should be; a full disk is told of in the same way."""
    layer = maker.layer(dpkg(("a", "1")))
    maker.settings.cache.mkdir(parents=True, exist_ok=True)
    (maker.settings.cache / "inventory").write_text("no directory")
    assert rows(scanned(maker, layer)) == ["deb a 1"]


# -- hostile layers ------------------------------------------------------------------------------------------


def test_a_layer_that_is_not_what_the_configuration_says(maker: Maker) -> None:
    layer = maker.layer(dpkg(("a", "1")))
    wrong = Slice(layer.blob, Digest("sha256:" + "0" * 64))
    for _ in range(2):  # also when the layer is known
        with pytest.raises(InputError, match="is not what the image's configuration says"):
            scanned(maker, wrong)


def test_a_layer_that_is_not_what_its_digest_says(maker: Maker) -> None:
    layer = maker.layer(dpkg(("a", "1")))
    maker.store.path(layer.blob.digest).write_bytes(gzip.compress(tar([dpkg(("b", "1"))])))
    with pytest.raises(StoreError, match="is damaged"):
        scanned(maker, layer)
    assert not (maker.settings.cache / "inventory").exists()


@pytest.mark.parametrize("cut", [10, 300, 20_000])
def test_a_layer_that_ends_early(maker: Maker, cut: int) -> None:
    plain = tar([dpkg(("a", "1")), member("big", bytes(range(256)) * 4000)])
    blob = gzip.compress(plain, 0)
    with pytest.raises(InputError, match="layer sha256:"):
        scanned(maker, maker.raw(plain, blob[:-cut]))
    with pytest.raises(InputError, match="layer sha256:"):
        scanned(maker, maker.raw(plain[: -cut - 10_240], suffix=""))


@pytest.mark.parametrize("path", ["../../etc/passwd", "a/../../b"])
def test_paths_that_leave_the_root(maker: Maker, path: str) -> None:
    with pytest.raises(InputError, match="leaves its root"):
        scanned(maker, maker.layer(member(path, b"x")))


@pytest.mark.slow
def test_a_bomb_is_refused_before_it_has_unpacked() -> None:
    """Ten gigabytes of zeros in ten megabytes."""
    info = tarfile.TarInfo("zeros")
    info.size = 10_000_000_000

    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = deflate.compress(info.tobuf(tarfile.GNU_FORMAT)) + deflate.flush(zlib.Z_FULL_FLUSH)
    mebibyte = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    read = 0

    def bomb() -> Iterator[bytes]:
        nonlocal read
        yield head
        for _ in range(info.size >> 20):
            read += 1
            yield mebibyte

    with pytest.raises(InputError, match="layer x is refused: it unpacks to more than 200 times its size"):
        read_layer(bomb(), "layer x")
    assert read < 2000


def test_names_of_files_may_be_any_bytes(maker: Maker) -> None:
    """As they may in any image, which shall be scanned all the same."""
    info = tarfile.TarInfo("caf\udce9/node_modules/x/package.json")
    text = b'{"name": "x", "version": "1"}'
    info.size = len(text)
    data = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + text.ljust(512, b"\0") + bytes(1024)
    (found,) = scanned(maker, maker.raw(data)).components
    assert (found.name, found.path) == ("x", "caf\ufffd/node_modules/x/package.json")


def test_temporary_files_go_away(maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    layer = maker.layer(member("var/lib/rpm/rpmdb.sqlite", b"x" * 2_000_000))
    assert scanned(maker, layer).unread
    broken = maker.raw(tar([member("var/lib/rpm/rpmdb.sqlite", b"x" * 2_000_000)])[:-20_000])
    with pytest.raises(InputError):
        scanned(maker, broken)
    assert list(scratch.iterdir()) == []


def test_names_are_taken_from_the_store_first(maker: Maker) -> None:
    image = maker.image(maker.layer(dpkg(("a", "1"))), tag="docker:27")
    assert rows(take("docker:27", maker.settings, Reporter())) == ["deb a 1"]
    assert take(image.digest[:19], maker.settings, Reporter()).digest == image.digest
