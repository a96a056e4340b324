"""The embedded node: one object with all verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.node.embedded import ident, life, peers
from ipfs_comm.node.embedded.add import add, add_all
from ipfs_comm.node.embedded.bitswap import Bitswap
from ipfs_comm.node.embedded.block import Block
from ipfs_comm.node.embedded.bootstrap import Bootstrap
from ipfs_comm.node.embedded.cat import cat
from ipfs_comm.node.embedded.config import Config
from ipfs_comm.node.embedded.context import Context
from ipfs_comm.node.embedded.dag import Dag
from ipfs_comm.node.embedded.dns import dns
from ipfs_comm.node.embedded.get import get
from ipfs_comm.node.embedded.key import Key
from ipfs_comm.node.embedded.ls import ls
from ipfs_comm.node.embedded.mfs import Files
from ipfs_comm.node.embedded.name import Name
from ipfs_comm.node.embedded.object import Object
from ipfs_comm.node.embedded.pin import Pins
from ipfs_comm.node.embedded.refs import Refs
from ipfs_comm.node.embedded.repo import Repo
from ipfs_comm.node.embedded.resolve import resolve
from ipfs_comm.node.embedded.stats import Stats
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping
    from pathlib import Path

    from ipfs_comm.blockstore import Blockstore
    from ipfs_comm.blockstore.keeping import Keeping
    from ipfs_comm.blockstore.state import State
    from ipfs_comm.dnslink import DNSLink
    from ipfs_comm.exchange import Exchange
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
    state : State, optional
        Pins, the MFS's root and the like; in memory where not given.
    keeping : Keeping, optional
        What garbage collection waits for; of this node alone where not given.
    keys : Path, optional
        Folder of its private keys; they are in memory where not given.
    read_only : bool
        Refuse whatever would write to the repository.
    offline : bool
        Ask no DNS for domains.
    dnslink : DNSLink, optional
        Who resolves domains; as the configuration says where not given.
    """

    def __init__(
        self,
        store: Blockstore,
        exchange: Exchange,
        *,
        repo: str,
        defaults: Mapping[str, Any] | None = None,
        state: State | None = None,
        keeping: Keeping | None = None,
        keys: Path | None = None,
        read_only: bool = False,
        offline: bool = False,
        dnslink: DNSLink | None = None,
    ) -> None:
        self._context = Context(
            store,
            exchange,
            defaults,
            state=state,
            keeping=keeping,
            keys=keys,
            read_only=read_only,
            offline=offline,
            dnslink=dnslink,
        )
        self.repo_path = repo
        self.dag = Dag(self._context)
        self.block = Block(self._context)
        self.object = Object(self._context)
        self.files = Files(self._context)
        self.key = Key(self._context)
        self.name = Name(self._context)
        self.config = Config(self._context)
        self.bootstrap = Bootstrap(self._context)
        self.pin = Pins(self._context)
        self.repo = Repo(self._context, repo)
        self.refs = Refs(self._context)
        self.swarm = peers.Swarm(self._context)
        self.bitswap = Bitswap(self._context)
        self.stats = Stats(self._context, self.repo, self.bitswap)
        self.pubsub = peers.Pubsub()
        self.dht = peers.Dht()

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
        self,
        path: CIDLike,
        *,
        offset: int = 0,
        length: int | None = None,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[bytes, bytes]:
        """Stream the bytes of a file; see ``ipfs_comm.node.embedded.cat``."""
        return cat(
            self._context, path, offset=offset, length=length, max_size=max_size, offline=offline, timeout=timeout
        )

    def get(self, path: CIDLike, *, timeout: float | None = None, **options: Any) -> Stream[Any, Any]:
        """Stream a file or a tree, write it to disk, or pack it; see ``ipfs_comm.node.embedded.get``."""
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
        """List a directory; see ``ipfs_comm.node.embedded.ls``."""
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
        """Return the immutable path to what a path leads to; see ``ipfs_comm.node.embedded.resolve``."""
        return await resolve(
            self._context, path, recursive=recursive, cid_base=cid_base, offline=offline, timeout=timeout
        )

    async def id(self, *, peer_id: str | None = None, timeout: float | None = None) -> IDResult:
        """Return who this node is; see ``ipfs_comm.node.embedded.ident``."""
        return await ident.node_id(self._context, peer_id=peer_id, timeout=timeout)

    async def version(self, *, timeout: float | None = None) -> VersionResult:
        """Return the versions of this node."""
        return await ident.version(timeout=timeout)

    async def dns(
        self,
        domain: str,
        *,
        recursive: bool = True,
        nocache: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> str:
        """Return the path that a domain stands for; see ``ipfs_comm.node.embedded.dns``."""
        return await dns(self._context, domain, recursive=recursive, nocache=nocache, offline=offline, timeout=timeout)

    def ping(
        self, peer_id: str, *, count: int = 10, timeout: float | None = None
    ) -> Stream[PingResult, list[PingResult]]:
        """Refuse: an embedded node has no peers."""
        return peers.ping(peer_id, count=count, timeout=timeout)

    async def is_online(self, *, timeout: float | None = None) -> bool:
        """Return whether the node is connected with peers; an embedded one is not."""
        return await life.is_online(self._context, timeout=timeout)

    async def stop(self, *, timeout: float | None = None) -> None:
        """Close the node; later calls fail with ERR_NOT_STARTED."""
        async with deadline(timeout, "stop"):
            await self._context.stop()

    async def capabilities(self, *, timeout: float | None = None) -> Capabilities:
        """Return what an embedded node can do."""
        return await life.capabilities(self._context, timeout=timeout)
