"""The embedded node: one object with all verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.node.embedded import ident
from ipfs_comm.node.embedded.add import add, add_all
from ipfs_comm.node.embedded.block import Block
from ipfs_comm.node.embedded.cat import cat
from ipfs_comm.node.embedded.context import Context
from ipfs_comm.node.embedded.dag import Dag
from ipfs_comm.node.embedded.files import Files
from ipfs_comm.node.embedded.get import get
from ipfs_comm.node.embedded.ls import ls

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping

    from ipfs_comm.blockstore import Blockstore
    from ipfs_comm.exchange import Exchange
    from ipfs_comm.node.api import AddInput, AddResult, CIDLike, GetEntry, IDResult, LsEntry, VersionResult
    from ipfs_comm.node.stream import Stream


class EmbeddedNode:
    """The core API over one blockstore and one exchange; see ``ipfs_comm.node.api.Node``.

    Made by ``open_node``, which also closes it.

    Parameters
    ----------
    store : Blockstore
        Where blocks are kept.
    exchange : Exchange
        Where blocks come from that are not there.
    repo : str
        Where the repository is, for people to read.
    defaults : mapping, optional
        Options of ``add`` and ``add_all`` for calls that do not give them.
    """

    def __init__(
        self, store: Blockstore, exchange: Exchange, *, repo: str, defaults: Mapping[str, Any] | None = None
    ) -> None:
        self._context = Context(store, exchange, defaults)
        self.repo_path = repo
        self.dag = Dag(self._context)
        self.block = Block(self._context)
        self.files = Files(self._context)

    async def close(self) -> None:
        """Give everything back; ``open_node`` does so at its end."""
        await self._context.close()

    async def add(self, entry: AddInput, *, timeout: float | None = None, **options: Any) -> AddResult:
        """Add one file or directory; see ``ipfs_comm.node.embedded.add``."""
        return await add(self._context, entry, timeout=timeout, **options)

    def add_all(
        self, source: Iterable[AddInput] | AsyncIterable[AddInput], *, timeout: float | None = None, **options: Any
    ) -> Stream[AddResult, list[AddResult]]:
        """Add files and directories while they arrive; see ``ipfs_comm.node.embedded.add``."""
        return add_all(self._context, source, timeout=timeout, **options)

    def cat(
        self, path: CIDLike, *, offset: int = 0, length: int | None = None, timeout: float | None = None
    ) -> Stream[bytes, bytes]:
        """Stream the bytes of a file; see ``ipfs_comm.node.embedded.cat``."""
        return cat(self._context, path, offset=offset, length=length, timeout=timeout)

    def get(self, path: CIDLike, *, timeout: float | None = None) -> Stream[GetEntry, list[GetEntry]]:
        """Stream a file or a tree, entry by entry; see ``ipfs_comm.node.embedded.get``."""
        return get(self._context, path, timeout=timeout)

    def ls(self, path: CIDLike, *, timeout: float | None = None) -> Stream[LsEntry, list[LsEntry]]:
        """List a directory; see ``ipfs_comm.node.embedded.ls``."""
        return ls(self._context, path, timeout=timeout)

    async def id(self, *, timeout: float | None = None) -> IDResult:
        """Return who this node is."""
        return await ident.node_id(timeout=timeout)

    async def version(self, *, timeout: float | None = None) -> VersionResult:
        """Return the versions of this node."""
        return await ident.version(timeout=timeout)
