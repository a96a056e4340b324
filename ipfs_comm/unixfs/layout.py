"""Shapes of a file's DAG: how a stream of leaves becomes one node.

Each layout pulls leaves one by one and reduces children to a parent as soon as it knows them, so that only the
unfinished nodes on the way to the root are held. ``reduce(children, root)`` makes a node of one or more children;
``root`` is True for the last call, whose result is the file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from ipfs_comm.errors import LimitError

T = TypeVar("T")
Reduce = Callable[[list[T], bool], Awaitable[T]]

#: How many subtrees of one depth a trickle node has, in Kubo and js-ipfs.
LAYER_REPEAT: Final = 4
#: A flat file must fit one node.
_MAX_FLAT: Final = 32_768


async def balanced(leaves: AsyncIterator[T], reduce: Reduce[T], max_children: int) -> T | None:
    """Build a tree whose leaves all have the same depth, left to right (Kubo's default layout).

    Parameters
    ----------
    leaves : async iterator
    reduce : async callable
    max_children : int
        Most children of a node.

    Returns
    -------
    node or None
        None where there are no leaves.
    """
    levels: list[list[T]] = []

    async def add(node: T, height: int) -> None:
        # A full level is reduced only when one more child comes: until then it may be the root's.
        while True:
            if height == len(levels):
                levels.append([])
            level = levels[height]
            if len(level) < max_children:
                level.append(node)
                return
            levels[height] = [node]
            node = await reduce(level, False)
            height += 1

    async for leaf in leaves:
        await add(leaf, 0)
    if not levels:
        return None
    height = 0
    while height < len(levels) - 1:
        await add(await reduce(levels[height], False), height + 1)
        height += 1
    return await reduce(levels[-1], True)


async def flat(leaves: AsyncIterator[T], reduce: Reduce[T]) -> T | None:
    """Put all leaves below one node; LimitError where they are too many for a block."""
    children: list[T] = []
    async for leaf in leaves:
        if len(children) == _MAX_FLAT:
            raise LimitError(f"a flat file has at most {_MAX_FLAT} chunks: use larger chunks or the balanced layout")
        children.append(leaf)
    return await reduce(children, True) if children else None


async def trickle(
    leaves: AsyncIterator[T], reduce: Reduce[T], max_children: int, layer_repeat: int = LAYER_REPEAT
) -> T | None:
    """Build a tree whose first bytes are near the root (Kubo's ``--trickle``).

    A node has leaves, then ever deeper subtrees, `layer_repeat` of each depth. Parameters and result are those of
    `balanced`. The recursion is as deep as the tree, the logarithm of the number of leaves.
    """
    end = object()
    ahead: T | object = await anext(leaves, end)
    if ahead is end:
        return None

    async def fill(depth: int | None) -> T:
        nonlocal ahead
        children: list[T] = []
        while ahead is not end and len(children) < max_children:
            children.append(ahead)  # type: ignore[arg-type]  # `end` is the only object that is no T
            ahead = await anext(leaves, end)
        below = 1
        while ahead is not end and (depth is None or below < depth):
            for _ in range(layer_repeat):
                if ahead is end:
                    break
                children.append(await fill(below))
            below += 1
        return await reduce(children, depth is None)

    return await fill(None)
