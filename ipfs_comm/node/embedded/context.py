"""What the verbs of the embedded node share: blocks from the store, else from the exchange, verified at that door."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.blockstore.keeping import Keeping
from ipfs_comm.blockstore.state import MemoryState, State
from ipfs_comm.errors import (
    HashMismatchError,
    NoSpaceError,
    NotFoundError,
    NotSupportedError,
    RepositoryError,
)
from ipfs_comm.exchange import Exchange, FetchContext, Offline
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.ipld import path as content_path
from ipfs_comm.ipns.keys import MAX_KEY_SIZE
from ipfs_comm.node.embedded.domains import Domains
from ipfs_comm.node.embedded.held import Held
from ipfs_comm.node.embedded.keystore import Keystore
from ipfs_comm.node.embedded.names import Names
from ipfs_comm.node.embedded.read_only import ReadOnlyBlockstore, ReadOnlyState
from ipfs_comm.node.embedded.secrets import FolderSecrets, MemorySecrets
from ipfs_comm.node.embedded.services import MAX_SIZE as MAX_SERVICE_SIZE
from ipfs_comm.node.embedded.services import Services
from ipfs_comm.node.embedded.settings import Settings
from ipfs_comm.node.embedded.traffic import Traffic
from ipfs_comm.node.stopped import Stopped, refuse
from ipfs_comm.node.stream import remaining
from ipfs_comm.node.target import Target, target
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ipfs_comm.blockstore import Blockstore
    from ipfs_comm.dnslink import DNSLink

Load: TypeAlias = Callable[[CID], Awaitable[bytes]]

_BY_CALL = Offline(why="this call is offline")


class Context:
    """One node's blocks, and the small records beside them.

    Parameters
    ----------
    store : Blockstore
        Asked first.
    exchange : Exchange
        Asked for what the store does not have.
    defaults : mapping, optional
        Options of ``add`` and ``add_all`` for calls that do not give them.
    state : State, optional
        Pins, the MFS's root and the like; in memory where not given.
    keeping : Keeping, optional
        What garbage collection waits for; of this node alone where not given.
    keys : Path, optional
        Folder of the private keys; those of pinning services are in the folder ``services`` beside it. They are all in
        memory where not given.
    read_only : bool
        Refuse whatever would write; blocks from the exchange are held in memory, up to a limit.
    offline : bool
        Ask no DNS and no pinning service either.
    dnslink : DNSLink, optional
        Who resolves domains; by the configuration where not given.
    """

    def __init__(
        self,
        store: Blockstore,
        exchange: Exchange,
        defaults: Mapping[str, Any] | None = None,
        *,
        state: State | None = None,
        keeping: Keeping | None = None,
        keys: Path | None = None,
        read_only: bool = False,
        offline: bool = False,
        dnslink: DNSLink | None = None,
    ) -> None:
        self._pid = os.getpid()
        self._closing = asyncio.Lock()
        self._closed = False
        self.read_only = read_only
        self.traffic = Traffic()
        state = MemoryState() if state is None else state
        if read_only:
            held = ReadOnlyBlockstore(store)
            self.store: Blockstore = held
            self._keep_fetched = held.remember
            self.state: State = ReadOnlyState(state)
        else:
            self.store, self.state = store, state
            self._keep_fetched = store.put
        # What came from elsewhere to be read, and the store had no room for.
        self._homeless = Held()
        self.lock = Keeping() if keeping is None else keeping
        self.defaults = dict(defaults or {})
        self.exchange = exchange
        self.pool = Pool(2, "ipfs_comm-hash")
        # Files that are added or written: nothing that waits for a disk stands in line behind what is hashed.
        self.disk = Pool(2, "ipfs_comm-disk")
        self.offline = offline
        self.keys = Keystore(
            MemorySecrets("key") if keys is None else FolderSecrets(keys, "key", max_size=MAX_KEY_SIZE),
            self.state,
            self.pool,
            read_only=read_only,
        )
        self.services = Services(
            MemorySecrets("service")
            if keys is None
            else FolderSecrets(keys.with_name("services"), "service", max_size=MAX_SERVICE_SIZE),
            self.state,
            self.pool,
        )
        self.settings = Settings(self.state, self.keys)
        self.domains = Domains(self.settings, offline=offline, dnslink=dnslink)
        self.names = Names(self.state, self.domains)

    async def close(self) -> None:
        """Give everything back: threads, the exchange, the store; a forked child leaves it all to its parent.

        A second call waits for the first, and does nothing.
        """
        async with self._closing:
            if not self._closed:
                self._closed = True
                await self._close()

    async def stop(self) -> None:
        """Close, and refuse whatever is asked from then on."""
        try:
            await self.close()
        finally:
            gone: Any = Stopped()
            self.store = self.state = self.exchange = self.keys = self.names = self.settings = self.domains = gone
            self.services = self.lock = self.pool = self.disk = gone

    def check_started(self) -> None:
        """See that the node was not stopped.

        Raises
        ------
        NotSupportedError
            With code ``ERR_NOT_STARTED``: it was.
        """
        if self._closed:
            refuse()

    async def _close(self) -> None:
        self.pool.close()
        self.disk.close()
        if os.getpid() != self._pid:
            return
        try:
            await self.domains.close()
            await self.exchange.close()
        finally:
            try:
                # Whatever a call has acknowledged is durable; what else the store still gathers was only read.
                with suppress(NoSpaceError):
                    await self.store.close()
            finally:
                self._homeless.clear()
                self.lock.close()
                await self.state.close()

    def keeping(self) -> AbstractAsyncContextManager[None]:
        """Keep garbage collection waiting for an ``async with``.

        Hold it from before the first block is written until a root (a pin, the MFS) is recorded that holds it.
        Many hold it at once. Not to be taken again by a call that holds it already: it would wait for itself, up to
        two seconds, where a collector waits in between.
        """
        return self.lock.shared()

    async def load(self, cid: CID, context: FetchContext | None = None, *, reading: bool = False) -> bytes:
        """Return a block; one that is damaged here is asked for elsewhere, and is whole again when it was found.

        Parameters
        ----------
        cid : CID
        context : FetchContext, optional
            Why it is wanted.
        reading : bool
            Nothing is recorded that needs the block here: where there is no room for it, it is held in memory.

        Raises
        ------
        NotFoundError
            When nobody has it.
        HashMismatchError
            When what came from elsewhere is not what its CID says, or what is here is damaged and nobody else has it.
        NoSpaceError
            There is no room to keep it, and it is not only read.
        """
        if cid.is_identity:
            return cid.block_inside()
        try:
            return await self.store.get(cid)
        except NotFoundError:
            block = await self._fetch(cid, context or FetchContext())
        except HashMismatchError as damage:
            try:
                block = await self._fetch(cid, context or FetchContext())
            except NotFoundError:
                raise damage from None
        try:
            await self._keep_fetched(cid, block)
        except NoSpaceError:
            if not reading:
                raise
            self._homeless.put(cid, block)
        return block

    async def keep(self, cid: CID, data: bytes, *, pinned: bool = False, offline: bool = False) -> None:
        """Store a block of which its CID was made, durable at the end; with ``pinned`` pin what is under it too.

        Raises
        ------
        NotFoundError
            With ``pinned``: a block of the DAG is not to be had.
        """
        async with self.keeping():
            if not cid.is_identity:
                await self.store.put(cid, data)
                await self.store.sync()
            if pinned:
                # It needs this module.
                from ipfs_comm.node.embedded.pin import pin_root

                await pin_root(self, cid, offline=offline)

    async def _fetch(self, cid: CID, context: FetchContext) -> bytes:
        """Return a block from elsewhere, verified."""
        if (held := self._homeless.get(cid)) is not None:
            return held
        block = await self._ask(cid, context)
        await multihash.verify_beside(self.pool.run, cid.multihash, block)
        return block

    async def _ask(self, cid: CID, context: FetchContext) -> bytes:
        if context.offline:
            return await _BY_CALL.fetch(cid, context=context)
        if os.getpid() != self._pid:
            raise NotSupportedError(
                f"block {cid} is not here, and this node's connections are those of process {self._pid}, from which "
                f"this one ({os.getpid()}) was forked: open a node of its own here",
                detail={"cid": str(cid)},
            )
        left = remaining()
        with self.traffic.waiting(cid):
            block = await self.exchange.fetch(cid, context=context if left is None else replace(context, timeout=left))
        self.traffic.came(len(block))
        return block

    async def settle(self, wanted: Target) -> Target:
        """Return what a target stands for now, if it begins at a name; any other is returned as it is.

        Raises
        ------
        NotFoundError, InvalidRecordError, LimitError
            The name leads nowhere.
        """
        if not wanted.mutable:
            return wanted
        named = content_path.ContentPath("ipns", str(wanted.start), wanted.segments)
        path = await self.names.follow(named, offline=wanted.offline)
        return replace(target(str(path), offline=wanted.offline), text=wanted.text)

    def read(
        self, load: Load, cid: CID, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes | memoryview, None]:
        """Generate bytes of a file whose blocks ``load`` gives, which `loader` made; as `exporter.cat` does."""
        return exporter.cat(load, cid, offset=offset, length=length)

    def loader(self, wanted: Target) -> Load:
        """Return a function that loads blocks of ``wanted`` to be read; its errors say of what a block is a part.

        Raises
        ------
        NotSupportedError
            The target begins at a name, and has not been settled.
        """
        wanted.check_settled()
        return _Loader(self, FetchContext(path=wanted.text if wanted.segments else "", offline=wanted.offline))


class _Loader:
    """Loads blocks to be read, for one reason."""

    def __init__(self, context: Context, why: FetchContext) -> None:
        self._context = context
        self._why = why

    async def __call__(self, cid: CID) -> bytes:
        return await self._context.load(cid, self._why, reading=True)

    async def many(self, cids: Sequence[CID]) -> Sequence[bytes | None]:
        """Return those blocks that are here and whole."""
        try:
            return await self._context.store.get_many(cids)
        except (HashMismatchError, RepositoryError):
            # Loaded one by one, only those that it is about fail, or come from elsewhere.
            return [None] * len(cids)
