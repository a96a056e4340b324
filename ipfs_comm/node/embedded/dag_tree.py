"""``dag.tree``: the paths in a node, and in all nodes that it links to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import LimitError
from ipfs_comm.ipld import CID, codecs
from ipfs_comm.ipld import path as content_path
from ipfs_comm.node.embedded.dag_walk import TURN
from ipfs_comm.node.stream import Stream, Whole

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.target import Target

#: Longest path that is told, in characters: what `ipfs_comm.ipld.path` would parse.
MAX_PATH: Final = content_path.MAX_LENGTH
#: Characters of the paths of links that wait to be followed, over all levels.
MAX_PENDING: Final = 64 << 20


def tree(
    context: Context, wanted: Target, *, recursive: bool, max_size: int | None, timeout: float | None
) -> Stream[str, list[str]]:
    """Stream the paths below a value, as the keys of its maps and the indexes of its lists, joined by slashes.

    Parameters
    ----------
    wanted : Target
        A root, and a path below it.
    recursive : bool
        Go on behind links: the paths in a node come before those in the nodes that it links to, which follow one after
        the other. A node that is linked to twice is told twice, under either path.
    max_size : int or None
        Most bytes of all paths where they are awaited whole; 1 GiB where None.
    timeout : float, optional
        Seconds for any one path.

    Raises
    ------
    NoLinkError, NotFoundError
        The path leads nowhere; a block is not to be had.
    LimitError
        A path gets longer than `MAX_PATH` characters, too many links wait, or all paths together, awaited whole, are
        larger than ``max_size``.
    """
    what = f"dag.tree of {wanted.text}"
    return Stream(
        lambda: _paths(context, wanted, recursive), Whole(max_size, what).list(len), timeout=timeout, what=what
    )


async def _paths(context: Context, wanted: Target, recursive: bool) -> AsyncGenerator[str, None]:
    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    found = await content_path.resolve(load, wanted.root, wanted.segments)
    pending: list[tuple[str, CID]] = []
    value, prefix, waiting, blocks = found.value, "", 0, 0
    while True:
        links: list[tuple[str, CID]] = []
        for path, child in _below(value, prefix, wanted.text):
            if recursive and isinstance(child, CID):
                links.append((f"{path}/", child))
                waiting += len(path)
                if waiting > MAX_PENDING:
                    raise LimitError(
                        f"too many links of {wanted.text} wait to be followed, at {path[:200]}: ask for a part of it "
                        "by path, or without recursive",
                        detail={"limit": MAX_PENDING},
                    )
            yield path
        links.reverse()
        pending += links
        if not pending:
            return
        prefix, cid = pending.pop()
        waiting -= len(prefix) - 1
        value = codecs.get(cid.code).decode(await load(cid))
        blocks += 1
        if blocks % TURN == 0:
            await asyncio.sleep(0)


def _below(root: Any, prefix: str, where: str) -> Iterator[tuple[str, Any]]:
    """Yield every path in a value and what is there, outer ones first, without recursion."""
    open_ones = [(prefix, _members(root))]
    while open_ones:
        path, members = open_ones[-1]
        for name, child in members:
            below = f"{path}{name}"
            if len(below) > MAX_PATH:
                raise LimitError(
                    f"a path of {where} has more than {MAX_PATH} characters: {below[:200]}…; ask for a part of it by "
                    "path",
                    detail={"limit": MAX_PATH},
                )
            yield below, child
            if isinstance(child, dict | list):
                open_ones.append((f"{below}/", _members(child)))
                break
        else:
            open_ones.pop()


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        return iter(value.items())
    if isinstance(value, list):
        return ((str(index), child) for index, child in enumerate(value))
    return iter(())
