"""The embedded node passes the contract, in memory and on disk, and does what only it promises."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING

import pytest

from ipfs_comm import CID, open_node
from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.errors import HashMismatchError, InvalidInputError, NotSupportedError
from ipfs_comm.ipld import multihash
from ipfs_comm.node.embedded import EmbeddedNode
from ipfs_comm.node.open import default_repo
from ipfs_comm.testing.client import HELLO, MISSING
from ipfs_comm.testing.node import NodeContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from ipfs_comm.exchange import FetchContext
    from ipfs_comm.node import Node


class TestInMemory(NodeContract):
    @pytest.fixture
    async def node(self) -> AsyncIterator[Node]:
        async with open_node(repo=":memory:") as node:
            yield node


class TestOnDisk(NodeContract):
    @pytest.fixture
    async def node(self, tmp_path: Path) -> AsyncIterator[Node]:
        async with open_node(repo=tmp_path / "repo") as node:
            yield node


async def test_a_repository_outlives_its_node(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "repo") as node:
        await node.add(b"hello")
    async with open_node(repo=tmp_path / "repo") as node:
        assert await node.cat(HELLO) == b"hello"
    assert stat.S_IMODE((tmp_path / "repo").stat().st_mode) == 0o700


async def test_two_nodes_share_a_repository(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "repo") as one, open_node(repo=tmp_path / "repo") as other:
        await one.add(b"hello")
        assert await other.cat(HELLO) == b"hello"


def test_the_default_repository_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_repo().is_relative_to(tmp_path)
    assert "ipfs_comm" in default_repo().parts


async def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(NotSupportedError, match="embedded"):
        async with open_node("nonsense", repo=":memory:"):
            pass


async def test_an_option_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="colour"):
        async with open_node(repo=":memory:", colour="red"):
            pass
    async with open_node(repo=":memory:") as node:
        with pytest.raises(InvalidInputError, match="colour"):
            await node.add(b"x", colour="red")


class Source:
    """An exchange that gives what it was told to give."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[CID] = []

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> bytes:
        self.asked.append(cid)
        return self.data

    async def close(self) -> None:
        """Nothing to give back."""


async def test_a_block_from_elsewhere_is_kept() -> None:
    source = Source(b"blorb")
    cid = CID.create(1, "raw", multihash.digest(b"blorb", "sha2-256"))
    async with open_node(repo=":memory:", exchange=source) as node:
        assert [await node.block.get(cid), await node.block.get(cid)] == [b"blorb", b"blorb"]
    assert source.asked == [cid]


async def test_a_block_from_elsewhere_that_lies_is_refused() -> None:
    async with open_node(repo=":memory:", exchange=Source(b"something else")) as node:
        with pytest.raises(HashMismatchError):
            await node.block.get(MISSING)
        with pytest.raises(HashMismatchError):
            await node.block.get(MISSING)


class CountingStore(MemoryBlockstore):
    """A store that counts its durability points."""

    syncs = 0

    async def sync(self) -> None:
        self.syncs += 1
        await super().sync()


@pytest.fixture
async def counted() -> AsyncIterator[tuple[Node, CountingStore]]:
    store = CountingStore()
    node = EmbeddedNode(store, Source(b""), repo=":memory:")
    yield node, store
    await node.close()


async def test_one_add_is_one_durability_point(counted: tuple[Node, CountingStore]) -> None:
    node, store = counted
    await node.add(os.urandom(1_000_000))
    assert store.syncs == 1


async def test_many_small_files_share_durability_points(counted: tuple[Node, CountingStore]) -> None:
    node, store = counted
    await node.add_all([str(n) for n in range(500)])
    assert store.syncs <= 11


async def test_a_failed_source_acknowledges_nothing_of_its_last_batch(counted: tuple[Node, CountingStore]) -> None:
    node, store = counted

    async def source() -> AsyncGenerator[bytes, None]:
        yield b"hello"
        raise ValueError("no more")

    entries = node.add_all(source())
    with pytest.raises(ValueError, match="no more"):
        await anext(aiter(entries))
    assert store.syncs == 0


