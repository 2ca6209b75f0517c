from __future__ import annotations

import gzip
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import InputError
from slipway.oci import compress


def split(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@given(parts=st.lists(st.binary(max_size=5000), min_size=1, max_size=6), size=st.integers(1, 3000))
def test_members_in_a_row_read_as_one_stream(kind: str, parts: list[bytes], size: int) -> None:
    c = compress.get(kind)
    data = b"".join(c.compress(p) for p in parts)
    assert b"".join(compress.decompress(split(data, size))) == b"".join(parts)


def test_gzip_is_what_others_read() -> None:
    c = compress.get("gzip")
    assert gzip.decompress(c.compress(b"a" * 9999) + c.compress(b"b")) == b"a" * 9999 + b"b"


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_cut_stream_is_an_error(kind: str) -> None:
    data = compress.get(kind).compress(os.urandom(100_000))
    for end in (len(data) - 1, len(data) // 2, 20):
        with pytest.raises(InputError, match="ends early"):
            list(compress.decompress(split(data[:end], 999)))


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_damage_is_an_error(kind: str) -> None:
    data = bytearray(compress.get(kind).compress(os.urandom(100_000)))
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    with pytest.raises(InputError):
        list(compress.decompress([bytes(data)]))


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_comes_in_small_pieces(kind: str) -> None:
    data = compress.get(kind).compress(b"\0" * (64 << 20))
    assert len(data) < 1 << 20
    sizes = [len(piece) for piece in compress.decompress([data])]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 4 << 20


def test_plain_data_passes() -> None:
    assert b"".join(compress.decompress([b"p", b"lain", b" text"])) == b"plain text"
    assert list(compress.decompress([])) == []
