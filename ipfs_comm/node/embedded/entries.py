"""Files and directories as results: what ``ls``, ``get`` and ``files.stat`` say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ipfs_comm.unixfs import exporter
from ipfs_comm.unixfs.format import DEFAULT_DIRECTORY_MODE, DEFAULT_FILE_MODE

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Load, Target


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


def kind(stat: exporter.Stat) -> Literal["file", "dir"]:
    """Return how listings call what ``stat`` describes."""
    return "dir" if stat.type == "directory" else "file"


def mode(stat: exporter.Stat) -> int | None:
    """Return permission bits: those of the node, else the default of its type; a raw block has none."""
    if stat.type == "raw" or stat.mode is not None:
        return stat.mode
    return DEFAULT_DIRECTORY_MODE if stat.type == "directory" else DEFAULT_FILE_MODE
