from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from slipway import net
from slipway.errors import FetchError, InputError, UsageError, Where
from slipway.events import Reporter
from slipway.inputs.address import REMOTE
from slipway.inputs.files import PinnedFile, file_fragment, pin
from slipway.oci import compress
from slipway.oci.entry import END_OF_ARCHIVE
from slipway.oci.fragment import FragmentCache
from slipway.recipe.fileitems import SCHEMES
from slipway.recipe.model import FileItem
from tests.inputs.server import Server, status
from tests.inputs.test_local import make_tree

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.oci.fragment import Fragment
    from slipway.settings import Settings

SILENT = Reporter()


@pytest.fixture
def cache(tmp_path: Path) -> FragmentCache:
    return FragmentCache(tmp_path / "fragments", compress.get("gzip"))


def items(*pairs: tuple[str, str]) -> list[FileItem]:
    return [FileItem(dest, source, Where("r.yaml", n + 1, 3)) for n, (dest, source) in enumerate(pairs)]


def members(fragment: Fragment) -> dict[str, tarfile.TarInfo]:
    data = b"".join(compress.decompress(fragment.chunks())) + END_OF_ARCHIVE
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name: m for m in tar}


def test_all_kinds_in_order(server: Server, settings: Settings, tmp_path: Path) -> None:
    server.add("/w", b"web")
    (tmp_path / "f").write_bytes(b"local")
    make_tree(tmp_path / "t")
    wanted = items(("b", "f"), ("a/w", server.url("/w")), ("t", "t"), ("again", server.url("/w")))
    pinned = pin(wanted, tmp_path, settings, SILENT)
    assert [(p.dest, p.kind, p.size) for p in pinned] == [
        ("b", "file", 5),
        ("a/w", "file", 3),
        ("t", "tree", 15),
        ("again", "file", 3),
    ]
    assert [p.path.read_bytes() for p in pinned if p.kind == "file"] == [b"local", b"web", b"web"]
    assert len(server.requests) == 1
    assert pin([], tmp_path, settings, SILENT) == []


