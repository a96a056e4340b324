from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import CodecError, HashMismatchError, LimitError
from ipfs_comm.ipld import CID, multihash, varint
from ipfs_comm.ipld.car import CarReader
from ipfs_comm.ipld.codecs import dag_cbor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def block(data: bytes) -> tuple[CID, bytes]:
    return CID.create(1, "raw", multihash.digest(data)), data


def header(roots: list[CID]) -> bytes:
    encoded = dag_cbor.encode({"roots": roots, "version": 1})
    return varint.encode(len(encoded)) + encoded


def section(cid: CID, data: bytes) -> bytes:
    return varint.encode(len(bytes(cid)) + len(data)) + bytes(cid) + data


BLOCKS = [block(b"one"), block(b"two" * 1000), block(b"")]
CAR = header([BLOCKS[0][0]]) + b"".join(section(*pair) for pair in BLOCKS)


async def blocks_of(source: object, **options: bool) -> list[tuple[CID, bytes]]:
    reader = await CarReader.open(source, **options)  # type: ignore[arg-type]  # sources of all kinds
    return [pair async for pair in reader.blocks()]


@pytest.mark.parametrize("size", [1, 2, 7, 100, 10_000])
async def test_pieces_may_have_any_length(size: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(CAR), size):
            yield CAR[at : at + size]

    assert await blocks_of(pieces()) == BLOCKS


async def test_a_damaged_block_is_refused_and_named() -> None:
    forged = header([]) + section(BLOCKS[0][0], b"forged")
    with pytest.raises(HashMismatchError, match=str(BLOCKS[0][0])):
        await blocks_of(forged)
    assert await blocks_of(forged, verify=False) == [(BLOCKS[0][0], b"forged")]


async def test_every_truncation_inside_a_section_is_found() -> None:
    whole = len(header([BLOCKS[0][0]]))
    ends = {whole}
    for pair in BLOCKS:
        whole += len(section(*pair))
        ends.add(whole)
    for end in range(len(CAR)):
        if end in ends:
            continue
        with pytest.raises(CodecError):
            await blocks_of(CAR[:end])


async def test_a_section_that_claims_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(LimitError):
        await blocks_of(header([]) + varint.encode(1 << 40))


async def test_a_header_that_claims_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(LimitError):
        await CarReader.open(varint.encode(1 << 40))


async def test_memory_does_not_grow_with_the_file() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield header([])
        for number in range(64):
            yield section(*block(number.to_bytes(4, "big") * 65_536))

    tracemalloc.start()
    try:
        reader = await CarReader.open(pieces())
        total = 0
        async for _, data in reader.blocks():
            total += len(data)
        assert total == 64 * 262_144
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
