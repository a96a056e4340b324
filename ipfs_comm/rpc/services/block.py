"""The namespace ``block``: put, get, rm, stat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.rpc.cids import decode_cid, encode_cid
from ipfs_comm.rpc.errors import encode_error
from ipfs_comm.rpc.services.method import Method
from ipfs_comm.rpc.values import Options, bytes_like, flag, milliseconds, natural, parse, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.query import Query

#: CIDs that one ``rm`` may name: its result is one array.
MAX_CIDS = 65_536

PUT: Options = {
    "format": ("format", text),
    "mhtype": ("mhtype", text),
    "pin": ("pin", flag),
    "timeout": ("timeout", milliseconds),
    "version": ("version", natural),
}
GET: Options = {"timeout": ("timeout", milliseconds)}
RM: Options = {"force": ("force", flag), "quiet": ("quiet", flag), "timeout": ("timeout", milliseconds)}


async def put(node: Node, query: Query) -> dict[str, Any]:
    """Store a block: ``{cid}``."""
    options = parse(query.input, PUT, query.where)
    block = bytes_like(query.input.get("block"))
    if block is None:
        raise InvalidInputError(
            f"block is a {type(query.input.get('block')).__name__}: give the block's bytes as a Uint8Array"
        )
    return {"cid": encode_cid(await node.block.put(block, **options))}


async def get(node: Node, query: Query) -> dict[str, Any]:
    """Read a block: ``{block}``."""
    options = parse(query.input, GET, query.where)
    return {"block": await node.block.get(decode_cid(query.input.get("cid")), **options)}


async def rm(node: Node, query: Query) -> list[dict[str, Any]]:
    """Remove blocks: an array of ``{cid, error?}``."""
    options = parse(query.input, RM, query.where)
    cids = query.input.get("cids")
    given = cids if isinstance(cids, list) else [cids]
    if len(given) > MAX_CIDS:
        raise LimitError(f"{len(given)} CIDs in one call of block.rm: at most {MAX_CIDS}")
    removals = []
    async for removal in node.block.rm([decode_cid(cid) for cid in given], **options):
        one: dict[str, Any] = {"cid": encode_cid(removal.cid)}
        if removal.error is not None:
            one["error"] = encode_error(removal.error, query.where)
        removals.append(one)
    return removals


async def stat(node: Node, query: Query) -> dict[str, Any]:
    """Describe a block: ``{cid, size}``."""
    options = parse(query.input, GET, query.where)
    found = await node.block.stat(decode_cid(query.input.get("cid")), **options)
    return {"cid": encode_cid(found.cid), "size": found.size}


METHODS: Mapping[str, Method] = {
    "put": Method(put, writes=True),
    "get": Method(get),
    "rm": Method(rm, writes=True),
    "stat": Method(stat),
}
