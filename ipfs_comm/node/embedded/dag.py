"""``dag``: put, get, resolve, over every codec of the registry."""

from __future__ import annotations

from typing import Any

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.ipld import CID, codecs, multihash
from ipfs_comm.ipld import path as content_path
from ipfs_comm.node.api import CIDLike, DagGetResult, DagResolveResult
from ipfs_comm.node.embedded.context import Context, target
from ipfs_comm.node.stream import deadline

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
            Accepted; this node never collects garbage.
        only_hash : bool
            Make the CID only.
        timeout : float, optional
            Seconds.

        Raises
        ------
        CodecError
            For a value that the codec cannot encode.
        UnknownCodecError, UnknownHashError
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
        if len(data) > MAX_BLOCK_SIZE:
            raise LimitError(
                f"the node makes a {codec.name} block of {len(data)} bytes: at most {MAX_BLOCK_SIZE} (2 MiB); "
                "split it by links"
            )
        cid = CID.create(version, codec.code, multihash.digest(data, hash_alg))
        async with deadline(timeout, f"dag.put of {cid}"):
            if not only_hash and not cid.is_identity:
                await self._context.store.put(cid, data)
                await self._context.store.sync()
        return cid

    async def get(
        self, cid: CIDLike, *, path: str = "", local_resolve: bool = False, timeout: float | None = None
    ) -> DagGetResult:
        """Return the value at a path.

        Parameters
        ----------
        cid : CID or path
        path : str
            Further path below it.
        local_resolve : bool
            Stop at the first link: it is the value then, and the rest of the path is ``remainder_path``.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NoLinkError
            When the path leads nowhere.
        NotFoundError
            When nobody has a block on the way.
        """
        wanted = target(cid, path)
        async with deadline(timeout, f"dag.get of {wanted.text}"):
            if wanted.root.code == _IDENTITY and not wanted.segments:
                return DagGetResult(await self._context.load(wanted.root))
            load = self._context.loader(wanted)
            found = await content_path.resolve(load, wanted.root, wanted.segments, local=local_resolve)
            stopped = local_resolve and isinstance(found.value, CID)
            return DagGetResult(found.value, "/".join(found.remainder) if stopped else "")

    async def resolve(self, cid: CIDLike, *, path: str = "", timeout: float | None = None) -> DagResolveResult:
        """Return the last CID on a path, and what of the path remains inside its block.

        Parameters
        ----------
        cid : CID or path
        path : str
            Further path below it.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NoLinkError, NotFoundError
            As for ``get``.
        """
        wanted = target(cid, path)
        async with deadline(timeout, f"dag.resolve of {wanted.text}"):
            last, inside = await content_path.resolve_cid(self._context.loader(wanted), wanted.root, wanted.segments)
            return DagResolveResult(last, "/".join(inside))
