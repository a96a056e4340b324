"""Blocks verified by hash whenever they are read, where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm import open_node
from ipfs_comm.blockstore import SegmentBlockstore
from ipfs_comm.errors import HashMismatchError
from ipfs_comm.ipld import CID, multihash

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = b"what the CID says"
WRONG = b"what was put under it"
LIE = CID.create(1, 0x55, multihash.digest(RIGHT, "sha2-256"))


@pytest.fixture
async def repository(tmp_path: Path) -> Path:
    """A store that was given the wrong bytes, so that its checksum vouches for them."""
    async with await SegmentBlockstore.open(tmp_path / "repo") as store:
        await store.put(LIE, WRONG)
    return tmp_path / "repo"


async def test_the_checksum_alone_tells_what_has_changed_since_it_was_put(repository: Path) -> None:
    async with await SegmentBlockstore.open(repository) as store:
        assert await store.get(LIE) == WRONG


async def test_the_hash_tells_what_was_wrong_when_it_was_put(repository: Path) -> None:
    async with await SegmentBlockstore.open(repository, hash_on_read=True) as store:
        with pytest.raises(HashMismatchError, match="wrong when it was put"):
            await store.get(LIE)
        with pytest.raises(HashMismatchError, match="wrong when it was put"):
            await store.get_many([LIE])


async def test_a_record_that_has_changed_is_told_as_damaged(repository: Path) -> None:
    segment = next((repository / "segments").iterdir())
    segment.write_bytes(segment.read_bytes().replace(WRONG, WRONG.upper()))
    for hashed in (False, True):
        async with await SegmentBlockstore.open(repository, hash_on_read=hashed) as store:
            with pytest.raises(HashMismatchError, match="is damaged"):
                await store.get(LIE)


async def test_a_node_reads_so_where_it_is_asked_to(repository: Path) -> None:
    async with open_node(repo=repository, hash_on_read=True, offline=True) as node:
        with pytest.raises(HashMismatchError, match=str(repository)):
            await node.cat(LIE)
        added = await node.add(b"right" * 100_000)
        assert await node.cat(added.cid) == b"right" * 100_000


async def test_a_hash_that_nothing_here_computes_is_left_to_the_checksum(tmp_path: Path) -> None:
    strange = CID.create(1, 0x55, bytes([0xD5, 0xAA, 0x01, 4]) + b"1234")
    async with await SegmentBlockstore.open(tmp_path / "repo", hash_on_read=True) as store:
        await store.put(strange, b"anything")
        await store.sync()
        assert await store.get(strange) == b"anything"
