"""``open_node``: the one way to a node, whichever kind it is."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipfs_comm.exchange import Exchange
    from ipfs_comm.node.api import Node

MEMORY = ":memory:"


def default_repo() -> Path:
    """Return where the embedded node keeps its blocks by default: ``repo`` in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("ipfs_comm", appauthor=False) / "repo"


def _expanded(place: str | os.PathLike[str]) -> Path:
    return Path(place).expanduser()


@asynccontextmanager
async def open_node(
    kind: str = "embedded",
    *,
    repo: str | os.PathLike[str] | None = None,
    exchange: Exchange | None = None,
    shard_split_threshold: int | None = None,
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
    exchange : Exchange, optional
        Where blocks come from that the repository does not have; from nowhere where not given.
    shard_split_threshold : int, optional
        Bytes beyond which ``add`` shards a directory where a call does not say; Kubo's 256 KiB where not given.

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
        When the repository cannot be used.
    """
    if kind != "embedded":
        raise NotSupportedError(f"there is no node of kind {kind!r}: use kind='embedded'")
    if options:
        raise InvalidInputError(
            f"an embedded node has no option {', '.join(sorted(options))}: it has repo, exchange and "
            "shard_split_threshold"
        )
    from ipfs_comm.blockstore import Blockstore, MemoryBlockstore, SegmentBlockstore
    from ipfs_comm.exchange import Offline
    from ipfs_comm.node.embedded import EmbeddedNode

    place = default_repo() if repo is None else repo
    store: Blockstore
    if os.fspath(place) == MEMORY:
        store = MemoryBlockstore()
        where = "the repository in memory"
    else:
        store = await SegmentBlockstore.open(_expanded(place))
        where = f"the repository {place}"
    source = exchange or Offline(where)
    defaults = {} if shard_split_threshold is None else {"shard_split_threshold": shard_split_threshold}
    node = EmbeddedNode(store, source, repo=os.fspath(place), defaults=defaults)
    try:
        yield node
    finally:
        await node.close()
