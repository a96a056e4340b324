"""The client's namespaces, and results of the wire in the node's forms."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import ProtocolError
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import (
    AddResult,
    BlockRemoval,
    BlockStat,
    Bytes,
    CIDLike,
    DagGetResult,
    DagResolveResult,
    FileStat,
    LsEntry,
    Mtime,
)
from ipfs_comm.node.stream import Stream, as_list
from ipfs_comm.rpc.cids import decode_cid, encode_cid
from ipfs_comm.rpc.errors import decode_error
from ipfs_comm.rpc.nodes import decode_node, encode_node
from ipfs_comm.rpc.values import bytes_like, missing
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from ipfs_comm.rpc.transport import Transport


def js(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options under their js-ipfs names; those that are None are left out."""
    return {camel(name): value for name, value in options.items() if value is not None}


def camel(name: str) -> str:
    """Return the js-ipfs spelling of a snake_case name."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def path(value: CIDLike) -> Any:
    """Return a CID or path in its travelling form."""
    return value if isinstance(value, str) else encode_cid(CID.of(value))


def member(value: Any, name: str) -> Any:
    """Return a member that a result must have.

    Raises
    ------
    ProtocolError
        When it has not.
    """
    if not isinstance(value, Mapping) or name not in value:
        raise ProtocolError(f"a result came without its member {name}")
    return value[name]


def _optional(value: Mapping[str, Any], name: str, kind: type) -> Any:
    found = value.get(name)
    if missing(found):
        return None
    if not isinstance(found, kind):
        raise ProtocolError(f"the member {name} of a result is a {type(found).__name__}")
    return found


def _mtime(value: Mapping[str, Any]) -> Mtime | None:
    found = _optional(value, "mtime", dict)
    return None if found is None else Mtime(int(found["secs"]), int(found.get("nsecs") or 0))


def chunk(value: Any) -> bytes:
    """Return a chunk of a file.

    Raises
    ------
    ProtocolError
        When it is no bytes.
    """
    raw = bytes_like(value)
    if raw is None:
        raise ProtocolError(f"a chunk of a file is a {type(value).__name__}")
    whole = raw.obj
    return whole if type(whole) is bytes and len(whole) == raw.nbytes else bytes(raw)


def added(value: Any) -> AddResult:
    """Return an entry of ``add``."""
    cid = decode_cid(member(value, "cid"))
    return AddResult(member(value, "path"), cid, member(value, "size"), _optional(value, "mode", int), _mtime(value))


def listed(value: Any) -> LsEntry:
    """Return an entry of ``ls``."""
    cid = decode_cid(member(value, "cid"))
    return LsEntry(
        member(value, "name"),
        member(value, "path"),
        cid,
        member(value, "type"),
        member(value, "size"),
        _optional(value, "mode", int),
        _mtime(value),
    )


class _Namespace:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def _call(self, method: str, timeout: float | None, **given: Any) -> Any:
        sent = {name: clone.undefined if value is None else value for name, value in given.items()}
        return await self._transport.call(type(self).__name__.lower(), method, sent, [], timeout)


class Dag(_Namespace):
    """Nodes of the IPLD data model."""

    async def put(self, value: Any, *, timeout: float | None = None, **options: Any) -> CID:
        """Encode and store ``value``, and return its CID; options as for ``DagAPI.put``."""
        return decode_cid(await self._call("put", timeout, dagNode=encode_node(value), **js(options)))

    async def get(
        self, cid: CIDLike, *, path: str = "", local_resolve: bool = False, timeout: float | None = None
    ) -> DagGetResult:
        """Return the value at ``path`` under ``cid``."""
        found = await self._call("get", timeout, cid=_path(cid), path=path or None, localResolve=local_resolve)
        return DagGetResult(decode_node(member(found, "value")), member(found, "remainderPath"))

    async def resolve(self, cid: CIDLike, *, path: str = "", timeout: float | None = None) -> DagResolveResult:
        """Return the last CID on a path, and what remains of it."""
        found = await self._call("resolve", timeout, cid=_path(cid), path=path or None)
        return DagResolveResult(decode_cid(member(found, "cid")), member(found, "remainderPath"))


class Block(_Namespace):
    """Raw blocks."""

    async def put(self, block: Bytes, *, timeout: float | None = None, **options: Any) -> CID:
        """Store the bytes of one block; options as for ``BlockAPI.put``."""
        return decode_cid(member(await self._call("put", timeout, block=block, **js(options)), "cid"))

    async def get(self, cid: CIDLike, *, timeout: float | None = None) -> bytes:
        """Return the bytes of a block."""
        return chunk(member(await self._call("get", timeout, cid=_path(cid)), "block"))

    def rm(
        self,
        cids: CIDLike | Iterable[CIDLike],
        *,
        force: bool = False,
        quiet: bool = False,
        timeout: float | None = None,
    ) -> Stream[BlockRemoval, list[BlockRemoval]]:
        """Remove blocks."""
        self._transport.check()
        wanted = [_path(cid) for cid in (cids if isinstance(cids, list | tuple | set | frozenset) else [cids])]

        async def items() -> AsyncGenerator[BlockRemoval, None]:
            for removal in await self._call("rm", timeout, cids=wanted, force=force, quiet=quiet):
                error = removal.get("error")
                yield BlockRemoval(decode_cid(member(removal, "cid")), None if missing(error) else decode_error(error))

        return Stream(items, as_list, timeout=timeout, what="block.rm")

    async def stat(self, cid: CIDLike, *, timeout: float | None = None) -> BlockStat:
        """Return the size of a block."""
        found = await self._call("stat", timeout, cid=_path(cid))
        return BlockStat(decode_cid(member(found, "cid")), member(found, "size"))


class Files(_Namespace):
    """The mutable file system."""

    async def stat(
        self,
        path: CIDLike,
        *,
        hash: bool = False,
        size: bool = False,
        with_local: bool = False,
        timeout: float | None = None,
    ) -> FileStat:
        """Describe ``/path`` of the MFS, or ``/ipfs/<cid>/path``."""
        found = member(
            await self._call("stat", timeout, path=_path(path), hash=hash, size=size, withLocal=with_local), "stat"
        )
        return FileStat(
            decode_cid(member(found, "cid")),
            member(found, "type"),
            member(found, "size"),
            member(found, "cumulativeSize"),
            member(found, "blocks"),
            found.get("withLocality") is True,
            _optional(found, "local", bool),
            _optional(found, "sizeLocal", int),
            _optional(found, "mode", int),
            _mtime(found),
        )


_path = path
