"""The contract of trees that a node takes from disk and gives back: as a tree on disk, as an archive, as a listing."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.errors import InvalidInputError, InvalidPathError, NotUnixFSError
from ipfs_comm.node.api import File

if TYPE_CHECKING:
    from pathlib import Path

    from ipfs_comm.node.api import Node

BIG = bytes(range(256)) * 3000


class TreeContract:
    """Tests that need one fixture, ``node``: an open node that may be written to; and the machine's disk is its own."""

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        """Return a directory with files, a hidden one, a symlink, and an empty directory."""
        root = tmp_path / "tree"
        (root / "sub" / "empty").mkdir(parents=True)
        (root / "a.txt").write_bytes(b"a")
        (root / "sub" / "big").write_bytes(BIG)
        (root / "sub" / "link").symlink_to("../a.txt")
        (root / ".hidden").write_bytes(b"h")
        return root

    async def test_a_tree_on_disk_is_added_as_it_is(self, node: Node, tree: Path) -> None:
        root = await node.add(tree)
        paths = [entry.path.removeprefix(f"{root.cid}/") for entry in await node.ls(root.cid, recursive=True)]

        assert root.path == "tree"
        assert sorted(paths) == ["a.txt", "sub", "sub/big", "sub/empty", "sub/link"]

    async def test_a_symlink_is_added_by_its_target(self, node: Node, tmp_path: Path) -> None:
        root = (await node.add_all([File("d/a", b"a"), {"path": "d/link", "target": "a", "mtime": 5}]))[-1]
        place = await node.get(root.cid, to=tmp_path / "copy")

        assert ((place / "link").is_symlink(), (place / "link").read_bytes()) == (True, b"a")

    @pytest.mark.parametrize(
        "entry",
        [
            {"path": "l", "target": 5},
            {"path": "l", "target": ""},
            {"path": "l", "target": "a\0b"},
            {"path": "l", "target": "\ud800"},
            {"path": "l", "target": "a", "content": b"a"},
            {"path": "l", "target": "a", "mode": 0o644},
            {"path": "", "target": "a"},
        ],
    )
    async def test_what_is_no_symlink_is_refused(self, node: Node, entry: dict[str, Any]) -> None:
        with pytest.raises(InvalidInputError):
            await node.add_all([entry])

    async def test_a_tree_comes_back_to_disk(self, node: Node, tree: Path, tmp_path: Path) -> None:
        root = await node.add(tree, hidden=True, preserve_mode=True, preserve_mtime=True)
        place = await node.get(root.cid, to=tmp_path / "copy")
        again = await node.add(place, hidden=True, preserve_mode=True, preserve_mtime=True)

        assert again.cid == root.cid

    async def test_what_is_there_already_is_not_written_over(self, node: Node, tree: Path) -> None:
        root = await node.add(b"content")
        with pytest.raises(InvalidPathError, match="is there already"):
            await node.get(root.cid, to=tree)

    async def test_an_archive_holds_the_tree(self, node: Node, tree: Path) -> None:
        root = await node.add(tree)
        packed = await node.get(root.cid, archive=True, compress=True, compression_level=5)
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as archive:
            sizes = {member.name.partition("/")[2]: member.size for member in archive}

        assert sizes == {"": 0, "a.txt": 1, "sub": 0, "sub/big": len(BIG), "sub/empty": 0, "sub/link": 0}

    async def test_one_file_is_compressed_by_itself(self, node: Node) -> None:
        added = await node.add(b"content")
        assert gzip.decompress(await node.get(added.cid, compress=True)) == b"content"

    async def test_a_directory_is_compressed_as_an_archive_only(self, node: Node, tree: Path) -> None:
        root = await node.add(tree)
        with pytest.raises(NotUnixFSError, match="file is not regular"):
            await node.get(root.cid, compress=True)

    async def test_a_compression_level_is_from_minus_one_to_nine(self, node: Node) -> None:
        added = await node.add(b"content")
        with pytest.raises(InvalidInputError, match="between -1 and 9"):
            await node.get(added.cid, compress=True, compression_level=10)

    async def test_a_sharded_directory_is_listed_whole(self, node: Node) -> None:
        files = (File(f"d/{n}", b"%d" % n) for n in range(300))
        root = (await node.add_all(files, shard_split_threshold=0))[-1]

        assert {entry.name for entry in await node.ls(root.cid)} == {str(n) for n in range(300)}
