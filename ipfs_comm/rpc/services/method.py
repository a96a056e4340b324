"""What a namespace says about each of its methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.query import Query


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a namespace.

    Attributes
    ----------
    call : coroutine function
        Does what a query asks of a node, and returns the result's travelling form.
    writes : bool
        Whether it changes the repository; such methods are off with ``read_only``.
    """

    call: Callable[[Node, Query], Awaitable[Any]]
    writes: bool = False
