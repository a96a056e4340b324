from __future__ import annotations

import gzip
import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from ipfs_comm import open_node
from ipfs_comm.errors import InvalidInputError, IPFSCommError, NotFoundError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.api import File, Mtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ipfs_comm.node.embedded.node import EmbeddedNode


@pytest.fixture
async def node() -> AsyncIterator[EmbeddedNode]:
    async with open_node(repo=":memory:") as opened:
        yield opened


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"a")
    (root / "sub" / "b.bin").write_bytes(os.urandom(700_000))
    (root / "sub" / "link").symlink_to("../a.txt")
    (root / ".hidden").write_bytes(b"h")
    return root


async def test_a_tree_on_disk_is_added_with_one_call(node: EmbeddedNode, tree: Path) -> None:
    added = await node.add(tree)

    assert added.path == "tree"
    assert {entry.path async for entry in node.get(f"{added.cid}/sub")} == {"sub", "sub/b.bin", "sub/link"}


async def test_trees_and_files_are_added_together_and_wrapped(node: EmbeddedNode, tree: Path) -> None:
    results = await node.add_all([tree, File("x/y", tree / "a.txt"), b"plain"], wrap_with_directory=True)
    names = {entry.name async for entry in node.ls(results[-1].cid)}

    assert results[-1].path == ""
    assert names == {"tree", "x", str(next(r.cid for r in results if r.path == ""))}


async def test_a_str_that_names_a_file_is_content_with_a_warning(node: EmbeddedNode, tree: Path) -> None:
    with pytest.warns(UserWarning, match="added as content although a file has that name"):
        added = await node.add(str(tree / "a.txt"))

    assert await node.cat(added.cid) == str(tree / "a.txt").encode()


async def test_the_newer_profile_is_chosen_by_name(node: EmbeddedNode) -> None:
    content = bytes(1_500_000)
    old, new = await node.add(content), await node.add(content, profile="unixfs-v1-2025")
    by_hand = await node.add(content, cid_version=1, chunker="size-1048576", max_links=1024, hamt_estimation="block")

    assert (old.cid.version, (await node.add(content, profile="kubo")).cid) == (0, old.cid)
    assert new.cid == by_hand.cid
    with pytest.raises(InvalidInputError, match="no import profile"):
        await node.add(content, profile="newest")


async def test_options_of_a_call_change_a_profile(node: EmbeddedNode) -> None:
    added = await node.add(bytes(1_500_000), profile="unixfs-v1-2025", raw_leaves=False, chunker="size-262144")

    links = (await node.dag.get(added.cid)).value["Links"]
    assert (len(links), links[0]["Hash"].codec) == (6, "dag-pb")


async def test_mode_and_mtime_of_a_call_are_those_of_entries_without(node: EmbeddedNode) -> None:
    files = [File("a", b"a"), File("b", b"b", mode=0o600, mtime=Mtime(9))]
    first, second = await node.add_all(files, mode="0640", mtime=5)

    assert (first.mode, first.mtime) == (0o640, Mtime(5))
    assert (second.mode, second.mtime) == (0o600, Mtime(9))


async def test_mode_and_mtime_of_a_call_are_those_of_the_directory_that_wraps(node: EmbeddedNode) -> None:
    results = await node.add_all([File("a", b"a")], mode=0o750, mtime=5, wrap_with_directory=True)

    assert [(entry.path, entry.mode, entry.mtime) for entry in results] == [
        ("a", 0o750, Mtime(5)),
        ("", 0o750, Mtime(5)),
    ]


async def test_progress_tells_of_a_file_on_disk_while_it_is_read(node: EmbeddedNode, tree: Path) -> None:
    told: list[tuple[int, str]] = []
    await node.add(tree / "sub" / "b.bin", progress=lambda size, path: told.append((size, path)))

    assert [size for size, _ in told] == [262_144, 524_288, 700_000]
    assert {path for _, path in told} == {"b.bin"}


async def test_what_is_only_hashed_is_not_kept(node: EmbeddedNode, tree: Path) -> None:
    hashed = await node.add(tree, only_hash=True)
    with pytest.raises(NotFoundError):
        await node.ls(hashed.cid)

    assert (await node.add(tree)).cid == hashed.cid


async def test_a_path_without_a_file_is_not_found(node: EmbeddedNode, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        await node.add(tmp_path / "nothing")


async def test_a_file_is_written_under_the_name_that_is_given(node: EmbeddedNode, tmp_path: Path) -> None:
    added = await node.add(b"content")
    entries = [entry async for entry in node.get(added.cid, to=tmp_path / "file")]

    assert [(entry.path, entry.content) for entry in entries] == [(str(added.cid), None)]
    assert bytes_of(tmp_path / "file") == b"content"


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


async def test_a_tree_is_packed_as_an_archive(node: EmbeddedNode, tree: Path) -> None:
    added = await node.add(tree)
    plain = await node.get(added.cid, archive=True)
    packed = await node.get(added.cid, archive=True, compress=True, compression_level=5)

    assert gzip.decompress(packed) == plain
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        member = archive.extractfile(f"{added.cid}/sub/b.bin")
        assert member is not None
        assert member.read() == bytes_of(tree / "sub" / "b.bin")


@pytest.mark.parametrize(
    "options",
    [{"compress": True, "compression_level": 10}, {"to": "x", "archive": True}, {"to": "x", "symlinks": "some"}],
)
async def test_options_of_get_that_cannot_be_meant_are_refused(node: EmbeddedNode, options: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        await node.get((await node.add(b"content")).cid, **options)


async def test_ls_goes_into_directories_when_asked_for(node: EmbeddedNode, tree: Path) -> None:
    cid = (await node.add(tree)).cid
    flat, deep = await node.ls(cid), await node.ls(cid, recursive=True)

    assert [entry.path for entry in flat] == [f"{cid}/{name}" for name in ("a.txt", "sub")]
    assert [entry.path.removeprefix(f"{cid}/") for entry in deep] == ["a.txt", "sub", "sub/b.bin", "sub/link"]
    assert [entry.size for entry in deep] == [1, 0, 700_000, len("../a.txt")]


async def test_ls_loads_no_raw_block(node: EmbeddedNode) -> None:
    results = await node.add_all([File("d/x", b"content")], cid_version=1, pin=False)
    await node.block.rm(results[0].cid)

    assert [(entry.name, entry.size) for entry in await node.ls(results[-1].cid)] == [("x", 7)]


@pytest.mark.parametrize(
    ("offset", "length", "size"),
    [(0, 0, 0), (0, None, 700), (699, None, 1), (700, None, 0), (701, 5, 0), (690, 99, 10)],
)
async def test_cat_keeps_to_the_file(node: EmbeddedNode, offset: int, length: int | None, size: int) -> None:
    content = os.urandom(700)
    added = await node.add(content, chunker="size-100")

    assert await node.cat(added.cid, offset=offset, length=length) == content[offset : offset + size]


async def test_an_import_that_fails_while_blocks_are_kept_ends(node: EmbeddedNode) -> None:
    async def failing() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield os.urandom(1 << 20)
        raise OSError("the source has failed")

    with pytest.raises(OSError, match="the source has failed"):
        await node.add(failing())


async def test_an_error_of_an_absent_block_names_it(node: EmbeddedNode) -> None:
    absent = CID.create(1, 0x70, multihash.digest(b"absent"))

    with pytest.raises(IPFSCommError, match=str(absent)):
        await node.get(absent, archive=True)