def test_remembered_answers_need_no_client(
    server: Server, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add("/w", b"web")
    wanted = items(("w", server.url("/w")))
    first = pin(wanted, tmp_path, settings, SILENT)
    with monkeypatch.context() as patch:
        patch.delattr(net, "Client")
        assert pin(wanted, tmp_path, settings, SILENT) == first
    pin(wanted, tmp_path, settings, SILENT, refresh=True)
    assert len(server.requests) == 2


def test_errors_know_their_place(server: Server, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"local")
    for source in ("none", server.url("/none")):
        with pytest.raises(FetchError) as caught:
            pin(items(("f", "f"), ("x", source)), tmp_path, settings, SILENT)
        assert str(caught.value.where) == "r.yaml:2:3"
    with pytest.raises(UsageError, match=r"unknown scheme gopher") as unknown:
        pin(items(("x", "gopher://h/x")), tmp_path, settings, SILENT)
    assert str(unknown.value.where) == "r.yaml:1:3"
    assert "sftp, s3" in unknown.value.hint


def test_what_recipes_allow_can_be_brought_in() -> None:
    assert {*SCHEMES} == {*REMOTE, "file"}


def test_credentials_do_not_reach_the_pinned_file(server: Server, settings: Settings, tmp_path: Path) -> None:
    server.add("/w", b"web", faults=[status(401)])
    url = server.url("/w").replace("://", "://me:secret@")
    with pytest.raises(FetchError, match="401"):
        pin(items(("w", url)), tmp_path, settings, SILENT)
    (pinned,) = pin(items(("w", url)), tmp_path, settings, SILENT)
    assert "secret" not in repr(pinned)


def test_file_fragment(cache: FragmentCache, settings: Settings, tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "f").write_bytes(data)
    (tmp_path / "f").chmod(0o755)
    (pinned,) = pin(items(("deep/er/f", "f")), tmp_path, settings, SILENT)
    fragment = file_fragment(cache, pinned, "pyats")
    assert fragment.paths == ["pyats/deep/er/f"]
    assert [(d.path, d.mode) for d in fragment.dirs] == [
        ("pyats", 0o755),
        ("pyats/deep", 0o755),
        ("pyats/deep/er", 0o755),
    ]
    assert fragment.read("pyats/deep/er/f") == {"pyats/deep/er/f": data}
    assert fragment.entries[0].mode == 0o755
    assert (fragment.component.kind, fragment.component.name) == ("file", "deep/er/f")
    assert fragment.component.version == hashlib.sha256(data).hexdigest()[:12]


def test_tree_fragment(cache: FragmentCache, settings: Settings, tmp_path: Path) -> None:
    make_tree(tmp_path / "t")
    (pinned,) = pin(items(("x/t", "t")), tmp_path, settings, SILENT)
    fragment = file_fragment(cache, pinned, "pyats")
    found = members(fragment)
    assert list(found) == [f"pyats/x/t/{n}" for n in ("a-b", "a/run.sh", "abs", "loop", "up", "Ä")]
    assert found["pyats/x/t/a/run.sh"].mode == 0o755
    assert found["pyats/x/t/abs"].linkname == "/etc/passwd"
    assert {(m.uid, m.gid) for m in found.values()} == {(0, 0)}
    assert [d.path for d in fragment.dirs] == [
        "pyats",
        "pyats/x",
        "pyats/x/t",
        "pyats/x/t/a",
        "pyats/x/t/empty",
    ]


@pytest.mark.parametrize("prefix", ["", "/", "pyats"])
def test_tree_at_the_prefix_itself(
    cache: FragmentCache, settings: Settings, tmp_path: Path, prefix: str
) -> None:
    make_tree(tmp_path / "t")
    (pinned,) = pin(items((".", "t")), tmp_path, settings, SILENT)
    first = file_fragment(cache, pinned, prefix).paths[0]
    assert first == f"{prefix}/a-b".lstrip("/")


def test_a_file_needs_a_name(cache: FragmentCache, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a name"):
        file_fragment(cache, PinnedFile(".", "f", "file", "0" * 64, 0, tmp_path / "f"), "pyats")
    with pytest.raises(InputError, match="leaves its root"):
        file_fragment(cache, PinnedFile("../x", "f", "file", "0" * 64, 0, tmp_path / "f"), "pyats")


def test_fragment_depends_on_content_and_place(tmp_path: Path, settings: Settings) -> None:
    made = []
    for name in ("one", "two"):
        make_tree(tmp_path / name)
        (pinned,) = pin(items(("t", name)), tmp_path, settings, SILENT)
        cache = FragmentCache(tmp_path / f"cache-{name}", compress.get("gzip"))
        made.append(file_fragment(cache, pinned, "pyats"))
    assert (made[0].key, made[0].digest) == (made[1].key, made[1].digest)
    (elsewhere,) = pin(items(("u", "one")), tmp_path, settings, SILENT)
    assert file_fragment(cache, elsewhere, "pyats").key != made[0].key


def test_executable_bit_makes_another_fragment(
    cache: FragmentCache, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"x")
    keys = set()
    for mode in (0o644, 0o755):
        (tmp_path / "f").chmod(mode)
        (pinned,) = pin(items(("f", "f")), tmp_path, settings, SILENT)
        keys.add(file_fragment(cache, pinned, "pyats").key)
    assert len(keys) == 2


@pytest.mark.parametrize("content", [b"other", b"longer than it was", b""])
def test_a_file_that_changed_since_it_was_pinned(
    cache: FragmentCache, settings: Settings, tmp_path: Path, content: bytes
) -> None:
    make_tree(tmp_path / "t")
    (tmp_path / "f").write_bytes(b"x" * 5)
    pinned = pin(items(("f", "f"), ("t", "t")), tmp_path, settings, SILENT)
    (tmp_path / "f").write_bytes(content)
    (tmp_path / "t" / "a-b").write_bytes(content)
    for one in pinned:
        with pytest.raises(InputError, match="changed while it was read"):
            file_fragment(cache, one, "pyats")
    assert [p for p in cache.root.rglob("*") if p.is_file()] == []
