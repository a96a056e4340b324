"""``dag``: nodes of every codec of the registry, and whole DAGs."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipld import CID, codecs
from ipfs_comm.ipld import path as content_path
from ipfs_comm.node.api import CIDLike, DagGetResult, DagResolveResult, DagStat, DagStatResult
from ipfs_comm.node.embedded import dag_car, dag_tree
from ipfs_comm.node.embedded.dag_walk import root_of, walk
from ipfs_comm.node.embedded.put import cid_of, each
from ipfs_comm.node.stream import deadline
from ipfs_comm.node.target import target

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Sequence

    from ipfs_comm.node.api import CarSource, DagImportResult
    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.stream import Stream
    from ipfs_comm.node.target import Target

#: Codec of a CID that is nothing but bytes.
_IDENTITY = 0x00


class Dag:
    """Nodes of the IPLD data model in the embedded node."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def put(
        self,
        value: Any,
        *,
        store_codec: str | None = None,
        format: str | None = None,
        input_codec: str | None = None,
        hash_alg: str = "sha2-256",
        version: int = 1,
        pin: bool = False,
        only_hash: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> CID:
        """Encode a value, store the block, and return its CID.

        Parameters
        ----------
        value : object
            A value of the IPLD data model; with ``input_codec`` the bytes that it is to be decoded from.
        store_codec : str, optional
            Codec of the block, dag-cbor where not given; ``format`` is its older name.
        input_codec : str, optional
            Codec of ``value``.
        hash_alg : str
            Hash function.
        version : int
            CID version; 0 needs dag-pb and sha2-256.
        pin : bool
            Pin it recursively; what it links to must be to be had then.
        only_hash : bool
            Make the CID only.
        offline : bool
            With ``pin``: ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds.

        Raises
        ------
        CodecError
            For a value that the codec cannot encode.
        UnknownCodecError, UnknownHashError
        NotFoundError
            With ``pin``, where a block under it is not to be had.
        LimitError
            For a block of more than 2 MiB.
        """
        codec = codecs.get(store_codec or format or "dag-cbor")
        if input_codec is not None:
            if not isinstance(value, bytes | bytearray | memoryview):
                raise InvalidInputError(
                    f"with input_codec {input_codec} the value is to be bytes, not a {type(value).__name__}"
                )
            value = codecs.get(input_codec).decode(bytes(value))
        data = codec.encode(value)
        async with deadline(timeout, "dag.put"):
            cid = await cid_of(self._context, data, codec.code, hash_alg=hash_alg, version=version)
            if not only_hash:
                await self._context.keep(cid, data, pinned=pin, offline=offline)
        return cid

    async def get(
        self,
        cid: CIDLike,
        *,
        path: str = "",
        local_resolve: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> DagGetResult:
        """Return the value at a path.

        Parameters
        ----------
        cid : CID or path
        path : str
            Further path below it.
        local_resolve : bool
            Stop at the first link: it is the value then, and the rest of the path is ``remainder_path``.
        offline : bool
            Ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NoLinkError
            When the path leads nowhere.
        NotFoundError
            When nobody has a block on the way.
        """
        wanted = target(cid, path, offline=offline)
        async with deadline(timeout, f"dag.get of {wanted.text}"):
            wanted = await self._context.settle(wanted)
            if wanted.root.code == _IDENTITY and not wanted.segments:
                return DagGetResult(await self._context.load(wanted.root))
            load = self._context.loader(wanted)
            found = await content_path.resolve(load, wanted.root, wanted.segments, local=local_resolve)
            stopped = local_resolve and isinstance(found.value, CID)
            return DagGetResult(found.value, "/".join(found.remainder) if stopped else "")

    async def resolve(
        self, cid: CIDLike, *, path: str = "", offline: bool = False, timeout: float | None = None
    ) -> DagResolveResult:
        """Return the last CID on a path, and what of the path remains inside its block.

        Parameters
        ----------
        cid : CID or path
        path : str
            Further path below it.
        offline : bool
            Ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NoLinkError, NotFoundError
            As for ``get``.
        """
        wanted = target(cid, path, offline=offline)
        async with deadline(timeout, f"dag.resolve of {wanted.text}"):
            wanted = await self._context.settle(wanted)
            last, inside = await content_path.resolve_cid(self._context.loader(wanted), wanted.root, wanted.segments)
            return DagResolveResult(last, "/".join(inside))

    def tree(
        self,
        cid: CIDLike,
        *,
        path: str = "",
        recursive: bool = False,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[str, list[str]]:
        """Stream the paths in a node; see ``ipfs_comm.node.embedded.dag_tree``."""
        wanted = target(cid, path, offline=offline)
        return dag_tree.tree(self._context, wanted, recursive=recursive, max_size=max_size, timeout=timeout)

    def export(
        self, root: CIDLike, *, max_size: int | None = None, offline: bool = False, timeout: float | None = None
    ) -> Stream[bytes, bytes]:
        """Stream a CAR of a whole DAG; see ``ipfs_comm.node.embedded.dag_car``."""
        return dag_car.export(self._context, target(root, offline=offline), max_size=max_size, timeout=timeout)

    def import_(
        self,
        source: CarSource | Iterable[CarSource] | AsyncIterable[CarSource],
        *,
        pin_roots: bool = True,
        stats: bool = False,
        timeout: float | None = None,
    ) -> Stream[DagImportResult, list[DagImportResult]]:
        """Store the blocks of CARs and pin their roots; see ``ipfs_comm.node.embedded.dag_car``."""
        return dag_car.import_(self._context, source, pin_roots=pin_roots, stats=stats, timeout=timeout)

    async def stat(
        self, roots: CIDLike | Iterable[CIDLike], *, offline: bool = False, timeout: float | None = None
    ) -> DagStatResult:
        """Count the blocks and bytes of one DAG or of several.

        Parameters
        ----------
        roots : CID or path, or several of these
            Each DAG is read whole.
        offline : bool
            Ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            For no root at all.
        NotFoundError
            When nobody has a block.
        CodecError, UnknownCodecError
            When a block cannot be decoded, so that nobody knows its links.
        """
        wanted = [target(root, offline=offline) for root in each(roots)]
        if not wanted:
            raise InvalidInputError("dag.stat was given no root: give a CID or path, or several")
        async with deadline(timeout, f"dag.stat of {wanted[0].text}"):
            settled = [await self._context.settle(one) for one in wanted]
            return await self._stat([(one, await root_of(self._context.loader(one), one)) for one in settled])

    async def _stat(self, roots: Sequence[tuple[Target, CID]]) -> DagStatResult:
        """Count blocks and bytes under roots, each with the path that led there."""
        unique = set[CID]()
        total = redundant = 0
        stats = []
        for wanted, root in roots:
            count = size = 0
            load = self._context.loader(wanted)
            async with aclosing(walk(load, root, many=self._context.store.get_many)) as blocks:
                async for cid, block in blocks:
                    count += 1
                    size += len(block)
                    if cid not in unique:
                        unique.add(cid)
                        total += len(block)
            redundant += size
            stats.append(DagStat(root, size, count))
        ratio = redundant / total if total else 1.0
        return DagStatResult(len(unique), total, redundant - total, ratio, tuple(stats))
