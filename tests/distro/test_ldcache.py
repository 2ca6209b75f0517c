from __future__ import annotations

import io
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.distro import ldcache
from slipway.distro.elf import shared_object
from slipway.distro.native import FileReader, NativeFile
from tests.distro import realroot

AMD64 = "x86_64-linux-gnu"
LDCONFIG = shutil.which("ldconfig", path="/usr/sbin:/sbin:/usr/bin")
real_ldconfig = pytest.mark.skipif(
    LDCONFIG is None or os.uname().machine != "x86_64", reason="needs ldconfig of amd64"
)


def obj(path: str, soname: str, bits: int = 64, machine: int = 62) -> ldcache.SharedObject:
    return {"path": path, "soname": soname, "class": bits, "machine": machine}


def reader(files: dict[str, bytes]) -> FileReader:
    return lambda *paths: {p: files[p] for p in paths if p in files}


def entries(cache: bytes) -> list[tuple[int, str, str, int]]:
    """(flags, name, path, hwcap) of each entry, read by the documented layout."""

    def text(offset: int) -> str:
        return cache[offset : cache.index(b"\0", offset)].decode()

    (count,) = struct.unpack_from("<I", cache, 20)
    rows = (struct.unpack_from("<iIIIQ", cache, 48 + 24 * n) for n in range(count))
    return [(flags, text(key), text(value), hwcap) for flags, key, value, _, hwcap in rows]


def scan(root: Path) -> tuple[list[ldcache.SharedObject], dict[str, str], dict[str, bytes]]:
    objects, links, files = [], {}, {}
    for folder, names, more in os.walk(root):
        for name in names + more:
            full = Path(folder, name)
            path = str(full.relative_to(root))
            if full.is_symlink():
                links[path] = str(full.readlink())
            elif full.is_file():
                files[path] = full.read_bytes()
                found = shared_object(io.BytesIO(files[path]))
                if found:
                    objects.append(obj(path, found.soname, found.bits, found.machine))
    return objects, links, files


