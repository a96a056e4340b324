"""``open_node``: the one way to a node, whichever kind it is."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfs_comm._shown import listed, shown
from ipfs_comm.errors import InvalidInputError, NotSupportedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from ipfs_comm.exchange import Exchange
    from ipfs_comm.node.api import Node
    from ipfs_comm.node.kubo.find import Found

MEMORY = ":memory:"
IN_MEMORY = "the repository in memory"


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
    kubo_api: str | None = None,
    kubo_auth: str | None = None,
    tell: Callable[[str], object] | None = None,
    **options: Any,
) -> AsyncIterator[Node]:
    """Open a node for the time of an ``async with``.

    The node runs on the loop that it is opened on, and needs no other thread.

    Parameters
    ----------
    kind : str
        ``"embedded"``: a whole node in this process. ``"kubo"``: a Kubo daemon, by its RPC API. ``"auto"``: a daemon
        where ``kubo_api`` or ``IPFS_COMM_KUBO_API`` names one, or where this user's own runs (see `kubo_api`), else the
        embedded node.
    repo : str or path, optional
        Folder of its blocks, made with mode 0700; ``":memory:"`` keeps nothing; the user's data folder where not given.
    gateways : str or iterable of str, optional
        Trustless HTTP gateways that are asked for blocks which the repository does not have, ``https://host`` or
        ``http://host:port`` each; none if it is empty. Where not given, those that ``IPFS_COMM_GATEWAYS`` names, else
        ``ipfs_comm.exchange.DEFAULT_GATEWAYS``. A gateway that is asked learns what is read.
    offline : bool
        Ask nobody: a missing block is an error at once, and so is the name of a domain, which only DNS knows. A daemon
        is told with every call to ask nobody.
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
    kubo_api : str, optional
        Where a daemon's RPC API is: ``http://127.0.0.1:5001``, ``https://host``, ``/ip4/127.0.0.1/tcp/5001``,
        ``/dns/host/tcp/443/https`` or ``/unix/path/to/socket``; that daemon is used and no other. Where not given, the
        one that ``IPFS_COMM_KUBO_API`` names (not looked at if this is empty), else the one of this user's repository,
        ``$IPFS_PATH`` or ``~/.ipfs``: its file ``api`` has to be this user's, and what answers there has to have the
        PeerID in its file ``config``. The default port is never tried: another user's daemon may listen there.
    kubo_auth : str, optional
        What lets one in there, ``basic:user:password`` or ``bearer:token`` (Kubo: ``API.Authorizations``); where not
        given, ``IPFS_COMM_KUBO_AUTH``.
    tell : callable, optional
        Told in one line which node was opened, why, and whether what is added there becomes known to the public.

    Yields
    ------
    Node
        The core API.

    Raises
    ------
    InvalidInputError
        For an option that this kind does not have.
    NotSupportedError
        For a kind that there is not, or one that needs a package which is not installed.
    UnreachableError, DaemonError
        When a daemon is asked for and is not there, or does not let us in: no other node takes its place.
    RepositoryError
        When the repository cannot be used, or is not there with ``read_only`` (code ``ERR_NO_REPO``).
    NoSpaceError
        When its disk is so full that it cannot be opened.
    """
    if options:
        raise InvalidInputError(
            f"a node has no option {listed(sorted(options))}: there are repo, gateways, offline, read_only, exchange, "
            "storage_max, storage_reserve, hash_on_read, shard_split_threshold, cid_version, hash_alg, kubo_api, "
            "kubo_auth and tell"
        )
    of_embedded: dict[str, Any] = {
        "repo": repo,
        "gateways": gateways,
        "exchange": exchange,
        "storage_max": storage_max,
        "storage_reserve": storage_reserve,
        "hash_on_read": hash_on_read,
    }
    of_kubo = {"kubo_api": kubo_api, "kubo_auth": kubo_auth}
    match kind:
        case "embedded":
            _refuse_options(kind, of_kubo)
        case "kubo":
            _refuse_options(kind, of_embedded)
        case "auto":
            pass
        case _:
            raise NotSupportedError(
                f"there is no node of kind {shown(kind)}: use kind='embedded', kind='kubo' or kind='auto'"
            )
    chosen = {"shard_split_threshold": shard_split_threshold, "cid_version": cid_version, "hash_alg": hash_alg}
    of_both: dict[str, Any] = {
        "offline": offline,
        "read_only": read_only,
        "defaults": {name: value for name, value in chosen.items() if value is not None},
        "tell": tell,
    }
    async with AsyncExitStack() as stack:
        found = await _daemon(kind, kubo_api, kubo_auth) if kind != "embedded" else ""
        if isinstance(found, str):
            yield await stack.enter_async_context(_open_embedded(found, **of_embedded, **of_both))
        else:
            from ipfs_comm.node.kubo.open import open_daemon

            yield await stack.enter_async_context(open_daemon(found, **of_both))


def _refuse_options(kind: str, others: Mapping[str, Any]) -> None:
    """Refuse options that mean nothing to a kind of node: whoever gives them relies on them."""
    if given := [name for name, value in others.items() if value is not None and value is not False]:
        raise InvalidInputError(
            f"a node of kind {kind!r} has no {', '.join(given)}: leave that out, or choose kind='auto' or "
            f"kind={'embedded' if kind == 'kubo' else 'kubo'!r}"
        )


async def _daemon(kind: str, address: str | None, credentials: str | None) -> Found | str:
    """Return the daemon to use, or why it is none that may be."""
    from ipfs_comm.node.kubo.errors import START
    from ipfs_comm.node.kubo.find import NoDaemonError, find

    try:
        return await find(address, credentials)
    except NoDaemonError as error:
        if kind == "auto":
            return f"no Kubo daemon to use: {error}"
        raise UnreachableError(f"there is no Kubo daemon to use: {error}; {START}") from error


@asynccontextmanager
async def _open_embedded(
    why: str,
    *,
    repo: str | os.PathLike[str] | None,
    gateways: str | Iterable[str] | None,
    offline: bool,
    read_only: bool,
    exchange: Exchange | None,
    storage_max: int | str | None,
    storage_reserve: int | str | None,
    hash_on_read: bool,
    defaults: Mapping[str, Any],
    tell: Callable[[str], object] | None,
) -> AsyncIterator[Node]:
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
        where = IN_MEMORY
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
        if tell is not None:
            kept = "in memory, where nothing is kept" if where == IN_MEMORY else where
            tell(f"embedded, {kept}" + (f" ({why})" if why else ""))
        yield node
    finally:
        await node.close()
