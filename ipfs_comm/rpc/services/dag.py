"""The namespace ``dag``: put, get, resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.rpc.cids import decode_path, encode_cid
from ipfs_comm.rpc.nodes import decode_node, encode_node
from ipfs_comm.rpc.services.method import Method
from ipfs_comm.rpc.values import Options, flag, milliseconds, natural, parse, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.query import Query

PUT: Options = {
    "format": ("format", text),
    "hashAlg": ("hash_alg", text),
    "inputCodec": ("input_codec", text),
    "onlyHash": ("only_hash", flag),
    "pin": ("pin", flag),
    "storeCodec": ("store_codec", text),
    "timeout": ("timeout", milliseconds),
    "version": ("version", natural),
}
GET: Options = {"localResolve": ("local_resolve", flag), "path": ("path", text), "timeout": ("timeout", milliseconds)}
RESOLVE: Options = {"path": ("path", text), "timeout": ("timeout", milliseconds)}


async def put(node: Node, query: Query) -> dict[str, Any]:
    """Store a node: its CID, bare."""
    options = parse(query.input, PUT, query.where)
    return encode_cid(await node.dag.put(decode_node(query.input.get("dagNode")), **options))


async def get(node: Node, query: Query) -> dict[str, Any]:
    """Read a value: ``{remainderPath, value: {dagNode, cids}}``."""
    options = parse(query.input, GET, query.where)
    found = await node.dag.get(decode_path(query.input.get("cid"), "cid"), **options)
    return {"remainderPath": found.remainder_path, "value": encode_node(found.value)}


async def resolve(node: Node, query: Query) -> dict[str, Any]:
    """Follow a path: ``{cid, remainderPath}``."""
    options = parse(query.input, RESOLVE, query.where)
    found = await node.dag.resolve(decode_path(query.input.get("cid"), "cid"), **options)
    return {"cid": encode_cid(found.cid), "remainderPath": found.remainder_path}


METHODS: Mapping[str, Method] = {"put": Method(put, writes=True), "get": Method(get), "resolve": Method(resolve)}
