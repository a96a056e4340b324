"""A repository by Windows' rules: no ``fcntl``, and no file is removed or renamed while it is open."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import windows_support

from ipfs_comm.blockstore import Blockstore, SegmentBlockstore, _files
from ipfs_comm.node.open import open_node
from ipfs_comm.testing.blockstore import BlockstoreContract, block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def refused(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return windows_support.apply(monkeypatch)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "SEGMENT_LIMIT", 100_000)


def segments(repo: Path) -> int:
    return len(list((repo / "segments").iterdir()))


class TestSegmentBlockstore(BlockstoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Blockstore]:
        async with await SegmentBlockstore.open(tmp_path / "repo") as store:
            yield store


def test_a_file_that_is_open_cannot_be_removed_or_renamed(tmp_path: Path, refused: list[str]) -> None:
    path = tmp_path / "x"
    with path.open("w"):
        with pytest.raises(PermissionError):
            path.unlink()
        with pytest.raises(PermissionError):
            path.replace(tmp_path / "y")
    path.replace(tmp_path / "y")
    (tmp_path / "y").unlink()
    assert refused == [str(path), str(path)]


@pytest.mark.usefixtures("small")
async def test_segments_in_which_nothing_is_alive_are_removed(tmp_path: Path) -> None:
    blocks = [block(os.urandom(60_000)) for _ in range(10)]
    async with await SegmentBlockstore.open(tmp_path / "r") as store:
        for cid, data in blocks:
            await store.put(cid, data)
            await store.sync()
        before = segments(tmp_path / "r")
        assert [await store.get(cid) for cid, _ in blocks] == [data for _, data in blocks]
        await store.delete_many([cid for cid, _ in blocks[1:]])
        await store.sync()
        await store.compact()
        assert segments(tmp_path / "r") < before / 2
        assert await store.get(blocks[0][0]) == blocks[0][1]


@pytest.mark.usefixtures("small")
async def test_a_segment_that_somebody_reads_is_removed_by_a_later_collection(
    tmp_path: Path, refused: list[str]
) -> None:
    blocks = [block(os.urandom(90_000)) for _ in range(8)]
    async with await SegmentBlockstore.open(tmp_path / "r") as store:
        for cid, data in blocks:
            await store.put(cid, data)
            await store.sync()
        async with await SegmentBlockstore.open(tmp_path / "r") as reader:
            assert await reader.get(blocks[0][0]) == blocks[0][1]
            await store.delete_many([cid for cid, _ in blocks[:-1]])
            await store.sync()
            await store.compact()
            kept = segments(tmp_path / "r")
            assert any(path.endswith(".seg") for path in refused)
            assert not await reader.has(blocks[0][0])
            assert await reader.get(blocks[-1][0]) == blocks[-1][1]
        await store.compact()
        assert segments(tmp_path / "r") < kept
        assert await store.get(blocks[-1][0]) == blocks[-1][1]


@pytest.mark.usefixtures("small")
async def test_a_node_adds_pins_collects_and_opens_again(tmp_path: Path) -> None:
    contents = [os.urandom(50_000) for _ in range(12)]
    async with open_node(repo=tmp_path / "r", offline=True) as node:
        cids = [(await node.add(content)).cid for content in contents]
        await node.files.write("/kept", b"kept", create=True)
        await node.key.gen("mine")
        for cid in cids[:-1]:
            await node.pin.rm(cid)
        async with open_node(repo=tmp_path / "r", offline=True) as other:
            assert await other.cat(cids[0]) == contents[0]
            await node.repo.gc()
            assert await other.cat(cids[-1]) == contents[-1]
        await node.repo.gc()
    async with open_node(repo=tmp_path / "r", offline=True) as node:
        assert await node.repo.verify() == []
        assert await node.cat(cids[-1]) == contents[-1]
        assert await node.files.read("/kept") == b"kept"
        assert {key.name for key in await node.key.list()} == {"self", "mine"}
        stat: Any = await node.repo.stat()
        assert stat.repo_size < 400_000


async def test_a_repository_that_two_make_at_once_is_one(tmp_path: Path) -> None:
    async with (
        await SegmentBlockstore.open(tmp_path / "r") as first,
        await SegmentBlockstore.open(tmp_path / "r") as second,
    ):
        await first.put(*block(b"one"))
        await first.sync()
        assert await second.get(block(b"one")[0]) == b"one"
