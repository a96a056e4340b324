"""The node that a Kubo daemon is: one object with all verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import DaemonError
from ipfs_comm.node.kubo import ident, life
from ipfs_comm.node.kubo.add import add, add_all
from ipfs_comm.node.kubo.bitswap import Bitswap
from ipfs_comm.node.kubo.block import Block
from ipfs_comm.node.kubo.bootstrap import Bootstrap
from ipfs_comm.node.kubo.cat import cat
from ipfs_comm.node.kubo.config import Config
from ipfs_comm.node.kubo.context import Context
from ipfs_comm.node.kubo.dag import Dag
from ipfs_comm.node.kubo.dht import Dht
from ipfs_comm.node.kubo.files import Files
from ipfs_comm.node.kubo.get import get
from ipfs_comm.node.kubo.key import Key
from ipfs_comm.node.kubo.ls import ls
from ipfs_comm.node.kubo.name import Name
from ipfs_comm.node.kubo.object import Object
from ipfs_comm.node.kubo.pin import Pins
from ipfs_comm.node.kubo.pubsub import Pubsub
from ipfs_comm.node.kubo.refs import Refs
from ipfs_comm.node.kubo.repo import Repo
from ipfs_comm.node.kubo.resolve import resolve
from ipfs_comm.node.kubo.stats import Stats
from ipfs_comm.node.kubo.swarm import Swarm
from ipfs_comm.node.kubo.telling import line
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping

    from ipfs_comm.node.api import (
        AddInput,
        AddResult,
        Capabilities,
        CIDLike,
        IDResult,
        LsEntry,
        PingResult,
        VersionResult,
    )
    from ipfs_comm.node.kubo.find import Found
    from ipfs_comm.node.stream import Stream


class KuboNode:
    """The core API over one daemon; see ``ipfs_comm.node.api.Node``.

    Made by ``open_node``, which also closes it; the daemon goes on.

    Parameters
    ----------
    found : Found
        The daemon.
    offline : bool
        Have it ask nobody else.
    read_only : bool
        Refuse whatever would write.
    defaults : mapping, optional
        Options of ``add`` and ``add_all`` for calls that do not give them.
    """

    def __init__(
        self,
        found: Found,
        *,
        offline: bool = False,
        read_only: bool = False,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self._rpc = found.rpc
        self._context = Context(found, offline=offline, read_only=read_only, defaults=defaults)
        self.dag = Dag(self._context)
        self.block = Block(self._context)
        self.object = Object(self._context)
        self.refs = Refs(self._context)
        self.files = Files(self._context)
        self.key = Key(self._context)
        self.name = Name(self._context)
        self.config = Config(self._context)
        self.bootstrap = Bootstrap(self._context)
        self.pin = Pins(self._context)
        self.repo = Repo(self._context)
        self.swarm = Swarm(self._context)
        self.bitswap = Bitswap(self._context)
        self.stats = Stats(self._context, self.repo, self.bitswap)
        self.pubsub = Pubsub(self._context)
        self.dht = Dht(self._context)

    @property
    def repo_path(self) -> str:
        """Where its repository is, for people to read."""
        return f"Kubo at {self._rpc.address}"

    async def told(self, *, timeout: float | None = None) -> str:
        """Return the line that was told when it was opened, as it is now.

        Raises
        ------
        UnreachableError
            The daemon is not there.
        """
        async with deadline(timeout, "told"):
            try:
                await self._context.rpc.call("version")
            except DaemonError as error:
                # Who may add need not be let in everywhere.
                if error.code != "ERR_DENIED":
                    raise
            return await line(self._context.found)

    async def close(self) -> None:
        """Give everything back; ``open_node`` does so at its end."""
        try:
            await self.pubsub.close()
        finally:
            await self._context.close()

    async def id(self, *, peer_id: str | None = None, timeout: float | None = None) -> IDResult:
        """Return who the daemon is, or another peer; see ``ipfs_comm.node.kubo.ident``."""
        return await ident.node_id(self._context, peer_id=peer_id, timeout=timeout)

    async def version(self, *, timeout: float | None = None) -> VersionResult:
        """Return the versions of the daemon and of its repository."""
        return await ident.version(self._context, timeout=timeout)

    async def dns(
        self,
        domain: str,
        *,
        recursive: bool = True,
        nocache: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> str:
        """Return the path that a domain stands for; see ``ipfs_comm.node.kubo.ident``."""
        return await ident.dns(
            self._context, domain, recursive=recursive, nocache=nocache, offline=offline, timeout=timeout
        )

    def ping(
        self, peer_id: str, *, count: int = 10, timeout: float | None = None
    ) -> Stream[PingResult, list[PingResult]]:
        """Stream how long a peer takes to answer; see ``ipfs_comm.node.kubo.ident``."""
        return ident.ping(self._context, peer_id, count=count, timeout=timeout)

    async def is_online(self, *, timeout: float | None = None) -> bool:
        """Return whether the daemon is on a network."""
        return await life.is_online(self._context, timeout=timeout)

    async def stop(self, *, timeout: float | None = None) -> None:
        """Close the node; later calls fail with ERR_NOT_STARTED. The daemon goes on: it may be anybody's."""
        async with deadline(timeout, "stop"):
            try:
                await self.pubsub.close()
            finally:
                await self._context.stop()

    async def capabilities(self, *, timeout: float | None = None) -> Capabilities:
        """Return what the daemon can do, as it is configured now."""
        return await life.capabilities(self._context, timeout=timeout)

    async def add(self, entry: AddInput, *, timeout: float | None = None, **options: Any) -> AddResult:
        """Add one file or directory; see ``ipfs_comm.node.kubo.add``."""
        return await add(self._context, entry, timeout=timeout, **options)

    def add_all(
        self, source: Iterable[AddInput] | AsyncIterable[AddInput], *, timeout: float | None = None, **options: Any
    ) -> Stream[AddResult, list[AddResult]]:
        """Add files and directories while they arrive; see ``ipfs_comm.node.kubo.add``."""
        return add_all(self._context, source, timeout=timeout, **options)

    def cat(
        self,
        path: CIDLike,
        *,
        offset: int = 0,
        length: int | None = None,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[bytes, bytes]:
        """Stream the bytes of a file; see ``ipfs_comm.node.kubo.cat``."""
        return cat(
            self._context, path, offset=offset, length=length, max_size=max_size, offline=offline, timeout=timeout
        )

    def get(self, path: CIDLike, *, timeout: float | None = None, **options: Any) -> Stream[Any, Any]:
        """Stream a file or a tree, write it to disk, or pack it; see ``ipfs_comm.node.kubo.get``."""
        return get(self._context, path, timeout=timeout, **options)

    def ls(
        self,
        path: CIDLike,
        *,
        recursive: bool = False,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[LsEntry, list[LsEntry]]:
        """List a directory; see ``ipfs_comm.node.kubo.ls``."""
        return ls(self._context, path, recursive=recursive, max_size=max_size, offline=offline, timeout=timeout)

    async def resolve(
        self,
        path: CIDLike,
        *,
        recursive: bool = True,
        cid_base: str | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> str:
        """Return the immutable path to what a path leads to; see ``ipfs_comm.node.kubo.resolve``."""
        return await resolve(
            self._context, path, recursive=recursive, cid_base=cid_base, offline=offline, timeout=timeout
        )
