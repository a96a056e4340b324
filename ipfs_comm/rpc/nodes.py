"""DAG nodes as they travel: ``{dagNode, cids}``, each of ``cids`` being the very link object in ``dagNode``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.ipld import CID
from ipfs_comm.rpc.cids import cid_bytes, decode_cid, encode_cid
from ipfs_comm.rpc.values import bytes_like

if TYPE_CHECKING:
    from collections.abc import Callable

#: Values in one node. A block is at most 2 MiB and a value takes at least one byte of it.
MAX_VALUES = 2_097_152
MAX_DEPTH = 1_000


def encode_node(value: Any) -> dict[str, Any]:
    """Return a value of the IPLD data model in its travelling form."""
    cids: list[dict[str, Any]] = []

    def leaf(item: Any) -> Any:
        if isinstance(item, CID):
            cids.append(encode_cid(item))
            return cids[-1]
        return item

    return {"dagNode": _rebuild(value, leaf, lambda _: False), "cids": cids}


def decode_node(travelling: object) -> Any:
    """Return the value of the IPLD data model that ``{dagNode, cids}`` stands for.

    A link is an object that is one of ``cids``, or that has the shape of a CID and the bytes of one of them: a client
    whose CID class comes from another copy
    of multiformats sends the latter.

    Raises
    ------
    InvalidInputError
        For a value outside the data model.
    LimitError
        For one that is too deep or has too many values.
    """
    if not isinstance(travelling, dict) or "dagNode" not in travelling:
        raise InvalidInputError("dagNode is missing: give {dagNode, cids}")
    cids = travelling.get("cids")
    if not isinstance(cids, list):
        raise InvalidInputError("cids is missing: give {dagNode, cids} with cids an array of the links in dagNode")
    identities = {id(cid) for cid in cids}
    named = {bytes(decode_cid(cid, "an entry of cids")) for cid in cids}

    def is_link(item: Any) -> bool:
        return id(item) in identities or (bool(named) and cid_bytes(item) in named)

    def leaf(item: Any) -> Any:
        if is_link(item):
            return decode_cid(item)
        if item is None or isinstance(item, bool | float | str):
            return item
        if isinstance(item, int):
            return int(item)
        raw = bytes_like(item)
        if raw is None:
            raise InvalidInputError(
                f"a {type(item).__name__} has no place in the IPLD data model: null, booleans, numbers, texts, "
                "bytes, arrays, objects and CIDs have"
            )
        return bytes(raw)

    return _rebuild(travelling["dagNode"], leaf, is_link)


def _rebuild(root: Any, leaf: Callable[[Any], Any], is_leaf: Callable[[Any], bool]) -> Any:
    """Copy a graph of mappings and lists as a tree, without recursion, giving everything else to ``leaf``."""
    holder: list[Any] = [None]
    pending: list[tuple[Any, int, Any, Any]] = [(root, 0, holder, 0)]
    count = 0
    while pending:
        item, depth, parent, key = pending.pop()
        count += 1
        if count > MAX_VALUES or depth > MAX_DEPTH:
            raise LimitError(
                f"a DAG node with more than {MAX_VALUES} values or {MAX_DEPTH} levels, or one that contains itself"
            )
        if isinstance(item, dict) and not is_leaf(item):
            made: Any = dict.fromkeys(item)
            if not all(isinstance(name, str) for name in made):
                raise InvalidInputError("an object in the IPLD data model has texts as keys, and nothing else")
            parent[key] = made
            pending.extend((inner, depth + 1, made, name) for name, inner in item.items())
        elif isinstance(item, list | tuple):
            made = [None] * len(item)
            parent[key] = made
            pending.extend((inner, depth + 1, made, index) for index, inner in enumerate(item))
        else:
            parent[key] = leaf(item)
    return holder[0]
