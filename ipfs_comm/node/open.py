"""``open_node``: the one way to a node, whichever kind it is."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfs_comm._shown import listed, shown
from ipfs_comm.errors import InvalidInputError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from ipfs_comm.exchange import Exchange
    from ipfs_comm.node.api import Node

MEMORY = ":memory:"


def default_repo() -> Path:
    """Return where the embedded node keeps its blocks by default: ``repo`` in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("ipfs_comm", appauthor=False) / "repo"


def _expanded(place: str | os.PathLike[str]) -> Path:
    return Path(place).expanduser()


def _addresses(gateways: str | Iterable[str] | None, offline: bool, exchange: Exchange | None) -> tuple[str, ...]:
    from ipfs_comm.exchange import addresses

    if exchange is not None and (gateways is not None or offline):
        raise InvalidInputError("give a node an exchange, or gateways and offline, not both")
    if offline or exchange is not None:
        return ()
    return addresses.chosen() if gateways is None else addresses.parse(gateways)


def _source(addresses: tuple[str, ...], where: str) -> Exchange:
    from ipfs_comm.exchange import Gateways, Offline

    return Gateways(addresses, store=where) if addresses else Offline(where)


@asynccontextmanager
async def open_node(
    kind: str = "embedded",
    *,
    repo: str | os.PathLike[str] | None = None,
    gateways: str | Iterable[str] | None = None,
    offline: bool = False,
    read_only: bool = False,
    exchange: Exchange | None = None,
    storage_max: int | str | None = None,
    storage_reserve: int | str | None = None,
    hash_on_read: bool = False,
    shard_split_threshold: int | None = None,
    cid_version: int | None = None,
    hash_alg: str | None = None,
    **options: Any,
) -> AsyncIterator[Node]:
    """Open a node for the time of an ``async with``.

    The node runs on the loop that it is opened on, and needs no other thread.

    Parameters
    ----------
    kind : str
        ``"embedded"``: a whole node in this process.
    repo : str or path, optional
        Folder of its blocks, made with mode 0700; ``":memory:"`` keeps nothing; the user's data folder where not given.
    gateways : str or iterable of str, optional
        Trustless HTTP gateways that are asked for blocks which the repository does not have, ``https://host`` or
        ``http://host:port`` each; none if it is empty. Where not given, those that ``IPFS_COMM_GATEWAYS`` names, else
        ``ipfs_comm.exchange.DEFAULT_GATEWAYS``. A gateway that is asked learns what is read.
    offline : bool
        Ask nobody: a missing block is an error at once, and so is the name of a domain, which only DNS knows.
    read_only : bool
        Refuse every call that would write to the repository, which must be there already. What comes from elsewhere is
        held in memory, up to 64 MiB; a repository without a key of its own gets none, and ``id`` tells one that ends
        with the process.
    exchange : Exchange, optional
        Another source of blocks in place of gateways.
    storage_max : int or str, optional
        The most bytes that the repository's files may take together, or its blocks in memory, also as text such as
        ``"10GB"``; no limit where not given. What would exceed it is refused before it is written; see
        ``ipfs_comm.blockstore.room`` for how exactly that holds over many processes.
    storage_reserve : int or str, optional
        Free bytes of the repository's volume that blocks leave alone; where not given 256 MiB, or 5 % of a volume of
        less than 5 GiB. 0 uses all of it.
    hash_on_read : bool
        Verify blocks by their hash whenever they are read from disk, beside their records' checksum (Kubo:
        ``Datastore.HashOnRead``).
    shard_split_threshold : int, optional
        Bytes beyond which ``add`` shards a directory where a call does not say; Kubo's 256 KiB where not given.
    cid_version, hash_alg : int and str, optional
        Those of what ``add`` makes, and of a new MFS, where a call does not say (Kubo: ``Import.CidVersion``,
        ``Import.HashFunction``).

    Yields
    ------
    Node
        The core API.

    Raises
    ------
    InvalidInputError
        For an option that this kind does not have.
    NotSupportedError
        For a kind that there is not.
    RepositoryError
        When the repository cannot be used, or is not there with ``read_only`` (code ``ERR_NO_REPO``).
    NoSpaceError
        When its disk is so full that it cannot be opened.
    """
    if kind != "embedded":
        raise NotSupportedError(f"there is no node of kind {shown(kind)}: use kind='embedded'")
    if options:
        raise InvalidInputError(
            f"an embedded node has no option {listed(sorted(options))}: it has repo, gateways, offline, read_only, "
            "exchange, storage_max, storage_reserve, hash_on_read, shard_split_threshold, cid_version and hash_alg"
        )
    from ipfs_comm.blockstore import (
        Blockstore,
        Keeping,
        MemoryBlockstore,
        MemoryState,
        SegmentBlockstore,
        SqliteState,
        State,
    )
    from ipfs_comm.node.embedded import EmbeddedNode

    # Before anything is opened, so that there is nothing to close when an address is refused.
    addresses = _addresses(gateways, offline, exchange)

    place = default_repo() if repo is None else repo
    store: Blockstore
    state: State
    if os.fspath(place) == MEMORY:
        store, state, keeping, keys = MemoryBlockstore(storage_max=storage_max), MemoryState(), Keeping(), None
        where = "the repository in memory"
    else:
        store = await SegmentBlockstore.open(
            _expanded(place),
            storage_max=storage_max,
            storage_reserve=storage_reserve,
            hash_on_read=hash_on_read,
            create=not read_only,
        )
        state, keeping = SqliteState(store.directory), Keeping(store.directory)
        keys = store.directory / "keystore"
        where = f"the repository {place}"
    source = exchange or _source(addresses, where)
    chosen = {"shard_split_threshold": shard_split_threshold, "cid_version": cid_version, "hash_alg": hash_alg}
    defaults = {name: value for name, value in chosen.items() if value is not None}
    node = EmbeddedNode(
        store,
        source,
        repo=os.fspath(place),
        defaults=defaults,
        state=state,
        keeping=keeping,
        keys=keys,
        read_only=read_only,
        offline=offline,
    )
    try:
        yield node
    finally:
        await node.close()
