from __future__ import annotations

import asyncio
import os
import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfs_comm.blockstore import MAX_BLOCK_SIZE, MemoryBlockstore
from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.ipld.codecs import dag_pb
from ipfs_comm.unixfs import ImportOptions, Mtime, exporter
from ipfs_comm.unixfs.importer import ImportedFile, import_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ipfs_comm.ipld import CID

CONTENT = os.urandom(1_300_000)


async def nowhere(cid: CID, data: bytes) -> None:
    raise AssertionError("nothing was to be put")


async def add(content: Any, store: MemoryBlockstore | None = None, **options: Any) -> ImportedFile:
    named = {name: options.pop(name) for name in ("mode", "mtime", "path", "progress") if name in options}
    put = (store or MemoryBlockstore()).put
    return await import_file(content, put=put, options=ImportOptions(**options), **named)


async def read(store: MemoryBlockstore, cid: CID) -> bytes:
    return b"".join([piece async for piece in exporter.cat(store.get, cid)])


@pytest.mark.parametrize("size", [1000, 65_536, 262_144, 500_000])
async def test_pieces_of_any_length_make_the_same_file(size: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(CONTENT), size):
            yield CONTENT[at : at + size]

    assert await add(pieces()) == await add(CONTENT)


async def test_all_kinds_of_buffers_make_the_same_file() -> None:
    expected = await add(CONTENT)
    assert await add(bytearray(CONTENT)) == expected
    assert await add(memoryview(CONTENT)) == expected
    assert await add([CONTENT[:7], bytearray(CONTENT[7:100]), memoryview(CONTENT)[100:]]) == expected
    assert await add(memoryview(CONTENT).cast("I")) == expected


async def test_a_buffer_may_be_used_again_for_the_next_piece() -> None:
    def pieces() -> Iterator[bytearray]:
        buffer = bytearray(1000)
        for at in range(0, len(CONTENT), 1000):
            buffer[:] = CONTENT[at : at + 1000]
            yield buffer

    assert (await add(pieces())).cid == (await add(CONTENT)).cid


async def test_empty_pieces_make_no_difference() -> None:
    assert await add([b"", CONTENT, b"", b""]) == await add(CONTENT)
    assert await add([b"", b""]) == await add(b"")


@pytest.mark.parametrize("content", ["text", ["text"], [1, 2, 3], 5, None, [None]])
async def test_what_is_no_bytes_is_refused(content: Any) -> None:
    with pytest.raises(InvalidInputError):
        await add(content)


async def test_only_hash_puts_nothing_and_makes_the_same_cid() -> None:
    file = await import_file(CONTENT, put=nowhere, options=ImportOptions(only_hash=True))
    assert file == await add(CONTENT)


@pytest.mark.parametrize("metadata", [{"mode": 0o600}, {"mtime": Mtime(1)}])
async def test_a_file_with_metadata_has_raw_leaves_only_where_they_are_asked_for(metadata: dict[str, Any]) -> None:
    async with MemoryBlockstore() as store:
        for raw, codec in ((None, "dag-pb"), (True, "raw")):
            file = await add(b"a" * 20, store, chunker="size-10", cid_version=1, raw_leaves=raw, **metadata)
            node = dag_pb.decode(await store.get(file.cid))
            assert {link.hash.codec for link in node.links} == {codec}


async def test_cid_version_1_implies_raw_leaves_unless_said_otherwise() -> None:
    assert (await add(b"x", cid_version=1)).cid.codec == "raw"
    assert (await add(b"x", cid_version=1, raw_leaves=False)).cid.codec == "dag-pb"
    assert (await add(b"x")).cid.version == 0


async def test_another_hash_makes_cid_version_1() -> None:
    file = await add(b"x", hash_alg="blake2b-256")
    assert (file.cid.version, file.cid.multihash.name, file.cid.codec) == (1, "blake2b-256", "raw")


async def test_sizes_count_all_blocks_and_all_bytes() -> None:
    async with MemoryBlockstore() as store:
        file = await add(CONTENT, store)
        blocks = [len(await store.get(cid)) async for cid in store.cids()]
        assert file.size == sum(blocks)
        assert file.blocks == len(blocks) == 6
        assert file.file_size == len(CONTENT)


async def test_mode_and_mtime_are_in_the_root_alone() -> None:
    async with MemoryBlockstore() as store:
        file = await add(CONTENT, store, mode=0o640, mtime=Mtime(5, 7))
        found = await exporter.stat(store.get, file.cid)
        assert (found.mode, found.mtime) == (0o640, Mtime(5, 7))
        assert await read(store, file.cid) == CONTENT
        plain = await add(CONTENT, store)
        assert file.blocks == plain.blocks


@pytest.mark.parametrize("count", [1, 173, 174, 175, 348])
async def test_metadata_is_in_the_root_however_full_the_last_level_is(count: int) -> None:
    async with MemoryBlockstore() as store:
        file = await add(bytes(range(256)) * 2 * count, store, chunker="size-512", mode=0o600)
        found = await exporter.stat(store.get, file.cid)
        assert found.mode == 0o600
        assert await read(store, file.cid) == bytes(range(256)) * 2 * count