async def test_a_node_that_nobody_reads_from_stops_taking(counted: tuple[Node, CountingStore]) -> None:
    node, _ = counted
    taken = 0

    async def source() -> AsyncGenerator[bytes, None]:
        nonlocal taken
        while True:
            taken += 1
            yield taken.to_bytes(8)
            await asyncio.sleep(0)

    async with node.add_all(source(), file_import_concurrency=4) as entries:
        await anext(aiter(entries))
        before = -1
        for _ in range(200):
            before = taken
            await asyncio.sleep(0)
        assert taken == before
        assert taken < 40


WHOLE = b"whole and sound"


async def damaged(repo: Path) -> CID:
    """Make a repository whose one block is damaged; return its CID."""
    async with open_node(repo=repo, offline=True) as node:
        cid = await node.block.put(WHOLE, format="raw")
    (segment,) = (repo / "segments").iterdir()
    segment.write_bytes(segment.read_bytes().replace(WHOLE, WHOLE[::-1]))
    return cid


async def test_a_damaged_block_is_made_whole_by_those_who_have_it(tmp_path: Path) -> None:
    cid = await damaged(tmp_path / "repo")
    source = Source(WHOLE)
    async with open_node(repo=tmp_path / "repo", exchange=source) as node:
        assert await node.block.get(cid) == WHOLE
        assert source.asked == [cid]
    async with open_node(repo=tmp_path / "repo", offline=True) as node:
        assert await node.block.get(cid) == WHOLE
        assert await node.repo.verify() == []


async def test_a_damaged_block_that_nobody_else_has_is_told_as_damaged(tmp_path: Path) -> None:
    cid = await damaged(tmp_path / "repo")
    async with open_node(repo=tmp_path / "repo", offline=True) as node:
        with pytest.raises(HashMismatchError, match="is damaged"):
            await node.block.get(cid)


@pytest.mark.parametrize("hash_on_read", [False, True])
async def test_a_damaged_block_in_a_file_is_told_in_its_place(tmp_path: Path, hash_on_read: bool) -> None:
    content = os.urandom(400_000)
    async with open_node(repo=tmp_path / "repo") as node:
        cid = (await node.add(content, chunker="size-10000", raw_leaves=True)).cid
    (path,) = (tmp_path / "repo").rglob("*.seg")
    path.write_bytes(path.read_bytes().replace(content[250_000:260_000], bytes(10_000)))
    async with open_node(repo=tmp_path / "repo", offline=True, hash_on_read=hash_on_read) as node:
        got, stream = bytearray(), node.cat(cid)
        while len(got) < 250_000:
            got += await anext(stream)
        with pytest.raises(HashMismatchError, match="is damaged"):
            await anext(stream)
        assert got == content[:250_000]
        assert b"".join([piece async for piece in node.cat(cid, offset=260_000)]) == content[260_000:]


@pytest.mark.parametrize("option", ["file_import_concurrency", "block_write_concurrency"])
async def test_how_much_goes_on_at_once_changes_no_result(counted: tuple[Node, CountingStore], option: str) -> None:
    node, _ = counted
    content = os.urandom(3_000_000)
    expected = (await node.add(content)).cid
    assert (await node.add(content, **{option: 1})).cid == expected
    with pytest.raises(InvalidInputError, match=f"{option} is 0"):
        await node.add(content, **{option: 0})


async def test_calls_leave_no_task_behind() -> None:
    before = asyncio.all_tasks()
    async with open_node(repo=":memory:") as node:
        added = await node.add(os.urandom(3_000_000))
        async with node.cat(added.cid) as pieces:
            await anext(aiter(pieces))
        async with node.add_all([b"a", b"b"]) as entries:
            await anext(aiter(entries))
        assert asyncio.all_tasks() == before


async def test_a_node_may_shard_directories_sooner_than_others() -> None:
    async with open_node(repo=":memory:", shard_split_threshold=1) as eager, open_node(repo=":memory:") as usual:
        files = [{"path": f"d/{i}.txt", "content": b"x"} for i in range(3)]
        sharded = (await eager.add_all(files))[-1]
        plain = (await usual.add_all(files))[-1]
        told = (await usual.add_all(files, shard_split_threshold=1))[-1]
        assert sharded.cid == told.cid
        assert sharded.cid != plain.cid
