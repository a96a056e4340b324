from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.unixfs._buzhash_table import TABLE
from ipfs_comm.unixfs.chunker import parse

#: Long enough for chunks of every chunker here, and for places where they end for different reasons.
NOISE = random.Random(7).randbytes(1_200_000)
EVEN = bytes(700_000)
CHUNKERS = (
    "size-1",
    "size-1000",
    "size-262144",
    "rabin",
    "rabin-300",
    "rabin-16-64-100",
    "rabin-900-4096-9000",
    "buzhash",
)


def cut(chunker: str, *pieces: bytes) -> list[int]:
    """Return the lengths of the chunks; that together they are the content is checked on the way."""
    cutting = parse(chunker)
    chunks: list[bytes] = []
    for piece in pieces:
        chunks += map(bytes, cutting.feed(piece))
    chunks += map(bytes, cutting.finish())
    assert b"".join(chunks) == b"".join(pieces)
    return [len(chunk) for chunk in chunks]


@pytest.mark.parametrize("chunker", CHUNKERS)
@settings(max_examples=12, deadline=None)
@given(
    start=st.integers(0, 400_000),
    size=st.integers(0, 60_000),
    places=st.lists(st.integers(0, 60_000), max_size=20),
)
def test_cuts_do_not_depend_on_how_content_arrives(chunker: str, start: int, size: int, places: list[int]) -> None:
    content = NOISE[start : start + size]
    ends = sorted({0, size, *(place % (size + 1) for place in places)})
    pieces = [content[low:high] for low, high in pairwise(ends)]

    assert cut(chunker, *pieces) == cut(chunker, content)


@pytest.mark.parametrize("chunker", ["rabin", "buzhash"])
@pytest.mark.parametrize("content", [NOISE, EVEN], ids=["noise", "zeros"])
def test_large_chunks_do_not_depend_on_how_content_arrives(chunker: str, content: bytes) -> None:
    pieces = [content[at : at + 70_001] for at in range(0, len(content), 70_001)]

    assert cut(chunker, *pieces) == cut(chunker, content)


@pytest.mark.parametrize(
    ("chunker", "least", "largest"),
    [("rabin", 87_381, 393_216), ("rabin-16-64-100", 16, 100), ("rabin-300", 100, 450), ("buzhash", 131_072, 524_288)],
)
@pytest.mark.parametrize("content", [NOISE, EVEN], ids=["noise", "zeros"])
def test_all_chunks_but_the_last_keep_to_their_limits(chunker: str, least: int, largest: int, content: bytes) -> None:
    lengths = cut(chunker, content[: 1_200_000 if least > 1000 else 20_000])

    assert all(least <= length <= largest for length in lengths[:-1])
    assert 0 < lengths[-1] <= largest


def test_buzhash_ends_a_chunk_where_the_hash_of_32_bytes_says_so() -> None:
    def hashed(window: bytes) -> int:
        state = 0
        for byte in window:
            state = (state << 1 | state >> 31) & 0xFFFFFFFF ^ TABLE[byte]
        return state

    lengths = cut("buzhash", NOISE)
    at = 0
    for length in lengths[:-1]:
        ends = [end for end in range(131_072, length + 1) if hashed(NOISE[at + end - 32 : at + end]) & 0x1FFFF == 0]
        assert ends == ([length] if length < 524_288 else [])
        at += length


@pytest.mark.parametrize("chunker", ["rabin-5000", "buzhash"])
def test_what_is_inserted_early_moves_only_the_cuts_around_it(chunker: str) -> None:
    def ends(lengths: list[int], shift: int = 0) -> set[int]:
        return {sum(lengths[: n + 1]) - shift for n in range(len(lengths))}

    content = NOISE if chunker == "buzhash" else NOISE[:200_000]
    same = ends(cut(chunker, content)) & ends(cut(chunker, b"inserted" + content), len("inserted"))

    assert len(same) >= 2


@pytest.mark.parametrize("chunker", CHUNKERS)
def test_nothing_makes_no_chunk(chunker: str) -> None:
    assert cut(chunker) == []


@pytest.mark.parametrize(
    "text",
    [
        "buzhash-1",
        "rabin-",
        "rabin-1-2",
        "rabin-15-64-100",
        "rabin-64-64-100",
        "size-",
        "size-0",
        "size--1",
        "size-9999999",
        "gear",
    ],
)
def test_a_chunker_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(IPFSCommError):
        parse(text)
