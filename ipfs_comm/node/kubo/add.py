"""``add`` and ``add_all``: what a call asks for, in Kubo's terms."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, NotSupportedError
from ipfs_comm.ipld import multihash
from ipfs_comm.node.adding import plan_of
from ipfs_comm.node.embedded import add as embedded
from ipfs_comm.node.inputs import entries_of, entry_of
from ipfs_comm.node.kubo.uploading import Call, Uploading
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.unixfs import chunker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable

    from ipfs_comm.node.api import AddInput, AddResult, File
    from ipfs_comm.node.kubo.context import Context

#: Options by their names in Kubo.
_KUBO_NAMES: Final = {"max_file_links": "max_links", "max_hamt_fanout": "hamt_fanout"}
#: What is for the pins of a Cluster.
_OF_CLUSTERS: Final = ("replication_min", "replication_max")
#: What Kubo can do with files on its own disk alone.
_OF_ITS_DISK: Final = ("nocopy", "fscache")


def add_all(
    context: Context,
    source: Iterable[AddInput] | AsyncIterable[AddInput],
    *,
    timeout: float | None = None,
    **options: Any,
) -> Stream[AddResult, list[AddResult]]:
    """Add files and directories while they arrive; parameters and results as for ``ipfs_comm.node.embedded.add``.

    For an IPFS Cluster there are ``replication_min`` and ``replication_max``, which a Kubo daemon is not sent;
    ``max_links`` and ``hamt_fanout`` may be given by Kubo's names ``max_file_links`` and ``max_hamt_fanout`` too. All
    that decides what a DAG is goes with every call: what the daemon's configuration says under ``Import`` changes
    nothing. A file is acknowledged when the daemon has written it, and pinned when what it is in, at the top, is whole.

    Raises
    ------
    InvalidInputError
        For an option that cannot be meant, and for a single item.
    NotSupportedError
        For ``nocopy`` and ``fscache``, which are about files on the daemon's own disk; for what only a Cluster has,
        where there is none; and where the node is read-only.
    DaemonError
        A file has another form of CID than the one that was asked for. What the daemon made is not hashed again here.
    """
    call = _call(context, options)
    return Stream(lambda: _add(context, entries_of(source), call), as_list, timeout=timeout, what="add_all")


async def add(context: Context, entry: AddInput, *, timeout: float | None = None, **options: Any) -> AddResult:
    """Add one file or directory, and return its entry; parameters and errors as for `add_all`."""
    call = _call(context, options)
    file = entry_of(entry)

    async def one() -> AsyncGenerator[File, None]:
        yield file

    async with deadline(timeout, "add"), aclosing(_add(context, one(), call)) as entries:
        results = [result async for result in entries]
    return results[-1]


def _call(context: Context, options: dict[str, Any]) -> Call:
    options = {_KUBO_NAMES.get(name, name): value for name, value in (context.defaults | options).items()}
    for name in _OF_ITS_DISK:
        if options.pop(name, False):
            raise NotSupportedError(
                f"add: {name} is about files on the daemon's own disk, and it is sent their content: use `ipfs add "
                f"--{name}` there"
            )
    cluster = {name: options.pop(name, None) for name in _OF_CLUSTERS}
    for name, value in cluster.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise InvalidInputError(f"{name} is {shown(value)}: a whole number is needed")
    plan = plan_of(**options)
    # What a daemon would refuse with the first file, in words of its own.
    chunker.parse(plan.options.chunker)
    multihash.digest(b"", "identity" if plan.options.hash_alg == "id" else plan.options.hash_alg)
    return Call(plan, cluster)


def _add(context: Context, files: AsyncGenerator[File, None], call: Call) -> AsyncGenerator[AddResult, None]:
    if call.plan.options.only_hash:
        # Nobody needs to be sent anything.
        return embedded.added(context.blocks, files, call.plan)
    return Uploading(context, files, call).run()
