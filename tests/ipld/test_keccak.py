"""Keccak is what SHA-3 is but for its padding, and keeps no loop from its work."""

from __future__ import annotations

import asyncio
import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfs_comm import CID, open_node
from ipfs_comm.errors import HashMismatchError
from ipfs_comm.ipld import multihash
from ipfs_comm.ipld._keccak import SHA3, keccak

BITS = [224, 256, 384, 512]


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("size", [0, 1, 7, 8, 71, 72, 73, 103, 104, 135, 136, 137, 143, 144, 145, 1000])
def test_with_the_later_padding_it_is_sha3(bits: int, size: int) -> None:
    data = hashlib.shake_128(b"x").digest(size)
    assert keccak(data, bits, SHA3) == hashlib.new(f"sha3_{bits}", data).digest()


@given(st.binary(max_size=500), st.sampled_from(BITS))
@settings(max_examples=30)
def test_any_data_of_any_kind_is_hashed_the_same(data: bytes, bits: int) -> None:
    assert keccak(data, bits, SHA3) == hashlib.new(f"sha3_{bits}", data).digest()
    assert keccak(memoryview(data), bits) == keccak(bytearray(data), bits) != keccak(data, bits, SHA3)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("keccak-224", "f71837502ba8e10837bdd8d365adb855"),
        ("keccak-256", "c5d2460186f7233c927e7db2dcc703c0"),
        ("keccak-384", "2c23146a63a29acf99e73b88f8c24eaa"),
        ("keccak-512", "0eab42de4c3ceb9235fc91acffe746b2"),
    ],
)
def test_nothing_has_the_digests_that_ethereum_knows(name: str, start: str) -> None:
    made = multihash.digest(b"", name)
    assert made.digest.hex().startswith(start)
    multihash.check_secure(made)
    with pytest.raises(HashMismatchError):
        multihash.verify(made, b"x")


@pytest.mark.parametrize(("function", "size"), [("keccak-256", 2048), ("sha2-256", 2 << 20)])
async def test_what_is_quick_is_hashed_where_it_stands(function: str, size: int) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("it was sent elsewhere")

    made = await multihash.digest_beside(never, bytes(size), function)
    await multihash.verify_beside(never, made, bytes(size))


async def test_a_large_block_is_hashed_beside_the_loop() -> None:
    content = bytes(40_000)
    longest, running = 0.0, True

    async def beat() -> None:
        nonlocal longest
        while running:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    async with open_node(repo=":memory:") as node:
        began = time.perf_counter()
        beating = asyncio.create_task(beat())
        cid = await node.block.put(content, format="raw", mhtype="keccak-512", version=1)
        took = time.perf_counter() - began
        running = False
        await beating
        assert longest < took / 3
        assert await node.block.get(cid) == content
        await node.dag.import_(await node.dag.export(cid))


async def test_names_of_files_may_be_made_with_it() -> None:
    async with open_node(repo=":memory:") as node:
        added = await node.add(b"hello", hash_alg="keccak-256", cid_version=1)
        assert added.cid == CID.create(1, "raw", multihash.digest(b"hello", "keccak-256"))
        assert await node.cat(added.cid) == b"hello"


def test_only_slow_functions_are_slow() -> None:
    slow = {row.name for row in multihash.HASHES.values() if row.slow}
    assert slow == {f"keccak-{bits}" for bits in BITS}
