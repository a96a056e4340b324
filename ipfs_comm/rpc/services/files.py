"""The namespace ``files``: stat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.rpc.cids import decode_path
from ipfs_comm.rpc.services import results
from ipfs_comm.rpc.services.method import Method
from ipfs_comm.rpc.values import Options, flag, milliseconds, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.query import Query

STAT: Options = {
    "hash": ("hash", flag),
    "size": ("size", flag),
    "timeout": ("timeout", milliseconds),
    "withLocal": ("with_local", flag),
}


async def stat(node: Node, query: Query) -> dict[str, Any]:
    """Describe a file or directory: ``{stat}``."""
    options = parse(query.input, STAT, query.where)
    return {"stat": results.stat(await node.files.stat(decode_path(query.input.get("path")), **options))}


METHODS: Mapping[str, Method] = {"stat": Method(stat)}