def host_version() -> str:
    text = subprocess.run([str(LDCONFIG), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\(Debian GLIBC (\S+)\)", text)
    if found is None:
        pytest.skip("not Debian's ldconfig")
    return found[1]


def library(soname: str, word: int = 0) -> bytes:
    """A real shared object of this machine with another soname of the same length."""
    source = Path(f"/lib/{AMD64}/libutil.so.1").resolve().read_bytes()
    assert len(soname) == len("libutil.so.1")
    return source.replace(b"libutil.so.1\0", soname.encode() + b"\0") + bytes(word)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root with merged /usr, awkward names, hwcaps, a library without its link, and two configured directories."""
    for name in (
        "etc/ld.so.conf.d",
        f"usr/lib/{AMD64}/glibc-hwcaps/x86-64-v3",
        "opt/a",
        "opt/b",
        "usr/lib64",
    ):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / f"usr/lib/{AMD64}/glibc-hwcaps/x86-64-v2").mkdir()
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "lib64").symlink_to("usr/lib64")
    (tmp_path / "etc/ld.so.conf").write_text("# first\ninclude /etc/ld.so.conf.d/*.conf\n/opt/b/  # last\n")
    (tmp_path / "etc/ld.so.conf.d/b.conf").write_text(f"/lib/{AMD64}\n/usr/lib/{AMD64}\n/does/not/exist\n")
    (tmp_path / "etc/ld.so.conf.d/a.conf").write_text("/opt/a\n")
    (tmp_path / "etc/ld.so.conf.d/.hidden.conf").write_text("/usr/lib64\n")
    lib = tmp_path / f"usr/lib/{AMD64}"
    for name, soname in (
        ("libaa10.so.1", "libaa10.so.1"),
        ("libaaa9.so.1", "libaaa9.so.1"),
        ("libabc-1.2.so", "libabc.so.99"),
        ("libabc-1.10.so", "libabc.so.99"),
        ("libutil.so.1.0", "libutil.so.1"),
        ("ld-linux.so.2", "ld-linux.so."),
        ("other.so.1", "libother.so1"),
        ("glibc-hwcaps/x86-64-v3/libutil.so.1", "libutil.so.1"),
        ("glibc-hwcaps/x86-64-v2/libutil.so.1", "libutil.so.1"),
        ("glibc-hwcaps/x86-64-v2/libzz12.so.1", "libzz12.so.1"),
    ):
        (lib / name).write_bytes(library(soname))
    (lib / "libutil.so.1").symlink_to("libutil.so.1.0")
    (lib / "libutil.so").symlink_to("libutil.so.1")
    (lib / "libdead.so.1").symlink_to("nowhere")
    (lib / "libnotelf.so").write_text("INPUT(-lutil)")
    (tmp_path / "opt/a/libutil.so.1").symlink_to(f"/lib/{AMD64}/libutil.so.1.0")
    (tmp_path / "opt/b/libutil.so.1").write_bytes(library("libutil.so.1"))
    (tmp_path / "usr/lib64/libnever.so.1").write_bytes(library("libnever.so1"))
    return tmp_path


@real_ldconfig
def test_the_bytes_of_ldconfig(tree: Path) -> None:
    objects, links, files = scan(tree)
    dirs = ldcache.search_dirs(reader(files), files)
    assert dirs == ["/opt/a", f"/lib/{AMD64}", f"/usr/lib/{AMD64}", "/does/not/exist", "/opt/b"]
    ours = ldcache.cache_file(objects, links, "amd64", dirs, libc_version=host_version())
    made = ldcache.soname_links(objects, links, "amd64", dirs)
    subprocess.run([str(LDCONFIG), "-r", str(tree)], check=True, capture_output=True)
    assert entries(ours) == entries((tree / ldcache.PATH).read_bytes())
    assert ours == (tree / ldcache.PATH).read_bytes()
    after = {p: t for p, t in scan(tree)[1].items() if p not in links}
    assert {file.path: file.target for file in made} == after
    assert after[f"usr/lib/{AMD64}/libabc.so.99"] == "libabc-1.10.so"


@real_ldconfig
def test_the_bytes_of_ldconfig_for_libraries_of_this_machine(tmp_path: Path) -> None:
    target = tmp_path / f"usr/lib/{AMD64}"
    target.mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "etc").mkdir()
    for path in sorted(Path(f"/usr/lib/{AMD64}").glob("lib[a-m]*.so.*"))[:60]:
        shutil.copy2(path, target / path.name, follow_symlinks=False)
    objects, links, files = scan(tmp_path)
    ours = ldcache.cache_file(objects, links, "amd64", [], libc_version=host_version())
    subprocess.run([str(LDCONFIG), "-r", str(tmp_path)], check=True, capture_output=True)
    assert ours == (tmp_path / ldcache.PATH).read_bytes()
    assert ldcache.search_dirs(reader(files), files) == []


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_the_bytes_in_a_real_root(suite: str) -> None:
    root = realroot.root(suite)
    objects = []
    for path in root.paths:
        if ".so" in path and root.members[path].isreg():
            found = shared_object(io.BytesIO(root.content(path)))
            if found:
                objects.append(obj(path, found.soname, found.bits, found.machine))
    dirs = ldcache.search_dirs(root.read, root.paths)
    ours = ldcache.cache_file(objects, root.symlinks, "amd64", dirs, libc_version=root.packages()["libc-bin"])
    assert ours == root.content(ldcache.PATH)
    assert ldcache.soname_links(objects, root.symlinks, "amd64", dirs) == []


def test_arm64_takes_only_its_own() -> None:
    lib = "usr/lib/aarch64-linux-gnu"
    objects = [
        obj(f"{lib}/libc.so.6", "libc.so.6", 64, 183),
        obj(f"{lib}/libx.so.1", "libx.so.1", 64, 62),
        obj("usr/lib/ld-linux-aarch64.so.1", "ld-linux-aarch64.so.1", 64, 183),
    ]
    cache = ldcache.cache_file(objects, {"lib": "usr/lib"}, "arm64", [], libc_version="2.41-12+b3")
    assert entries(cache) == [
        (0x0A03, "libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", 0),
        (0x0A03, "ld-linux-aarch64.so.1", "/lib/ld-linux-aarch64.so.1", 0),
    ]
    assert cache.endswith(b"ldconfig (Debian GLIBC 2.41-12) stable release version 2.41")


def test_order_of_input_does_not_matter() -> None:
    objects = [obj(f"usr/lib/lib{n}.so.1", f"lib{n}.so.1") for n in ("b", "a10", "a9", "c")]
    one = ldcache.cache_file(objects, {}, "amd64", [], libc_version="2.36-9")
    assert one == ldcache.cache_file(objects[::-1], {}, "amd64", [], libc_version="2.36-9")
    assert [name for _, name, _, _ in entries(one)] == ["libc.so.1", "libb.so.1", "liba10.so.1", "liba9.so.1"]


def test_a_loop_of_links_ends() -> None:
    links = {"usr/lib/liba.so.1": "libb.so.1", "usr/lib/libb.so.1": "liba.so.1", "lib": "lib"}
    assert entries(ldcache.cache_file([], links, "amd64", ["/lib"], libc_version="2.36-9")) == []


def test_a_link_out_of_the_root_stays_inside() -> None:
    links = {"usr/lib/liba.so.1": "../../../../opt/liba.so.1.0"}
    objects = [obj("opt/liba.so.1.0", "liba.so.1")]
    cache = ldcache.cache_file(objects, links, "amd64", [], libc_version="2.36-9")
    assert [path for _, _, path, _ in entries(cache)] == ["/usr/lib/liba.so.1"]


def test_a_link_that_the_loader_needs_is_made() -> None:
    objects = [obj("usr/lib/libfoo-1.0.so", "libfoo.so.1")]
    assert ldcache.soname_links(objects, {}, "amd64", []) == [
        NativeFile("usr/lib/libfoo.so.1", target="libfoo-1.0.so")
    ]


def test_a_configuration_that_includes_itself_ends() -> None:
    files = {"etc/ld.so.conf": b"include\tld.so.conf\n/x\nhwcap 0 nosegneg\n/y=libc6\n"}
    dirs = ldcache.search_dirs(reader(files), files)
    assert set(dirs) == {"/x", "/y"}


names = st.text("ab01.-", min_size=1, max_size=8)


def libcmp(one: str, two: str) -> int:
    """The loader's comparison of names, said step by step."""
    a, b = one + "\0", two + "\0"
    i = j = 0
    while a[i] != "\0":
        if a[i].isdigit() and b[j].isdigit():
            x = re.match(r"\d+", a[i:])
            y = re.match(r"\d+", b[j:])
            assert x
            assert y
            if int(x[0]) != int(y[0]):
                return int(x[0]) - int(y[0])
            i, j = i + x.end(), j + y.end()
        elif a[i].isdigit() or b[j].isdigit():
            return 1 if a[i].isdigit() else -1
        elif a[i] != b[j]:
            return ord(a[i]) - ord(b[j])
        else:
            i, j = i + 1, j + 1
    return 0 if b[j] == "\0" else -1


@given(names, names)
def test_names_compare_as_the_loader_compares_them(one: str, two: str) -> None:
    a, b = ldcache._version_key(one), ldcache._version_key(two)
    assert (a > b) - (a < b) == (libcmp(one, two) > 0) - (libcmp(one, two) < 0)


@given(st.sets(st.text("abc", min_size=1, max_size=5), max_size=12))
def test_every_string_stands_where_its_offset_says(texts: set[str]) -> None:
    table, offsets = ldcache._strings(texts)
    for text in texts:
        assert table[offsets[text] :].partition(b"\0")[0] == text.encode()
