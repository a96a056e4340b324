"""From a root and names to what they lead to: through directories, shards, and the links inside IPLD nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import CodecError, LimitError, NoLinkError, NotFoundError, NotUnixFSError
from ipfs_comm.ipld import CID, codecs
from ipfs_comm.ipld.codecs import dag_pb
from ipfs_comm.unixfs import hamt
from ipfs_comm.unixfs._reader import Reader, parse
from ipfs_comm.unixfs.builder import DAG_PB, RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.unixfs.options import Load

_IDENTITY_CODEC: Final = 0x00
#: The most names in one path.
MAX_SEGMENTS: Final = 4096


@dataclass(frozen=True, slots=True)
class Step:
    """One block on a path.

    Attributes
    ----------
    cid : CID
    name : str
        The names that led here from the block before, joined by ``/``; empty for the root.
    remainder : tuple of str
        What lay ahead when this block was reached.
    """

    cid: CID
    name: str
    remainder: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where a path leads.

    Attributes
    ----------
    cid : CID
        The last block on the path; not loaded where the path ends at it.
    remainder : tuple of str
        Names inside that block, for codecs that have an inside (dag-cbor, dag-json, …); checked to exist.
    steps : tuple of Step
        The root and every block that a name led to, in order; shards are not among them.
    blocks : tuple of CID
        Every block on the way, shards included, ending with `cid`.
    """

    cid: CID
    remainder: tuple[str, ...]
    steps: tuple[Step, ...]
    blocks: tuple[CID, ...]


async def resolve(load: Load, cid: CID, segments: Sequence[str]) -> Resolved:
    """Follow names from a root.

    Parameters
    ----------
    load : async callable
    cid : CID
    segments : sequence of str
        As they are in the nodes: percent-encoding is the gateway's business.

    Raises
    ------
    NoLinkError
        A node on the way does not have the next name.
    NotFoundError
        Nobody has a block on the way; the message says which name led to it.
    NotUnixFSError, CodecError
        A block on the way cannot be read.
    LimitError
        The path has more than `MAX_SEGMENTS` names.
    """
    if len(segments) > MAX_SEGMENTS:
        raise LimitError(
            f"a path of {len(segments)} names is too long: at most {MAX_SEGMENTS}", detail={"limit": MAX_SEGMENTS}
        )
    walk = _Walk(load, cid, tuple(segments))
    return await walk.run()


class _Walk:
    def __init__(self, load: Load, root: CID, segments: tuple[str, ...]) -> None:
        self._load = load
        self._reader = Reader(self._loaded)
        self._root = root
        self._segments = segments
        self._at = 0
        self._name = ""
        self._blocks: list[CID] = []

    async def _loaded(self, cid: CID) -> bytes:
        try:
            return await self._load(cid)
        except NotFoundError as error:
            if not self._name:
                raise
            # Who loads blocks knows nothing of paths; who reads the error needs to.
            path = "/".join((f"/ipfs/{self._root}", *self._segments))
            raise type(error)(
                f"{error} (path segment {shown(self._name)} of {path})",
                code=error.code,
                detail={**error.detail, "segment": self._name, "path": path},
            ) from error

    async def run(self) -> Resolved:
        cid = self._root
        steps = [Step(cid, "", self._segments)]
        while self._at < len(self._segments):
            began = self._at
            following = await self._next(cid)
            if following is None:
                self._blocks.append(cid)
                return Resolved(cid, self._segments[began:], tuple(steps), tuple(self._blocks))
            self._name = "/".join(self._segments[began : self._at])
            cid = following
            steps.append(Step(cid, self._name, self._segments[self._at :]))
        self._blocks.append(cid)
        return Resolved(cid, (), tuple(steps), tuple(self._blocks))

    async def _next(self, cid: CID) -> CID | None:
        """Return the CID that the next names lead to; None where they end inside this block."""
        if cid.code in (RAW, _IDENTITY_CODEC):
            raise self._no_link(cid, "bytes without links")
        block = await self._reader.block(cid)
        if cid.code == DAG_PB:
            return await self._through_dag_pb(cid, block)
        self._blocks.append(cid)
        value: Any = codecs.get(cid.code).decode(block)
        while self._at < len(self._segments):
            value = self._inside(cid, value, self._segments[self._at])
            self._at += 1
            if isinstance(value, CID):
                return value
        self._blocks.pop()
        return None

    def _inside(self, cid: CID, value: Any, name: str) -> Any:
        if isinstance(value, dict) and name in value:
            return value[name]
        if isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 10 and int(name) < len(value):
            return value[int(name)]
        raise self._no_link(cid, f"a {cid.codec} node")

    async def _through_dag_pb(self, cid: CID, block: bytes) -> CID:
        name = self._segments[self._at]
        self._at += 1
        self._blocks.append(cid)
        try:
            node = parse(cid, block)
        except NotUnixFSError:
            try:
                links, data = dag_pb.decode(block)
            except CodecError as error:
                raise NotUnixFSError(f"{cid} cannot be read: {error}", detail={"cid": str(cid)}) from error
            what = "a dag-pb node" if data is None else "a dag-pb node that is no UnixFS"
            found = next((link.hash for link in links if link.name == name), None)
        else:
            what = "a raw block" if node.message is None else f"a UnixFS {node.message.type}"
            if node.message is not None and node.message.type == "hamt-sharded-directory":
                found = await hamt.find(_Noting(self._reader, self._blocks), node, name)
            elif node.message is not None and node.message.type == "directory":
                found = next((link.hash for link in node.links if link.name == name), None)
            else:
                found = None
        if found is None:
            self._at -= 1
            raise self._no_link(cid, what)
        return found

    def _no_link(self, cid: CID, what: str) -> NoLinkError:
        name = self._segments[self._at]
        path = "/".join((f"/ipfs/{self._root}", *self._segments))
        return NoLinkError(
            f"no link named {shown(name)} under {cid}, which is {what}, while resolving {path}: check the name, or "
            f"list what is there with ls",
            detail={"cid": str(cid), "segment": name, "path": path},
        )


class _Noting(Reader):
    """Notes which shards a look-up went through."""

    def __init__(self, reader: Reader, blocks: list[CID]) -> None:
        super().__init__(reader.block)
        self._blocks = blocks

    async def block(self, cid: CID) -> bytes:
        self._blocks.append(cid)
        return await super().block(cid)
