"""A node that was opened read-only reads everything and writes nothing, neither blocks nor keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.errors import NotFoundError, NotSupportedError, RepositoryError
from ipfs_comm.exchange import Offline
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.embedded.read_only import ReadOnlyBlockstore
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ipfs_comm.exchange import FetchContext


class Source(Offline):
    """Whatever somebody else has, and how often it was asked for."""

    def __init__(self, *contents: bytes) -> None:
        super().__init__("nowhere")
        self.has = {raw(content): content for content in contents}
        self.asked = 0

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> bytes:
        self.asked += 1
        return self.has[cid]


def raw(content: bytes) -> CID:
    return CID.create(1, "raw", multihash.digest(content))


def files(folder: Path) -> dict[str, bytes]:
    return {
        f"{where}/{name}": (folder / where / name).read_bytes()
        for where, _, names in os.walk(folder)
        for name in names
        if not name.endswith(("-shm", "-wal"))
    }


@pytest.fixture
async def repo(tmp_path: Path) -> Path:
    async with open_node(repo=tmp_path / "repo") as node:
        await node.add(b"hello")
        await node.files.write("/file", b"mine", create=True)
    return tmp_path / "repo"


HELLO = CID.parse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
GARBAGE = CID.parse("QmWWNtGBFZ97Mbs1XZrD3nLh8SjqfgEg59RBPbWW6QHKnU")
WRITING: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "add": lambda node: node.add(b"new"),
    "block.put": lambda node: node.block.put(b"new"),
    "block.rm": lambda node: node.block.rm(GARBAGE, force=True),
    "config.set": lambda node: node.config.set("A", 1),
    "dag.put": lambda node: node.dag.put({"new": 1}),
    "files.mkdir": lambda node: node.files.mkdir("/new"),
    "files.rm": lambda node: node.files.rm("/file"),
    "files.write": lambda node: node.files.write("/new", b"new", create=True),
    "key.gen": lambda node: node.key.gen("new"),
    "name.publish": lambda node: node.name.publish(HELLO),
    "object.new": lambda node: node.object.new(),
    "pin.add": lambda node: node.pin.add(HELLO, name="new"),
    "pin.rm": lambda node: node.pin.rm(HELLO),
    "repo.gc": lambda node: node.repo.gc(),
}


@pytest.mark.parametrize("verb", WRITING)
async def test_what_would_write_is_refused(repo: Path, verb: str) -> None:
    async with open_node(repo=repo) as node:
        await node.block.put(b"garbage")
    before = files(repo)
    async with open_node(repo=repo, read_only=True) as node:
        with pytest.raises((NotSupportedError, NotFoundError)) as caught:
            await WRITING[verb](node)
        assert caught.value.code in ("ERR_DENIED", "ERR_NOT_FOUND" if verb == "name.publish" else "ERR_DENIED")
    assert files(repo) == before


@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an empty folder"])
async def test_where_no_repository_is_none_is_made(tmp_path: Path, there: bool) -> None:
    place = tmp_path / "deep" / "repo"
    if there:
        place.mkdir(parents=True)
    with pytest.raises(RepositoryError, match=f"no repository at {place}") as caught:
        async with open_node(repo=place, read_only=True):
            pass
    assert caught.value.code == "ERR_NO_REPO"
    assert [where for where, _, _ in os.walk(tmp_path)] == [str(tmp_path), *map(str, (place.parent, place))][
        : 3 if there else 1
    ]
    assert files(tmp_path) == {}


async def test_everything_is_read(repo: Path) -> None:
    async with open_node(repo=repo, read_only=True) as node:
        assert await node.cat(HELLO) == b"hello"
        assert await node.files.read("/file") == b"mine"
        assert [entry.cid for entry in await node.pin.ls(type="recursive")] == [HELLO]
        assert (await node.add(b"hello", only_hash=True)).cid == HELLO
        assert (await node.repo.stat()).num_objects > 0
        assert await node.repo.verify() == []


async def test_what_others_have_is_held_in_memory_only(repo: Path) -> None:
    source, content = Source(b"of others"), b"of others"
    before = files(repo)
    async with open_node(repo=repo, exchange=source, read_only=True) as node:
        for _ in range(3):
            assert await node.cat(raw(content)) == content
        assert (await node.block.stat(raw(content))).size == len(content)
        assert (await node.dag.stat(raw(content))).total_size == len(content)
        assert source.asked == 1
    assert files(repo) == before
    async with open_node(repo=repo, offline=True) as node:
        with pytest.raises(NotFoundError):
            await node.cat(raw(content))


async def test_what_is_held_has_a_limit_and_the_oldest_makes_room() -> None:
    store = ReadOnlyBlockstore(MemoryBlockstore(), max_held=250)
    contents = [bytes((n,)) * 100 for n in range(3)]
    for content in contents[:2]:
        await store.remember(raw(content), content)
    assert await store.get(raw(contents[0])) == contents[0]
    await store.remember(raw(contents[2]), contents[2])
    assert await store.has_many([raw(content) for content in contents]) == [True, False, True]
    assert await store.get_many([raw(contents[1]), raw(contents[2])]) == [None, contents[2]]
    await store.remember(raw(contents[2]), contents[2])
    assert await store.has(raw(contents[0]))


async def test_a_repository_without_a_key_gets_none(repo: Path) -> None:
    async with open_node(repo=repo, read_only=True) as node:
        told = await node.id()
        assert told.ephemeral
        assert (await node.id()).id == told.id
        assert await node.key.list() == []
        with pytest.raises(NotFoundError, match="no key of its own yet"):
            await node.key.export("self", "a password of some length")
    assert not (repo / "keystore").exists()
    async with open_node(repo=repo) as node:
        own = await node.id()
        assert not own.ephemeral
        assert own.id != told.id
    async with open_node(repo=repo, read_only=True) as node:
        assert await node.id() == own
        assert [key.name for key in await node.key.list()] == ["self"]
