"""``object``: dag-pb nodes, as they were before ``dag``; changed copies of them by ``object.patch``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ipfs_comm._shown import shown
from ipfs_comm.errors import CodecError, InvalidInputError, NoLinkError
from ipfs_comm.exchange import FetchContext
from ipfs_comm.ipld import CID
from ipfs_comm.ipld.codecs import dag_pb
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode
from ipfs_comm.node.api import ObjectStat
from ipfs_comm.node.embedded.dag_walk import links_of
from ipfs_comm.node.embedded.put import cid_of
from ipfs_comm.node.stream import deadline
from ipfs_comm.node.target import one_cid
from ipfs_comm.unixfs.format import UnixFS

if TYPE_CHECKING:
    from ipfs_comm.node.api import Bytes, CIDLike, LinkLike, NodeLike
    from ipfs_comm.node.embedded.context import Context

_DAG_PB = 0x70
_BYTES = (bytes, bytearray, memoryview)
#: Names that links had in older versions of the API.
_OLDER_NAMES = {"name": "Name", "cid": "Hash", "hash": "Hash", "size": "Tsize", "tsize": "Tsize", "Size": "Tsize"}


class Object:
    """Nodes of dag-pb in the embedded node.

    Attributes
    ----------
    patch : ObjectPatch

    With ``offline`` nobody else is asked for blocks that are not here.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.patch = ObjectPatch(context)

    async def new(self, template: str | None = None, *, timeout: float | None = None) -> CID:
        """Store an empty node.

        Parameters
        ----------
        template : "unixfs-dir", optional
            Make it an empty directory.
        timeout : float, optional
            Seconds.

        Returns
        -------
        CID
            Version 0.

        Raises
        ------
        InvalidInputError
            For another template.
        """
        if template not in (None, "unixfs-dir"):
            raise InvalidInputError(f"object.new has no template {shown(template)}: 'unixfs-dir' is the only one")
        node = PBNode(data=None if template is None else UnixFS("directory").encode())
        async with deadline(timeout, "object.new"):
            return await _store(self._context, node, version=0)

    async def put(
        self, node: NodeLike, *, pin: bool = False, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Store a node.

        Parameters
        ----------
        node : PBNode, mapping or bytes-like
            A mapping is ``{"Data": bytes, "Links": [{"Hash": CID, "Name": str, "Tsize": int}]}``, bytes are the data of
            a node without links.
        pin : bool
            Pin it recursively; what it links to must be to be had then.
        timeout : float, optional
            Seconds.

        Returns
        -------
        CID
            Version 1.

        Raises
        ------
        CodecError
            For what is no such node.
        LimitError
            For a block of more than 2 MiB.
        NotFoundError
            With ``pin``, where a block under it is not to be had.
        """
        if isinstance(node, _BYTES):
            node = PBNode(data=bytes(node))
        elif isinstance(node, Mapping):
            node = dag_pb.from_form({"Links": [], **node})
        elif not isinstance(node, PBNode):
            raise InvalidInputError(
                f"object.put takes a node: {{'Data': bytes, 'Links': […]}} or bytes, not a {type(node).__name__}"
            )
        async with deadline(timeout, "object.put"):
            return await _store(self._context, node, pin=pin, offline=offline)

    async def get(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> PBNode:
        """Return a node.

        Raises
        ------
        NotFoundError
            When nobody has it.
        CodecError
            For a block that is no dag-pb node.
        """
        wanted = one_cid(cid)
        async with deadline(timeout, f"object.get of {wanted}"):
            return await _load(self._context, wanted, offline)

    async def data(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> bytes:
        """Return the data of a node: nothing where it has none.

        Raises
        ------
        NotFoundError, CodecError
            As for ``get``.
        """
        return (await self.get(cid, offline=offline, timeout=timeout)).data or b""

    async def links(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> list[PBLink]:
        """Return the links of a node; those of another codec than dag-pb have no names and sizes.

        Raises
        ------
        NotFoundError
            When nobody has it.
        CodecError, UnknownCodecError
            For a block that cannot be decoded.
        """
        wanted = one_cid(cid)
        async with deadline(timeout, f"object.links of {wanted}"):
            if wanted.code == _DAG_PB:
                return list((await _load(self._context, wanted, offline)).links)
            return [
                PBLink(link, "", 0)
                for link in links_of(
                    wanted, await self._context.load(wanted, FetchContext(offline=offline), reading=True)
                )
            ]

    async def stat(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> ObjectStat:
        """Return the sizes of a node; what lies behind its links is what these say.

        Raises
        ------
        NotFoundError, CodecError
            As for ``get``.
        """
        wanted = one_cid(cid)
        async with deadline(timeout, f"object.stat of {wanted}"):
            links, data = await _load(self._context, wanted, offline)
            block = len(await self._context.load(wanted, FetchContext(offline=offline), reading=True))
        size = len(data or b"")
        behind = sum(link.tsize or 0 for link in links)
        return ObjectStat(wanted.to_v1(), len(links), block, block - size, size, block + behind)


class ObjectPatch:
    """Changed copies of dag-pb nodes; the node itself stays as it is."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def add_link(
        self, cid: CIDLike, link: LinkLike, *, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Store a copy of a node with one link more.

        Parameters
        ----------
        cid : CID
        link : PBLink or mapping
            ``{"Hash": CID, "Name": str, "Tsize": int}``.
        timeout : float, optional
            Seconds.

        Raises
        ------
        CodecError
            For what is no link.
        """
        added = _link(link)
        return await self._patch(
            "add_link", cid, lambda node: PBNode((*node.links, added), node.data), offline=offline, timeout=timeout
        )

    async def rm_link(
        self, cid: CIDLike, link: LinkLike | str, *, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Store a copy of a node without the links of one name.

        Parameters
        ----------
        cid : CID
        link : str, PBLink or mapping
            The name, or what has it.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NoLinkError
            When no link has that name.
        """
        name, wanted = _name(link), one_cid(cid)

        def change(node: PBNode) -> PBNode:
            kept = [one for one in node.links if (one.name or "") != name]
            if len(kept) == len(node.links):
                raise NoLinkError(
                    f"object.patch.rm_link: no link named {shown(name)} under {wanted}: object.links lists those "
                    "there are",
                    detail={"cid": str(wanted), "segment": name},
                )
            return PBNode(kept, node.data)

        return await self._patch("rm_link", wanted, change, offline=offline, timeout=timeout)

    async def append_data(
        self, cid: CIDLike, data: Bytes, *, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Store a copy of a node with more data at its end."""
        more = _data("append_data", data)
        return await self._patch(
            "append_data",
            cid,
            lambda node: PBNode(node.links, (node.data or b"") + more),
            offline=offline,
            timeout=timeout,
        )

    async def set_data(self, cid: CIDLike, data: Bytes, *, offline: bool = False, timeout: float | None = None) -> CID:
        """Store a copy of a node with other data."""
        other = _data("set_data", data)
        return await self._patch(
            "set_data", cid, lambda node: PBNode(node.links, other), offline=offline, timeout=timeout
        )

    async def _patch(
        self, verb: str, cid: CIDLike, change: Callable[[PBNode], PBNode], *, offline: bool, timeout: float | None
    ) -> CID:
        wanted = one_cid(cid)
        async with deadline(timeout, f"object.patch.{verb} of {wanted}"):
            return await _store(self._context, change(await _load(self._context, wanted, offline)))


async def _load(context: Context, cid: CID, offline: bool) -> PBNode:
    if cid.code != _DAG_PB:
        raise CodecError(
            f"{cid} has codec {cid.codec}, and object knows dag-pb alone: use dag.get",
            detail={"cid": str(cid), "codec": cid.codec},
        )
    try:
        return dag_pb.decode(await context.load(cid, FetchContext(offline=offline), reading=True))
    except CodecError as error:
        raise type(error)(f"{error} (in block {cid})", detail={**error.detail, "cid": str(cid)}) from error


async def _store(context: Context, node: PBNode, *, version: int = 1, pin: bool = False, offline: bool = False) -> CID:
    block = dag_pb.encode(node)
    cid = await cid_of(context, block, _DAG_PB, hash_alg="sha2-256", version=version)
    await context.keep(cid, block, pinned=pin, offline=offline)
    return cid


def _data(verb: str, data: Any) -> bytes:
    if not isinstance(data, _BYTES):
        raise InvalidInputError(f"object.patch.{verb} takes bytes, not a {type(data).__name__}")
    return bytes(data)


def _link(given: Any) -> PBLink:
    if isinstance(given, PBLink):
        return given
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            f"a link is {{'Hash': CID, 'Name': str, 'Tsize': int}} or a PBLink, not a {type(given).__name__}"
        )
    form = {_OLDER_NAMES.get(key, key): value for key, value in given.items()}
    if isinstance(form.get("Hash"), str):
        form["Hash"] = CID.parse(form["Hash"])
    return dag_pb.from_form({"Links": [form]}).links[0]


def _name(given: Any) -> str:
    name = given
    if isinstance(given, PBLink):
        name = given.name or ""
    elif isinstance(given, Mapping):
        name = given.get("Name", given.get("name"))
    if not isinstance(name, str):
        raise InvalidInputError(f"rm_link takes the name of a link, or a link, not a {type(given).__name__}")
    return name
