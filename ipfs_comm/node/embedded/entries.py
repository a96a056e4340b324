"""What a path names in the trees of UnixFS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Load
    from ipfs_comm.node.target import Target


async def find(load: Load, wanted: Target) -> CID:
    """Return the CID of the file or directory that a path names.

    Raises
    ------
    NoLinkError
        When a segment is not there.
    NotUnixFSError
        When the path leads into something that is no file system.
    """
    if not wanted.segments:
        return wanted.root
    found = await exporter.resolve(load, wanted.root, wanted.segments)
    return found.cid
