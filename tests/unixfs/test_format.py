from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import InvalidInputError, NotUnixFSError
from ipfs_comm.unixfs import Mtime, UnixFS
from ipfs_comm.unixfs.chunker import parse
from ipfs_comm.unixfs.format import TYPES

CONTENT = os.urandom(3000)
U64 = st.integers(0, (1 << 64) - 1)
MESSAGES = st.builds(
    UnixFS,
    st.sampled_from(TYPES),
    st.none() | st.binary(),
    st.none() | U64,
    st.lists(U64, max_size=5).map(tuple),
    st.none() | U64,
    st.none() | U64,
    st.none() | st.integers(0, (1 << 32) - 1),
    st.none() | st.builds(Mtime, st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 999_999_999)),
)


@given(MESSAGES)
def test_what_was_written_is_read_back(message: UnixFS) -> None:
    assert UnixFS.decode(message.encode()) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        message = UnixFS.decode(data)
    except NotUnixFSError:
        return
    assert UnixFS.decode(message.encode()) == message


def test_packed_block_sizes_and_unknown_fields_are_read() -> None:
    message = UnixFS.decode(bytes.fromhex("0802" + "2203" + "058001" + "4a0178"))
    assert message == UnixFS("file", blocksizes=(5, 128))


@pytest.mark.parametrize("mtime", [(1 << 63, 0), (0, -1), (0, 10**9)])
def test_times_that_cannot_be_written_are_refused(mtime: tuple[int, int]) -> None:
    with pytest.raises(InvalidInputError):
        Mtime(*mtime)


@pytest.mark.parametrize("chunker", ["size-7", "size-1000", "rabin-16-64-128", "rabin-100-200-300"])
@given(cuts=st.lists(st.integers(0, 3000), max_size=20))
def test_where_a_stream_was_in_pieces_makes_no_difference(chunker: str, cuts: list[int]) -> None:
    whole = parse(chunker)
    expected = [bytes(chunk) for chunk in (*whole.feed(CONTENT), *whole.finish())]
    edges = [0, *sorted(cuts), len(CONTENT)]
    cut = parse(chunker)
    found = [bytes(c) for a, b in pairwise(edges) for c in cut.feed(CONTENT[a:b])]
    found += map(bytes, cut.finish())
    assert found == expected
    assert b"".join(found) == CONTENT
