from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import CodecError, HashMismatchError, InvalidInputError, IPFSCommError, LimitError
from ipfs_comm.ipld import CID, car, multihash, varint
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


async def written(roots: list[CID], blocks: object) -> bytes:
    return b"".join([piece async for piece in car.write(roots, blocks)])  # type: ignore[arg-type]  # iterables of both kinds


async def read(content: bytes) -> tuple[tuple[CID, ...], list[tuple[CID, bytes]]]:
    reader = await CarReader.open(content)
    return reader.roots, [pair async for pair in reader.blocks()]


async def test_what_is_written_is_as_by_hand() -> None:
    assert await written([BLOCKS[0][0]], BLOCKS) == CAR


async def test_blocks_are_written_as_they_come() -> None:
    async def blocks() -> AsyncIterator[tuple[CID, bytes]]:
        for pair in BLOCKS:
            yield pair

    pieces = [piece async for piece in car.write([BLOCKS[0][0]], blocks())]
    assert pieces == [header([BLOCKS[0][0]]), *(section(*pair) for pair in BLOCKS)]


async def test_a_car_may_have_no_root_or_many() -> None:
    for roots in ([], [cid for cid, _ in BLOCKS]):
        assert await read(await written(roots, BLOCKS)) == (tuple(roots), BLOCKS)


async def test_identity_cids_are_written_and_checked_as_any() -> None:
    cid = CID.create(1, "raw", multihash.digest(b"here", "identity"))
    assert (await read(await written([cid], [(cid, b"here")])))[1] == [(cid, b"here")]
    with pytest.raises(HashMismatchError):
        await read(await written([], [(cid, b"there")]))


async def test_what_no_reader_would_take_is_not_written() -> None:
    with pytest.raises(LimitError, match="roots"):
        car.header([BLOCKS[0][0]] * 30_000)
    with pytest.raises(LimitError):
        car.section(BLOCKS[0][0], bytes(car.MAX_SECTION))
    with pytest.raises(InvalidInputError):
        car.header(["text"])  # type: ignore[list-item]  # that is what is tested


async def test_one_large_piece_is_not_held_twice() -> None:
    content = await written([], [block(bytes((number,)) * 1_000_000) for number in range(32)])
    tracemalloc.start()
    try:
        reader = await CarReader.open(content)
        assert [len(data) async for _, data in reader.blocks()] == [1_000_000] * 32
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


async def test_a_reader_that_is_left_reads_no_more() -> None:
    asked = []

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(CAR), 50):
            asked.append(at)
            yield CAR[at : at + 50]

    reader = await CarReader.open(pieces())
    blocks = reader.blocks()
    assert await anext(blocks) == BLOCKS[0]
    before = list(asked)
    await blocks.aclose()
    assert [pair async for pair in reader.blocks()] == []
    assert asked == before


async def test_a_version_2_that_promises_more_than_it_has_is_refused() -> None:
    prefix = bytes.fromhex("0aa16776657273696f6e02")
    for offset, size in ((51, len(CAR) + 1), (50, len(CAR)), (1 << 63, len(CAR)), (51, 0), (51, len(CAR) - 1)):
        fields = bytes(16) + offset.to_bytes(8, "little") + size.to_bytes(8, "little") + bytes(8)
        with pytest.raises(CodecError):
            await blocks_of(prefix + fields + CAR)


async def test_a_version_2_inside_a_version_2_is_refused() -> None:
    prefix = bytes.fromhex("0aa16776657273696f6e02")
    content = CAR
    for _ in range(3):
        fields = bytes(16) + (51).to_bytes(8, "little") + len(content).to_bytes(8, "little") + bytes(8)
        content = prefix + fields + content
    with pytest.raises(CodecError, match="version 2"):
        await blocks_of(content)


@pytest.mark.parametrize("number", [b"\x00", b"\x80" * 9, b"\xff" * 20, b"\x80\x80\x80"])
async def test_lengths_that_are_none_are_refused(number: bytes) -> None:
    with pytest.raises(CodecError):
        await blocks_of(header([]) + number)
    with pytest.raises(CodecError):
        await blocks_of(number)


BLOCK = st.builds(
    lambda data, codec, function: (CID.create(1, codec, multihash.digest(data, function)), data),
    st.binary(max_size=300),
    st.sampled_from(["raw", "dag-cbor", "dag-pb"]),
    st.sampled_from(["sha2-256", "sha2-512", "blake2b-256", "identity"]),
)


@given(st.lists(BLOCK, max_size=8), st.integers(1, 100), st.data())
async def test_what_was_written_is_read(blocks: list[tuple[CID, bytes]], size: int, data: st.DataObject) -> None:
    roots = data.draw(st.lists(st.sampled_from([cid for cid, _ in blocks]), max_size=3)) if blocks else []
    content = await written(roots, blocks)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(content), size):
            yield content[at : at + size]

    reader = await CarReader.open(pieces())
    assert (list(reader.roots), [pair async for pair in reader.blocks()]) == (roots, blocks)


@given(st.integers(0, len(CAR) - 1), st.integers(0, 7))
async def test_no_flipped_bit_makes_a_block_another(at: int, bit: int) -> None:
    flipped = bytearray(CAR)
    flipped[at] ^= 1 << bit
    try:
        _, blocks = await read(bytes(flipped))
    except IPFSCommError:
        return
    # A flipped bit in a CID's codec or in the header makes another CAR, but never a block that does not match.
    for cid, data in blocks:
        multihash.verify(cid.multihash, data)


@given(st.binary(max_size=200), st.sampled_from([b"", header([]), CAR]))
async def test_nonsense_is_refused_by_a_typed_error_or_read(nonsense: bytes, before: bytes) -> None:
    try:
        _, blocks = await read(before + nonsense)
    except IPFSCommError:
        return
    for cid, data in blocks:
        multihash.verify(cid.multihash, data)
