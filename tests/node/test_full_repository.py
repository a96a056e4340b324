"""A repository with no room left still reads what others have, and says so where something was to be kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import volume_support

from ipfs_comm.errors import NoSpaceError, NotFoundError
from ipfs_comm.exchange import Offline
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.embedded.held import Held
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from ipfs_comm.exchange import FetchContext

MIB = 1 << 20
CONTENT = os.urandom(3 * MIB)


class Source(Offline):
    """Whatever another node has, and how often it was asked for."""

    def __init__(self, other: Any) -> None:
        super().__init__("nowhere")
        self.other = other
        self.asked: list[CID] = []

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> bytes:
        self.asked.append(cid)
        found: bytes = await self.other.block.get(cid)
        return found


@pytest.fixture
async def other() -> AsyncIterator[Any]:
    async with open_node(repo=":memory:", offline=True) as node:
        yield node


@pytest.fixture
async def root(other: Any) -> CID:
    """A directory with a file, which another node has."""
    cid: CID = (await other.add({"path": "file", "content": CONTENT}, wrap_with_directory=True)).cid
    return cid


@pytest.fixture(params=["memory", "disk"])
async def full(request: pytest.FixtureRequest, tmp_path: Path, other: Any) -> AsyncIterator[Any]:
    """A node with room for a few blocks and no more."""
    repo = ":memory:" if request.param == "memory" else tmp_path / "repo"
    async with open_node(repo=repo, exchange=Source(other), storage_max=1_500_000) as node:
        yield node


async def _whole(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


READING: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
    "cat": lambda node, root: node.cat(f"/ipfs/{root}/file"),
    "dag.export": lambda node, root: _whole(node.dag.export(root)),
    "dag.stat": lambda node, root: node.dag.stat(root),
    "files.read": lambda node, root: node.files.read(f"/ipfs/{root}/file"),
    "get": lambda node, root: node.get(root, archive=True),
    "refs": lambda node, root: node.refs(root, recursive=True),
}


@pytest.mark.parametrize("verb", READING)
async def test_what_others_have_is_read(full: Any, other: Any, root: CID, verb: str) -> None:
    assert await READING[verb](full, root) == await READING[verb](other, root)
    assert (await full.repo.stat()).repo_size <= 1_500_000


KEEPING: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
    "add": lambda node, _: node.add(os.urandom(2 * MIB)),
    "block.put": lambda node, _: node.block.put(os.urandom(MIB)),
    "dag.put": lambda node, root: node.dag.put({"root": root, "content": bytes(MIB)}, pin=True),
    "files.write": lambda node, _: node.files.write("/new", os.urandom(2 * MIB), create=True),
    "pin.add": lambda node, root: node.pin.add(root),
    "pin.add_all": lambda node, root: node.pin.add_all([root]),
}


@pytest.mark.parametrize("verb", KEEPING)
async def test_what_is_to_be_kept_is_refused(full: Any, root: CID, verb: str) -> None:
    assert await full.cat(f"/ipfs/{root}/file") == CONTENT
    with pytest.raises(NoSpaceError, match="storage_max"):
        await KEEPING[verb](full, root)
    assert await full.pin.ls(type="recursive") == []
    assert await full.files.ls("/") == []


async def test_a_copy_into_the_mfs_is_refused(other: Any, root: CID) -> None:
    async with open_node(repo=":memory:", exchange=Source(other), storage_max=10) as node:
        assert await node.cat(f"/ipfs/{root}/file") == CONTENT
        with pytest.raises(NoSpaceError, match="storage_max"):
            await node.files.cp(f"/ipfs/{root}", "/copy")
        assert await node.files.ls("/") == []


async def test_what_was_read_without_room_is_not_asked_for_again_until_there_is_room(
    tmp_path: Path, other: Any
) -> None:
    block = await other.block.put(os.urandom(MIB), format="raw")
    source = Source(other)
    async with open_node(repo=tmp_path / "repo", exchange=source, storage_max=500_000) as node:
        for _ in range(3):
            assert len(await node.block.get(block)) == MIB
        assert (await node.block.stat(block)).size == MIB
        assert source.asked == [block]
        assert block not in [entry.ref async for entry in node.refs.local()]
    async with open_node(repo=tmp_path / "repo", offline=True) as node:
        with pytest.raises(NotFoundError):
            await node.block.get(block)


def test_what_is_held_has_a_limit_and_what_was_used_longest_ago_makes_room() -> None:
    held = Held(250)
    some = [(CID.create(1, "raw", multihash.digest(data)), data) for data in (b"a" * 100, b"b" * 100, b"c" * 100)]
    held.put(*some[0])
    held.put(*some[1])
    assert held.get(some[0][0]) == some[0][1]
    held.put(*some[2])
    assert [cid in held for cid, _ in some] == [True, False, True]
    held.clear()
    assert held.get(some[2][0]) is None


DISK = r"""
import asyncio, os, sys
from pathlib import Path
from ipfs_comm.errors import NoSpaceError
from ipfs_comm.node.open import open_node
from ipfs_comm.exchange import Offline

folder = Path(sys.argv[1])


class Source(Offline):
    async def fetch(self, cid, *, context=None):
        return await self.other.block.get(cid)


async def main():
    content, source = os.urandom(3 << 20), Source()
    async with open_node(repo=":memory:", offline=True) as source.other:
        cid = (await source.other.add(content)).cid
        async with open_node(repo=folder / "repo", exchange=source, storage_reserve=0) as node:
            own = (await node.add(b"before")).cid
            with (folder / "filler").open("wb", buffering=0) as filler:
                try:
                    while filler.write(bytes(4096)) == 4096:
                        pass
                except OSError:
                    pass
            for _ in range(2):
                assert await node.cat(cid) == content
            try:
                await node.pin.add(cid)
            except NoSpaceError:
                print("refused")
            assert await node.cat(own) == b"before"
    (folder / "filler").unlink()
    async with open_node(repo=folder / "repo", offline=True) as node:
        assert await node.cat(own) == b"before"
        assert [pin.cid for pin in await node.pin.ls(type="recursive")] == [own]
        assert await node.repo.verify() == []


asyncio.run(main())
"""


def test_a_disk_without_room_is_read_past(tmp_path: Path) -> None:
    assert volume_support.on_small_volume(tmp_path, 4 * MIB, DISK).split() == ["refused"]
