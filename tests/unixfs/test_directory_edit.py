"""Directories changed entry by entry are those that building them at once makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import LimitError, NotUnixFSError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.ipld.codecs.dag_pb import PBLink
from ipfs_comm.unixfs import ImportOptions, Mtime, UnixFS, directory_edit
from ipfs_comm.unixfs._reader import Reader
from ipfs_comm.unixfs.builder import Builder, Made
from ipfs_comm.unixfs.directory import make_directory
from ipfs_comm.unixfs.file_edit import FileEditor
from ipfs_comm.unixfs.hamt import Entry
from ipfs_comm.unixfs.importer import pieces_of
from ipfs_comm.unixfs.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHORT = CID.create(0, "dag-pb", multihash.digest(b"short"))
LONG = CID.create(1, "raw", multihash.digest(b"long", "sha2-512"))
Change = tuple[str, CID | None]
changes = st.lists(
    st.tuples(st.integers(0, 40).map(str), st.sampled_from([SHORT, LONG, None])), min_size=1, max_size=80
)


@pytest.mark.parametrize("estimation", ["links", "block"])
@pytest.mark.parametrize("fanout", [8, 256])
@pytest.mark.parametrize("threshold", [0, 500, 1 << 20])
@settings(max_examples=15)
@given(script=changes)
async def test_any_changes_end_at_what_building_at_once_makes(
    estimation: str, fanout: int, threshold: int, script: list[Change]
) -> None:
    options = ImportOptions(
        hamt_estimation=estimation,  # type: ignore[arg-type]  # one of its two values
        hamt_fanout=fanout,
        shard_split_threshold=threshold,
    ).resolved()
    async with MemoryBlockstore() as store:
        builder, reader = Builder(store.put, options), Reader(store.get)
        stat = {"mode": 0o700, "mtime": Mtime(1, 2)}
        made = await make_directory(builder, (), **stat)  # type: ignore[arg-type]  # a mode and a time
        model: dict[str, Entry] = {}
        for name, cid in script:
            node = await reader.node(made.cid)
            if cid is None:
                removed = await directory_edit.remove(reader, builder, node, name)
                assert (removed is None) == (name not in model)
                model.pop(name, None)
                made = removed or made
            else:
                model[name] = Entry(name, cid, 7)
                made = await directory_edit.put(reader, builder, node, model[name])
            node = await reader.node(made.cid)
            assert {entry.name: entry async for entry in directory_edit.entries(reader, node)} == model
            assert all([await directory_edit.find(reader, node, name) == model[name].cid for name in model])
            if threshold and (model or estimation == "links"):
                at_once = await make_directory(builder, list(model.values()), **stat)  # type: ignore[arg-type]
                assert (made.cid, made.size) == (at_once.cid, at_once.size)


async def test_what_is_no_directory_is_refused() -> None:
    async with MemoryBlockstore() as store:
        builder, reader = Builder(store.put, ImportOptions().resolved()), Reader(store.get)
        node = await reader.node((await builder.node(UnixFS.file(b"x"))).cid)
        with pytest.raises(NotUnixFSError):
            await directory_edit.put(reader, builder, node, Entry("name", SHORT, 1))
        with pytest.raises(NotUnixFSError):
            await directory_edit.find(reader, node, "name")


class TestForgedFiles:
    """A file is hostile until read."""

    @pytest.fixture
    def editor(self) -> Iterator[Callable[[MemoryBlockstore], tuple[FileEditor, Builder]]]:
        pool = Pool(1)

        def made(store: MemoryBlockstore) -> tuple[FileEditor, Builder]:
            builder = Builder(store.put, ImportOptions(leaf_type="raw").resolved())
            return FileEditor(Reader(store.get), builder, pool), builder

        yield made
        pool.close()

    async def test_a_chain_that_is_too_deep_ends_with_a_limit(
        self, editor: Callable[[MemoryBlockstore], tuple[FileEditor, Builder]]
    ) -> None:
        async with MemoryBlockstore() as store:
            changing, builder = editor(store)
            made: Made = await builder.node(UnixFS.file(b"x"), content=1)
            for _ in range(300):
                made = await builder.node(UnixFS.file(blocksizes=(1,)), [PBLink(made.cid, "", made.size)], content=1)
            with pytest.raises(LimitError):
                await changing.overwritten(made.cid, 0, Source(pieces_of(b"y")))
            with pytest.raises(LimitError):
                await changing.emptied(made.cid)

    async def test_sizes_that_are_lies_are_found_out(
        self, editor: Callable[[MemoryBlockstore], tuple[FileEditor, Builder]]
    ) -> None:
        async with MemoryBlockstore() as store:
            changing, builder = editor(store)
            leaf = await builder.node(UnixFS.file(b"x"))
            root = await builder.node(UnixFS.file(blocksizes=(1 << 40,)), [PBLink(leaf.cid, "", leaf.size)])
            with pytest.raises(NotUnixFSError, match="lies about its sizes"):
                await changing.overwritten(root.cid, 5, Source(pieces_of(b"y")))
