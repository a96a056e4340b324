"""Verbs of a client of which a part is done at its own end: what is read from its disk, and written to it."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.ipld import CID
from ipfs_comm.ipld import path as content_path
from ipfs_comm.node import trees
from ipfs_comm.node.inputs import entries_of, entry_of
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.unixfs import exporter
from ipfs_comm.unixfs.from_disk import DiskRules, OnDisk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping

    from ipfs_comm.node.api import AddInput, AddResult, CIDLike

_RULES = frozenset(field.name for field in dataclasses.fields(DiskRules))


class Ask(Protocol):
    """Asks the other end for a verb."""

    def __call__(self, *path: str, arguments: tuple[Any, ...], **options: Any) -> Any:
        """Return what the verb returns."""


def add_all(ask: Ask, source: Iterable[AddInput] | AsyncIterable[AddInput], **options: Any) -> Stream[AddResult, Any]:
    """Send what is on this disk as what is in it; see ``add_all`` of the API."""
    rules, further = _apart(options)
    pool = Pool(name="ipfs_comm client")
    files = trees.unfolded(entries_of(source), rules, pool)
    there = ask("add_all", arguments=(files,), **further)

    async def results() -> AsyncGenerator[AddResult, None]:
        try:
            async with there:
                async for result in there:
                    yield result
        finally:
            pool.close()

    return Stream(results, as_list, what="add_all")


async def add(ask: Ask, entry: AddInput, *, timeout: float | None = None, **options: Any) -> AddResult:
    """Send one thing; a tree on this disk as all that is in it, of which the last that comes back is the root."""
    if not isinstance(entry_of(entry).content, OnDisk):
        result: AddResult = await ask("add", arguments=(entry,), timeout=timeout, **_apart(options)[1])
        return result
    async with deadline(timeout, "add"):
        results: list[AddResult] = await add_all(ask, [entry], **options)
    return results[-1]


def _apart(options: Mapping[str, Any]) -> tuple[DiskRules, dict[str, Any]]:
    """Return what is taken from the disk here, and the options for the other end."""
    rules = {name: value for name, value in options.items() if name in _RULES}
    return DiskRules(**rules), {name: value for name, value in options.items() if name not in _RULES}


def get(
    ask: Ask,
    path: CIDLike,
    *,
    to: Any = None,
    symlinks: Any = "inside",
    archive: bool = False,
    compress: bool = False,
    compression_level: int | None = None,
    max_size: int | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> Stream[Any, Any]:
    """Walk a tree by its blocks, and read its files; archives are made at the other end. See ``get`` of the API."""
    if trees.packs(to, archive, compress, compression_level):
        packed: Stream[bytes, bytes] = ask(
            "get",
            arguments=(path,),
            archive=archive,
            compress=compress,
            compression_level=compression_level,
            max_size=max_size,
            offline=offline,
            timeout=timeout,
        )
        return packed
    wanted = content_path.parse(path if isinstance(path, str) else CID.of(path))

    async def load(cid: CID) -> bytes:
        block: bytes = await ask("block", "get", arguments=(cid,), offline=offline)
        return block

    async def read(cid: CID) -> AsyncGenerator[bytes, None]:
        async with ask("cat", arguments=(cid,), offline=offline) as pieces:
            async for piece in pieces:
                yield piece

    async def find() -> trees.Tree:
        settled = wanted
        if not isinstance(wanted.root, CID):
            settled = content_path.parse(await ask("resolve", arguments=(str(wanted),), offline=offline))
        root = settled.root
        assert isinstance(root, CID)
        name = settled.segments[-1] if settled.segments else str(root)
        if settled.segments:
            root = (await exporter.resolve(load, root, settled.segments)).cid
        return trees.Tree(root, name, load, read)

    return trees.get(
        find,
        f"get of {wanted}",
        pool=lambda: closing(Pool(name="ipfs_comm client")),
        to=to,
        symlinks=symlinks,
        max_size=max_size,
        timeout=timeout,
    )
