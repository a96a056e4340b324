from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.errors import InvalidInputError, InvalidPathError, NoLinkError
from ipfs_comm.ipld.codecs import dag_pb
from ipfs_comm.unixfs import ImportOptions, Mtime, exporter
from ipfs_comm.unixfs.directory import ImportedEntry, TreeEntry, build_tree
from ipfs_comm.unixfs.format import UnixFS
from ipfs_comm.unixfs.hamt import hash_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipfs_comm.ipld import CID


async def tree(
    entries: Any, store: MemoryBlockstore | None = None, *, wrap: bool = False, **options: Any
) -> list[ImportedEntry]:
    put = (store or MemoryBlockstore()).put
    return [entry async for entry in build_tree(entries, put=put, options=ImportOptions(**options), wrap=wrap)]


async def test_files_come_first_then_directories_from_the_inside_out() -> None:
    made = await tree([TreeEntry("a/b/one", b"1"), TreeEntry("a/two", b"2"), TreeEntry("c/three", b"3")], wrap=True)
    paths = [entry.path for entry in made]
    assert paths[:3] == ["a/b/one", "a/two", "c/three"]
    assert sorted(paths[3:]) == ["", "a", "a/b", "c"]
    assert paths.index("a/b") < paths.index("a")
    assert paths[-1] == ""


async def test_a_directory_of_more_entries_than_allowed_is_sharded() -> None:
    async with MemoryBlockstore() as store:
        for count, kind in ((3, "directory"), (4, "hamt-sharded-directory")):
            entries = [TreeEntry(f"d/{index}", b"x") for index in range(count)]
            (directory,) = (await tree(entries, store, max_directory_links=3))[count:]
            node = dag_pb.decode(await store.get(directory.cid))
            assert UnixFS.decode(node.data or b"").type == kind
    with pytest.raises(InvalidInputError, match="max_directory_links"):
        await tree([], max_directory_links=0)


async def test_without_wrapping_the_top_has_no_directory_of_its_own() -> None:
    made = await tree([TreeEntry("a/one", b"1"), TreeEntry("two", b"2")])
    assert [entry.path for entry in made] == ["a/one", "two", "a"]


async def test_content_without_a_name_is_only_itself() -> None:
    made = await tree([TreeEntry("", b"1"), TreeEntry("", b"2")])
    assert [(entry.path, entry.type) for entry in made] == [("", "file"), ("", "file")]


async def test_wrapped_content_without_a_name_is_named_by_its_cid() -> None:
    async with MemoryBlockstore() as store:
        made = await tree([TreeEntry("", b"1")], store, wrap=True)
        names = [entry.name async for entry in exporter.ls(store.get, made[-1].cid)]
        assert names == [str(made[0].cid)]


async def test_entries_are_pulled_one_by_one() -> None:
    order: list[str] = []

    async def entries() -> AsyncIterator[TreeEntry]:
        for name in ("a", "b"):
            order.append(f"asked for {name}")
            yield TreeEntry(name, b"x")

    async for made in build_tree(entries(), put=MemoryBlockstore().put):
        order.append(f"made {made.path}")  # noqa: PERF401 (the order of the two appends is what is tested)
    assert order == ["asked for a", "made a", "asked for b", "made b"]


async def test_slashes_around_and_between_names_make_no_difference() -> None:
    plain = await tree([TreeEntry("a/b", b"x")])
    assert await tree([TreeEntry("/a//b/", b"x")]) == plain


@pytest.mark.parametrize("path", ["../x", "a/../b", "./a", "a/.", "x/" * 600])
async def test_paths_that_cannot_be_meant_are_refused(path: str) -> None:
    with pytest.raises(InvalidPathError):
        await tree([TreeEntry(path, b"x")])


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a")])
async def test_a_name_cannot_be_both_file_and_directory(paths: tuple[str, str]) -> None:
    with pytest.raises(InvalidPathError):
        await tree([TreeEntry(path, b"x") for path in paths])


async def test_content_and_target_together_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        await tree([TreeEntry("a", b"x", target="b")])


async def test_the_last_of_two_files_with_one_path_stays() -> None:
    async with MemoryBlockstore() as store:
        made = await tree([TreeEntry("a", b"first"), TreeEntry("a", b"second")], store, wrap=True)
        found = await exporter.resolve(store.get, made[-1].cid, ["a"])
        assert found.cid == made[1].cid


async def test_directories_carry_mode_and_mtime_symlinks_a_target() -> None:
    async with MemoryBlockstore() as store:
        entries = [TreeEntry("d", mode=0o700, mtime=Mtime(9)), TreeEntry("d/link", target="../x", mtime=Mtime(1, 2))]
        made = await tree(entries, store)
        directory = await exporter.stat(store.get, made[-1].cid)
        assert (directory.type, directory.mode, directory.mtime) == ("directory", 0o700, Mtime(9))
        link = await exporter.stat(store.get, made[0].cid)
        assert (link.type, link.target, link.mtime) == ("symlink", "../x", Mtime(1, 2))


async def test_five_hundred_levels_cost_no_stack() -> None:
    async with MemoryBlockstore() as store:
        made = await tree([TreeEntry("d/" * 500 + "f", b"deep")], store)
        found = [entry async for entry in exporter.walk(store.get, made[-1].cid)]
        assert found[-1].path == "d/" * 499 + "f"
        resolved = await exporter.resolve(store.get, made[-1].cid, ["d"] * 499 + ["f"])
        assert resolved.cid == made[0].cid


@pytest.mark.parametrize("fanout", [8, 16, 256, 1024])
async def test_a_sharded_directory_lists_and_finds_every_name(fanout: int) -> None:
    names = {f"file {number}": b"%d" % number for number in range(700)}
    async with MemoryBlockstore() as store:
        entries = [TreeEntry(name, content) for name, content in names.items()]
        made = await tree(entries, store, wrap=True, shard_split_threshold=0, hamt_fanout=fanout)
        cids = {entry.path: entry.cid for entry in made}
        root = cids.pop("")
        assert (await exporter.stat(store.get, root)).fanout == fanout
        assert {entry.name: entry.cid async for entry in exporter.ls(store.get, root)} == cids
        for name, cid in cids.items():
            assert (await exporter.resolve(store.get, root, [name])).cid == cid
        with pytest.raises(NoLinkError):
            await exporter.resolve(store.get, root, ["file 700"])


async def test_the_order_of_entries_makes_no_difference() -> None:
    entries = [TreeEntry(f"{number}", b"x") for number in range(300)]

    async def root(order: list[TreeEntry], **options: Any) -> CID:
        return (await tree(order, wrap=True, **options))[-1].cid

    assert await root(entries) == await root(entries[::-1])
    assert await root(entries, shard_split_threshold=1) == await root(entries[::-1], shard_split_threshold=1)


def test_names_are_hashed_with_the_half_of_murmur3_that_others_use() -> None:
    assert hash_of("hello") == 0xCBD8A7B341BD9B02
