"""Results of the node in their travelling forms, members named as in js-ipfs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.rpc.cids import encode_cid
from ipfs_comm.wire import MessagePort, clone

if TYPE_CHECKING:
    from ipfs_comm.node.api import AddResult, FileStat, LsEntry, Mtime


def optional(value: Any) -> Any:
    """Return ``value``, or undefined for None."""
    return clone.undefined if value is None else value


def mtime(value: Mtime | None) -> Any:
    """Return a time as ``{secs, nsecs}``."""
    return clone.undefined if value is None else {"secs": value.secs, "nsecs": value.nsecs}


def added(entry: AddResult, transfer: list[MessagePort] | None = None) -> dict[str, Any]:
    """Return an entry of ``add``."""
    return {
        "path": entry.path,
        "cid": encode_cid(entry.cid),
        "size": entry.size,
        "mode": optional(entry.mode),
        "mtime": mtime(entry.mtime),
    }


def listed(entry: LsEntry, transfer: list[MessagePort] | None = None) -> dict[str, Any]:
    """Return an entry of ``ls``."""
    return {
        "cid": encode_cid(entry.cid),
        "type": entry.type,
        "name": entry.name,
        "path": entry.path,
        "mode": optional(entry.mode),
        "mtime": mtime(entry.mtime),
        "size": entry.size,
    }


def stat(entry: FileStat) -> dict[str, Any]:
    """Return the result of ``files.stat``."""
    return {
        "cid": encode_cid(entry.cid),
        "type": entry.type,
        "size": entry.size,
        "cumulativeSize": entry.cumulative_size,
        "blocks": entry.blocks,
        "local": optional(entry.local),
        "sizeLocal": optional(entry.size_local),
        "withLocality": entry.with_locality,
        "mode": optional(entry.mode),
        "mtime": mtime(entry.mtime),
    }
