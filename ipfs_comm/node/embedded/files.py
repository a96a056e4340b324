"""``files``: the mutable file system, whose root is an empty directory in this version, and its view of ``/ipfs``."""

from __future__ import annotations

from typing import Literal

from ipfs_comm.errors import InvalidPathError, NotFoundError
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import CIDLike, FileStat
from ipfs_comm.node.embedded.context import Context, target
from ipfs_comm.node.embedded.entries import find, mode
from ipfs_comm.node.stream import deadline
from ipfs_comm.unixfs import exporter

#: The empty UnixFS directory.
EMPTY = CID.parse("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn")
EMPTY_SIZE = 4


class Files:
    """The mutable file system of the embedded node."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def stat(
        self,
        path: CIDLike,
        *,
        hash: bool = False,
        size: bool = False,
        with_local: bool = False,
        timeout: float | None = None,
    ) -> FileStat:
        """Describe ``/path`` of the MFS, or ``/ipfs/<cid>/path``.

        Parameters
        ----------
        path : CID or path
        hash, size, with_local : bool
            Accepted as in js-ipfs, where a caller that wants one member gets all of them too.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidPathError
            For an empty or relative path.
        NotFoundError
            When there is nothing at that path.
        """
        if isinstance(path, str) and not path.startswith("/ipfs/"):
            return self._mfs(path)
        wanted = target(path)
        async with deadline(timeout, f"files.stat of {wanted.text}"):
            load = self._context.loader(wanted)
            cid = await find(load, wanted)
            stat = await exporter.stat(load, cid)
        kind: Literal["file", "directory"] = "directory" if stat.type == "directory" else "file"
        return FileStat(cid, kind, stat.size, stat.cumulative_size, stat.blocks, mode=mode(stat), mtime=stat.mtime)

    def _mfs(self, path: str) -> FileStat:
        if not path.startswith("/"):
            raise InvalidPathError(f"paths must start with a leading slash: {path!r} does not")
        if path.strip("/"):
            raise NotFoundError(f"{path} does not exist")
        return FileStat(EMPTY, "directory", 0, EMPTY_SIZE, 0, mode=0o755)
