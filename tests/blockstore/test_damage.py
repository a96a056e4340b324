"""Files of a repository with flipped bits, cut off or lost: right bytes or a typed error, and a way back."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ipfs_comm.blockstore import SegmentBlockstore, _files, _segment
from ipfs_comm.errors import HashMismatchError, IPFSCommError, RepositoryError
from ipfs_comm.node.open import open_node
from ipfs_comm.testing.blockstore import block

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID

#: Cases for each file; more of them find more.
CASES = int(os.environ.get("IPFS_COMM_DAMAGE_CASES", "2"))


class Template(NamedTuple):
    """A repository of known content: in order, and as a process that was killed leaves it."""

    closed: Path
    killed: Path
    blocks: dict[CID, bytes]
    pins: set[CID]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("damage")
    chance = random.Random(1)
    contents = [chance.randbytes(size) for size in (1, 10, 33, 100, 1000, 5000, 20_000, 60_000) for _ in range(4)]
    contents += [b"%d" % number * 20 for number in range(100)]
    pins: set[CID] = set()

    async def fill() -> None:
        async with open_node(repo=folder / "closed", offline=True) as node:
            for number, (cid, content) in enumerate(map(block, contents)):
                await node._context.store.put(cid, content)
                if number % 15 == 0:
                    await node._context.store.sync()
                    pins.add(await node.pin.add(cid))
            await node.files.write("/a/b", b"in the MFS", create=True, parents=True)
            shutil.copytree(folder / "closed", folder / "killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_files, "SEGMENT_LIMIT", 150_000)
        asyncio.run(fill())
    return Template(folder / "closed", folder / "killed", dict(map(block, contents)), pins)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return tmp_path / "repo"


def spoil(path: Path, chance: random.Random) -> set[int]:
    """Damage a file somehow; return the bytes that are not what they were."""
    content = bytearray(path.read_bytes())
    size = len(content)
    kind = chance.choice(["bit", "bits", "cut", "zeros", "noise"])
    at = chance.randrange(max(1, size))
    places: set[int] = set()
    if kind == "cut":
        del content[at:]
        places.update(range(at, size))
    elif size:
        if kind == "bit":
            places.add(at)
            content[at] ^= 1 << chance.randrange(8)
        elif kind == "bits":
            places.update(chance.randrange(size) for _ in range(8))
            for place in places:
                content[place] ^= 1 << chance.randrange(8)
        else:
            end = min(size, at + chance.choice([16, 512, 4096]))
            places.update(range(at, end))
            content[at:end] = bytes(end - at) if kind == "zeros" else chance.randbytes(end - at)
    path.write_bytes(content)
    return places


def move_away(repo: Path, name: str) -> None:
    """Do what the error says."""
    for path in repo.glob(f"{name}*"):
        path.rename(repo.parent / f"{path.name}.moved")


async def readable(node: Any, template: Template) -> set[CID]:
    """Return the blocks that can be read; none may be wrong."""
    found = set()
    for cid, content in template.blocks.items():
        try:
            assert await node.block.get(cid) == content
        except IPFSCommError:
            continue
        found.add(cid)
    return found


async def heal(repo: Path, template: Template) -> None:
    """Follow what the errors say until all is well; every block is readable then."""
    for _ in range(3):
        try:
            async with open_node(repo=repo, offline=True) as node:
                await node.repo.verify()
                await node._context.store.put_many(template.blocks.items())
                await node._context.store.sync()
                for cid, content in template.blocks.items():
                    assert await node.block.get(cid) == content
                for result in await node.repo.verify():
                    # What the index took for a block that never was; nobody needs it.
                    assert result.cid not in template.blocks
                    await node.block.rm(result.cid)
                assert await node.repo.verify() == []
                return
        except RepositoryError as error:
            told = error
        path = Path(told.detail["path"])
        assert f"move {path.name}, {path.name}-wal" in str(told)
        move_away(repo, path.name)
    pytest.fail("what the errors say does not help")


FILES = [
    ("closed", "index.sqlite"),
    ("closed", "state.sqlite"),
    ("closed", "index.lock"),
    ("closed", "state.lock"),
    ("closed", "gc.lock"),
    ("killed", "index.sqlite"),
    ("killed", "index.sqlite-wal"),
    ("killed", "index.sqlite-shm"),
    ("killed", "state.sqlite"),
    ("killed", "state.sqlite-wal"),
    ("killed", "state.sqlite-shm"),
]


@pytest.mark.parametrize("seed", range(CASES))
@pytest.mark.parametrize(("state", "name"), FILES, ids=[f"{state}-{name}" for state, name in FILES])
async def test_a_damaged_file_gives_right_bytes_or_a_typed_error(
    repo: Path, template: Template, state: str, name: str, seed: int
) -> None:
    shutil.copytree(getattr(template, state), repo)
    assert (repo / name).exists()
    spoil(repo / name, random.Random(f"{state}{name}{seed}"))
    size = (repo / name).stat().st_size
    told = name
    try:
        async with open_node(repo=repo, offline=True) as node:
            found = await readable(node, template)
            if "index" not in name:
                assert found == template.blocks.keys()
            try:
                pinned = {entry.cid async for entry in node.pin.ls(type="recursive")}
                # A log that is cut short is an earlier state; SQLite tells no difference.
                assert pinned == template.pins or name.endswith(("-wal", "-shm")) or not size
                assert pinned <= template.pins
                assert await node.files.read("/a/b") == b"in the MFS"
            except IPFSCommError:
                assert name.startswith(("state.sqlite", "index.sqlite"))
            with suppress(IPFSCommError):
                await node.repo.verify()
                await node.repo.gc()
    except RepositoryError as error:
        told = str(error)
    assert name.split("-")[0] in told
    await heal(repo, template)


@pytest.mark.parametrize("seed", range(3 * CASES))
async def test_a_damaged_segment_harms_no_other_block(repo: Path, template: Template, seed: int) -> None:
    chance = random.Random(f"segment{seed}")
    shutil.copytree(template.closed, repo)
    path = chance.choice(sorted((repo / "segments").iterdir()))
    places = spoil(path, chance)
    harmed = await hit(repo, template, path, places)
    async with open_node(repo=repo, offline=True) as node:
        assert template.blocks.keys() - await readable(node, template) == harmed
        named = {result.cid: result.error for result in await node.repo.verify()}
        assert named.keys() & template.blocks.keys() == harmed
        assert all(isinstance(error, HashMismatchError) and path.name in str(error) for error in named.values())
        # What is damaged stands in the way of nothing.
        await node.add(b"more")
    await heal(repo, template)


@pytest.mark.parametrize("seed", range(CASES))
async def test_an_index_made_again_has_every_whole_record_of_damaged_segments(
    repo: Path, template: Template, seed: int
) -> None:
    chance = random.Random(f"rebuilt{seed}")
    shutil.copytree(template.closed, repo)
    harmed: set[CID] = set()
    for path in (repo / "segments").iterdir():
        harmed |= await hit(repo, template, path, spoil(path, chance))
    move_away(repo, "index.sqlite")
    async with open_node(repo=repo, offline=True) as node:
        assert template.blocks.keys() - await readable(node, template) == harmed
    await heal(repo, template)


async def hit(repo: Path, template: Template, path: Path, places: set[int]) -> set[CID]:
    """Return the blocks of which bytes in a segment are damaged."""
    with sqlite3.connect(repo / "index.sqlite") as connection:
        rows = connection.execute(
            'SELECT multihash, "offset", size FROM blocks WHERE segment = ?', (int(path.stem),)
        ).fetchall()
    connection.close()
    keys = {cid.multihash_bytes: cid for cid in template.blocks}
    return {
        keys[key]
        for key, offset, size in rows
        if key in keys and not places.isdisjoint(range(offset, offset + _segment.record_size(key, size)))
    }


@pytest.mark.parametrize("seed", range(CASES))
async def test_a_damaged_version_file_is_a_typed_error_or_means_the_same(
    repo: Path, template: Template, seed: int
) -> None:
    shutil.copytree(template.closed, repo)
    spoil(repo / "version", random.Random(f"version{seed}"))
    told = "version"
    try:
        async with open_node(repo=repo, offline=True) as node:
            assert await readable(node, template) == template.blocks.keys()
    except RepositoryError as error:
        told = str(error)
    assert "version" in told


async def test_a_lost_segment_is_told_and_its_blocks_can_be_added_again(repo: Path, template: Template) -> None:
    shutil.copytree(template.closed, repo)
    path = min((repo / "segments").iterdir())
    harmed = await hit(repo, template, path, set(range(path.stat().st_size)))
    path.unlink()
    async with open_node(repo=repo, offline=True) as node:
        assert {result.cid for result in await node.repo.verify()} >= harmed
        with pytest.raises(HashMismatchError, match=path.name):
            await node.block.get(next(iter(harmed)))
    await heal(repo, template)


async def test_a_damaged_state_says_what_is_lost_and_nothing_is_collected(repo: Path, template: Template) -> None:
    shutil.copytree(template.closed, repo)
    content = bytearray((repo / "state.sqlite").read_bytes())
    root = content.index(b"mfsroot")
    content[root + 20] ^= 1
    (repo / "state.sqlite").write_bytes(content)
    async with open_node(repo=repo, offline=True) as node:
        with pytest.raises(RepositoryError, match="pins, the MFS's root"):
            await node.files.read("/a/b")
        with pytest.raises(RepositoryError, match=r"move state\.sqlite"):
            await node.repo.gc()
        assert await readable(node, template) == template.blocks.keys()


async def test_putting_a_block_whose_record_is_damaged_makes_it_whole(repo: Path) -> None:
    cid, data = block(b"precious" * 100)
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(cid, data)
        await store.sync()
        (segment,) = (repo / "segments").iterdir()
        content = bytearray(segment.read_bytes())
        content[-1] ^= 1
        segment.write_bytes(content)
        with pytest.raises(HashMismatchError, match="add its content again"):
            await store.get(cid)
        await store.put(cid, data)
        assert await store.get(cid) == data
        assert (await store.usage()).blocks == 1
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(cid) == data


async def test_what_is_whole_is_moved_out_of_a_segment_that_is_damaged(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_files, "SEGMENT_LIMIT", 100_000)
    blocks = [block(os.urandom(10_000)) for _ in range(12)]
    async with await SegmentBlockstore.open(repo) as store:
        for one in blocks:
            await store.put(*one)
            await store.sync()
    first = repo / "segments" / "00000001.seg"
    content = bytearray(first.read_bytes())
    content[500] ^= 1
    first.write_bytes(content)
    async with await SegmentBlockstore.open(repo) as store:
        await store.delete_many([cid for cid, _ in blocks[1:8]])
        await store.compact()
        assert first.exists()
        assert await store.get(blocks[9][0]) == blocks[9][1]
        await store.put(*blocks[0])
        await store.compact()
        assert not first.exists()
        assert await store.get(blocks[0][0]) == blocks[0][1]


async def test_a_header_that_is_damaged_costs_no_block(repo: Path, template: Template) -> None:
    shutil.copytree(template.closed, repo)
    for path in (repo / "segments").iterdir():
        content = bytearray(path.read_bytes())
        content[:16] = bytes(16)
        path.write_bytes(content)
    move_away(repo, "index.sqlite")
    async with open_node(repo=repo, offline=True) as node:
        assert await readable(node, template) == template.blocks.keys()


async def test_content_that_looks_like_records_is_not_taken_for_blocks(repo: Path) -> None:
    forged = block(b"forged")[0]
    fake = b"".join(_segment.record(forged.multihash_bytes, b"FORGED"))
    true = b"".join(_segment.record(block(b"inside")[0].multihash_bytes, b"inside"))
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"x" * 100 + fake * 2000 + true))
        await store.put(*block(b"after"))
        await store.sync()
    (segment,) = (repo / "segments").iterdir()
    content = bytearray(segment.read_bytes())
    content[70] ^= 1
    segment.write_bytes(content)
    move_away(repo, "index.sqlite")
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"after")[0]) == b"after"
        assert not await store.has(forged)
        assert await store.get(block(b"inside")[0]) == b"inside"


@pytest.mark.parametrize("name", ["index.sqlite", "state.sqlite"])
@pytest.mark.parametrize("kept", [112, 3000, 4096])
async def test_a_database_without_its_tables_is_not_taken_for_an_empty_one(
    repo: Path, template: Template, name: str, kept: int
) -> None:
    shutil.copytree(template.closed, repo)
    os.truncate(repo / name, kept)
    told = ""
    try:
        async with open_node(repo=repo, offline=True) as node:
            await node.pin.ls()
            await node.repo.verify()
    except RepositoryError as error:
        told = str(error)
    assert f"{name} is damaged" in told
    await heal(repo, template)
