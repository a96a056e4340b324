from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError, InvalidPathError
from ipfs_comm.unixfs import ImportOptions, Mtime, tar
from ipfs_comm.unixfs.builder import Builder
from ipfs_comm.unixfs.directory import Entry, TreeEntry, build_tree, make_directory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

LONG = "n" * 240


async def packed(*entries: TreeEntry) -> bytes:
    async with MemoryBlockstore() as store:
        made = [entry async for entry in build_tree(entries, put=store.put)]
        return b"".join([bytes(piece) async for piece in tar.pack(store.get, made[-1].cid, "root")])


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {member.name: member for member in opened}


async def test_a_tree_is_packed_as_it_is() -> None:
    archive = await packed(
        TreeEntry("t", mtime=Mtime(7)),
        TreeEntry("t/file", b"content", mode=0o640, mtime=Mtime(5, 250_000_000)),
        TreeEntry(f"t/{LONG}/é", b"x" * 300_000),
        TreeEntry("t/link", target="file"),
        TreeEntry("t/empty"),
    )
    found = members(archive)

    assert set(found) == {"root", "root/file", f"root/{LONG}", f"root/{LONG}/é", "root/link", "root/empty"}
    assert (found["root/file"].size, found["root/file"].mode, found["root/file"].mtime) == (7, 0o640, 5.25)
    assert (found["root"].isdir(), found["root"].mtime, found["root"].mode) == (True, 7, 0o755)
    assert (found["root/link"].issym(), found["root/link"].linkname) == (True, "file")
    assert found["root/link"].mode == 0o777
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        member = opened.extractfile(f"root/{LONG}/é")
        assert member is not None
        assert member.read() == b"x" * 300_000


async def test_directories_have_names_without_a_slash() -> None:
    archive = await packed(TreeEntry(f"t/{LONG}/é", b"x"))

    assert archive.startswith(b"root\0")
    assert f"{LONG}/\n".encode() not in archive


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513])
async def test_an_archive_is_whole_blocks_and_ends_with_two_empty_ones(size: int) -> None:
    archive = await packed(TreeEntry("file", bytes(size)))

    assert len(archive) == 512 + -(-size // 512) * 512 + 1024
    assert archive.endswith(bytes(1024))


@pytest.mark.parametrize("name", ["..", "a/../../b", "/root"])
async def test_a_name_that_leads_elsewhere_is_not_packed(name: str) -> None:
    async with MemoryBlockstore() as store:
        builder = Builder(store.put, ImportOptions(raw_leaves=True).resolved())
        made, block = builder.leaf(b"content")
        await store.put(made.cid, bytes(block))
        root = await make_directory(builder, [Entry(name, made.cid, made.size)])
        with pytest.raises(InvalidPathError, match="cannot be a name"):
            _ = [piece async for piece in tar.pack(store.get, root.cid, "root")]


@pytest.mark.parametrize("level", [None, -1, 0, 1, 9])
async def test_a_stream_is_compressed_always_alike(level: int | None) -> None:
    async def pieces() -> AsyncGenerator[bytes | memoryview, None]:
        for _ in range(20):
            yield b"again and again " * 5000

    pool = Pool(1)
    try:
        once, twice = [b"".join([piece async for piece in tar.gzip(pieces(), pool, level)]) for _ in range(2)]
    finally:
        pool.close()

    assert gzip.decompress(once) == b"again and again " * 100_000
    assert once == twice


@pytest.mark.parametrize("level", [10, -2, 2.5, True, "9"])
def test_a_level_that_cannot_be_meant_is_refused(level: object) -> None:
    with pytest.raises(InvalidInputError, match="between -1 and 9"):
        tar.checked_level(level)  # type: ignore[arg-type]  # that is what is tried