async def test_a_raw_leaf_with_metadata_becomes_a_node_and_leaves_no_orphan() -> None:
    async with MemoryBlockstore() as store:
        file = await add(b"data", store, raw_leaves=True, mode=0o600)
        assert file.cid.codec == "dag-pb"
        assert [cid.multihash async for cid in store.cids()] == [file.cid.multihash]


async def test_inlined_blocks_are_not_put() -> None:
    file = await import_file(b"short", put=nowhere, options=ImportOptions(inline_limit=32, cid_version=1))
    assert file.cid.is_identity
    async with MemoryBlockstore() as store:
        assert await read(store, file.cid) == b"short"


async def test_progress_adds_up_to_the_file() -> None:
    told: list[tuple[int, str]] = []
    await add(CONTENT, path="a/b", progress=lambda size, path: told.append((size, path)))
    assert sum(size for size, _ in told) == len(CONTENT)
    assert len(told) == 5
    assert {path for _, path in told} == {"a/b"}


async def test_progress_of_an_empty_file_is_told_once() -> None:
    told: list[int] = []
    await add(b"", progress=lambda size, path: told.append(size))
    assert told == [0]


async def test_memory_does_not_grow_with_the_stream() -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for number in range(count):
            yield number.to_bytes(4, "big") * 65_536

    async def discard(cid: CID, data: bytes) -> None:
        pass

    async def peak(count: int) -> int:
        tracemalloc.start()
        try:
            await import_file(pieces(count), put=discard)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(4)
    assert await peak(256) < 24 * 1024 * 1024


async def test_threads_are_gone_afterwards() -> None:
    before = threading.active_count()
    await add(bytes(8 * 1024 * 1024))
    assert threading.active_count() == before


async def test_threads_are_gone_after_an_error() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(1024 * 1024)
        raise OSError("the source broke")

    before = threading.active_count()
    with pytest.raises(OSError, match="the source broke"):
        await add(pieces())
    assert threading.active_count() == before


async def test_threads_are_gone_after_cancelling() -> None:
    begun = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(8 * 1024 * 1024)
        begun.set()
        await asyncio.Event().wait()

    before = threading.active_count()
    task = asyncio.create_task(add(pieces()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert threading.active_count() == before


async def test_the_same_file_is_made_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await add(CONTENT, chunker="rabin")
    monkeypatch.setattr("ipfs_comm.blockstore._pool.HAVE_THREADS", False)
    before = threading.active_count()
    assert await add(CONTENT, chunker="rabin") == expected
    assert threading.active_count() == before


async def test_blocks_are_put_in_order_children_before_parents() -> None:
    seen: list[CID] = []

    async def put(cid: CID, data: bytes) -> None:
        seen.append(cid)

    file = await import_file(os.urandom(3_000_000), put=put, options=ImportOptions(cid_version=1))
    assert seen[-1] == file.cid
    assert all(cid.codec == "raw" for cid in seen[:-1])


@pytest.mark.parametrize(
    "options",
    [
        {"cid_version": 2},
        {"max_links": 1},
        {"max_links": 10**9},
        {"hamt_fanout": 100},
        {"hamt_fanout": 4},
        {"layout": "round"},
        {"hamt_estimation": "guess"},
        {"shard_split_threshold": -1},
        {"inline_limit": -1},
        {"leaf_type": "directory"},
        {"chunker": "size-abc"},
        {"chunker": "size--5"},
        {"chunker": "rabin-1-2"},
        {"chunker": "rabin-max:20-30-40"},
        {"chunker": "nonsense"},
        {"hash_alg": "no-such-hash"},
    ],
)
async def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        await add(b"x", **options)


@pytest.mark.parametrize("chunker", ["size-2096897", "size-99999999999", "rabin-1800000"])
async def test_chunks_larger_than_a_block_are_refused(chunker: str) -> None:
    with pytest.raises(LimitError):
        await add(b"x", chunker=chunker)


async def test_the_largest_chunk_makes_a_block_that_is_kept() -> None:
    async with MemoryBlockstore() as store:
        await add(bytes(2_096_896), store, chunker="size-2096896")
        sizes = [len(await store.get(cid)) async for cid in store.cids()]
        assert max(sizes) <= MAX_BLOCK_SIZE


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(0, 3000),
    chunk=st.integers(1, 64),
    links=st.integers(2, 9),
    layout=st.sampled_from(["balanced", "trickle", "flat"]),
    raw=st.booleans(),
    offset=st.integers(0, 3000),
    length=st.integers(0, 3000),
)
async def test_what_was_imported_is_read_back_from_any_place(
    size: int, chunk: int, links: int, layout: Any, raw: bool, offset: int, length: int
) -> None:
    content = os.urandom(size)
    async with MemoryBlockstore() as store:
        file = await add(content, store, chunker=f"size-{chunk}", max_links=links, layout=layout, raw_leaves=raw)
        assert file.file_size == size
        assert await read(store, file.cid) == content
        start = min(offset, size)
        part = b"".join([piece async for piece in exporter.cat(store.get, file.cid, offset=start, length=length)])
        assert part == content[start : start + length]
