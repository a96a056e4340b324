"""The contract of the namespace ``files``: what every node's mutable file system must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import IPFSCommError, NotFoundError
from ipfs_comm.node.api import Mtime

if TYPE_CHECKING:
    from ipfs_comm.node.api import Node

__all__ = ["FilesContract"]


class FilesContract:
    """Tests of ``node.files``; a subclass gives the fixture ``node``, an empty one."""

    async def test_a_file_is_written_read_and_described(self, node: Node) -> None:
        await node.files.write("/a/b/file", b"hello", create=True, parents=True)
        assert await node.files.read("/a/b/file") == b"hello"
        assert await node.files.read("/a/b/file", offset=1, length=3) == b"ell"
        stat = await node.files.stat("/a/b/file")
        assert (stat.type, stat.size) == ("file", 5)

    async def test_bytes_are_replaced_from_an_offset_on(self, node: Node) -> None:
        await node.files.write("/file", b"0123456789", create=True)
        await node.files.write("/file", b"ab", offset=4)
        await node.files.write("/file", b"end", offset=12)
        assert await node.files.read("/file") == b"0123ab6789\0\0end"
        await node.files.write("/file", b"new", truncate=True)
        assert await node.files.read("/file") == b"new"

    async def test_entries_are_listed(self, node: Node) -> None:
        await node.files.mkdir("/d/inner", parents=True)
        await node.files.write("/d/file", b"hello", create=True)
        entries = {entry.name: entry async for entry in node.files.ls("/d")}
        assert {name: (entry.type, entry.size) for name, entry in entries.items()} == {
            "file": ("file", 5),
            "inner": ("directory", 0),
        }
        assert entries["inner"].cid == (await node.files.stat("/d/inner")).cid

    async def test_content_is_copied_in_and_read_from_outside(self, node: Node) -> None:
        added = await node.add(b"hello")
        await node.files.cp(f"/ipfs/{added.cid}", "/copy")
        assert (await node.files.stat("/copy")).cid == added.cid
        assert await node.files.read(f"/ipfs/{added.cid}") == b"hello"

    async def test_what_moves_is_gone_where_it_was(self, node: Node) -> None:
        await node.files.write("/from", b"hello", create=True)
        await node.files.mkdir("/to")
        await node.files.mv("/from", "/to")
        assert await node.files.read("/to/from") == b"hello"
        with pytest.raises(NotFoundError):
            await node.files.stat("/from")

    async def test_a_directory_goes_only_with_all_that_is_in_it(self, node: Node) -> None:
        await node.files.mkdir("/d/inner", parents=True)
        with pytest.raises(IPFSCommError):
            await node.files.rm("/d")
        await node.files.rm("/d", recursive=True)
        assert await node.files.ls("/") == []

    async def test_mode_and_time_are_kept(self, node: Node) -> None:
        await node.files.write("/file", b"hello", create=True)
        await node.files.chmod("/file", 0o600)
        await node.files.touch("/file", mtime=Mtime(5))
        stat = await node.files.stat("/file")
        assert (stat.mode, stat.mtime) == (0o600, Mtime(5))

    @pytest.mark.parametrize("path", ["", "relative", "/missing", "/missing/below"])
    async def test_a_path_to_nothing_is_an_error(self, node: Node, path: str) -> None:
        with pytest.raises(IPFSCommError):
            await node.files.stat(path)

    async def test_flushing_tells_the_cid(self, node: Node) -> None:
        await node.files.mkdir("/d")
        assert await node.files.flush("/d") == (await node.files.stat("/d")).cid
        assert await node.files.flush() == (await node.files.stat("/")).cid
