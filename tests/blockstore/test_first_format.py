"""Segments of format 1, whose checksum is CRC-32: read, recovered and emptied, and never appended to."""

from __future__ import annotations

import json
import os
import zlib
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import SegmentBlockstore, _segment
from ipfs_comm.errors import HashMismatchError
from ipfs_comm.testing.blockstore import block

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = [b"%d of the first format" % number for number in range(20)]
HEADER = b"ipfs-seg\x01\0\0\0\0\0\0\0"


@pytest.fixture
async def repo(tmp_path: Path) -> Path:
    """Return a repository as code of format 1 has left it."""
    repo = tmp_path / "repo"
    async with await SegmentBlockstore.open(repo) as store:
        for content in CONTENTS:
            await store.put(*block(content))
    for path in segments(repo):
        content = path.read_bytes()
        path.write_bytes(HEADER + b"".join(old_record(*found) for found in records(content)))
        assert len(content) == path.stat().st_size
    (repo / "version").write_text(json.dumps({"format": 1, "oldest_reader": 1, "oldest_writer": 1}))
    return repo


def records(segment: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    at = len(HEADER)
    while at < len(segment):
        _, size, name_size, _ = _segment.HEAD.unpack_from(segment, at)
        body = segment[at + _segment.HEAD.size : (at := at + _segment.HEAD.size + name_size + size)]
        found.append((body[:name_size], body[name_size:]))
    return found


def old_record(key: bytes, data: bytes) -> bytes:
    tail = len(data).to_bytes(4, "little") + len(key).to_bytes(2, "little") + b"\xf5\x1b" + key
    return zlib.crc32(tail + data).to_bytes(4, "little") + tail + data


def segments(repo: Path) -> list[Path]:
    return sorted((repo / "segments").iterdir())


def lose_index(repo: Path) -> None:
    for path in repo.glob("index.sqlite*"):
        path.unlink()


async def check(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        assert [await store.get(block(content)[0]) for content in CONTENTS] == CONTENTS


async def test_its_blocks_are_read_and_it_becomes_a_repository_of_format_2(repo: Path) -> None:
    (segment,) = segments(repo)
    before = segment.read_bytes()
    await check(repo)
    assert json.loads((repo / "version").read_text()) == {"format": 2, "oldest_reader": 2, "oldest_writer": 2}
    assert segment.read_bytes() == before


async def test_new_blocks_go_to_a_segment_of_format_2(repo: Path) -> None:
    (segment,) = segments(repo)
    before = segment.read_bytes()
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"new"))
    assert segment.read_bytes() == before
    assert segments(repo)[1].read_bytes()[:16] == _segment.MAGIC
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"new")[0]) == b"new"


async def test_a_record_that_is_damaged_is_told(repo: Path) -> None:
    (segment,) = segments(repo)
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.write_bytes(content)
    async with await SegmentBlockstore.open(repo) as store:
        with pytest.raises(HashMismatchError, match="is damaged"):
            await store.get(block(CONTENTS[-1])[0])
        assert await store.get(block(CONTENTS[-2])[0]) == CONTENTS[-2]


async def test_what_a_dead_process_left_is_recovered_and_the_torn_end_is_cut_off(repo: Path) -> None:
    (segment,) = segments(repo)
    whole = segment.read_bytes() + old_record(block(b"left")[0].multihash_bytes, b"left")
    segment.write_bytes(whole + old_record(block(b"torn")[0].multihash_bytes, b"torn")[:-1])
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"left")[0]) == b"left"
        assert not await store.has(block(b"torn")[0])
    assert segment.read_bytes() == whole
    await check(repo)


async def test_a_lost_index_is_made_again(repo: Path) -> None:
    lose_index(repo)
    await check(repo)


async def test_a_damaged_header_costs_no_block_and_nothing_is_appended_behind_it(repo: Path) -> None:
    (segment,) = segments(repo)
    segment.write_bytes(os.urandom(16) + segment.read_bytes()[16:])
    size = segment.stat().st_size
    lose_index(repo)
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"new"))
    assert segment.stat().st_size == size
    await check(repo)


async def test_what_is_alive_in_it_moves_to_a_segment_of_format_2(repo: Path) -> None:
    (segment,) = segments(repo)
    async with await SegmentBlockstore.open(repo) as store:
        await store.delete_many([block(content)[0] for content in CONTENTS[5:]])
        await store.compact()
        assert not segment.exists()
        assert [await store.get(block(content)[0]) for content in CONTENTS[:5]] == CONTENTS[:5]
