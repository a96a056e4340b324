"""``name``: publish and resolve, within this repository."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import NotSupportedError
from ipfs_comm.ipld import CID
from ipfs_comm.ipld import path as content_path
from ipfs_comm.ipns import Name as KeyName
from ipfs_comm.node.api import NamePublishResult
from ipfs_comm.node.checks import checked_bytes
from ipfs_comm.node.duration import validity
from ipfs_comm.node.embedded.peers import NamePubsub
from ipfs_comm.node.stream import Stream, as_last, deadline
from ipfs_comm.node.target import target
from ipfs_comm.unixfs import resolver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld.path import ContentPath
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.embedded.context import Context

#: How long a record may be cached where a call does not say.
_TTL: Final = timedelta(minutes=5)


class Name:
    """IPNS names of the embedded node: records are signed and kept, and sent to nobody."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.pubsub = NamePubsub()

    async def publish(
        self,
        value: CIDLike,
        *,
        resolve: bool = True,
        lifetime: str | float | timedelta = "48h",
        ttl: str | float | timedelta | None = None,
        key: str = "self",
        allow_offline: bool = True,
        sequence: int | None = None,
        v1compat: bool = True,
        offline: bool = False,
        timeout: float | None = None,
    ) -> NamePublishResult:
        """Sign that the name of a key stands for a path, and keep that in the repository.

        Parameters
        ----------
        value : CID or path
            Another name's path (``/ipns/…``) will do.
        resolve : bool
            Make sure first that the path leads somewhere.
        lifetime : str, float or timedelta
            How long the record is valid: seconds, or text such as ``"36h"`` or ``"1h30m"``.
        ttl : str, float or timedelta, optional
            How long others may keep it before they look again, at most the lifetime; where not given five minutes.
        key : str
            Name or ID of a key here.
        allow_offline : bool
            This node is never online: False is refused.
        sequence : int, optional
            Number of the record's version, larger than the last; where not given it grows by itself.
        v1compat : bool
            Add to the record what older readers need.
        offline : bool
            With ``resolve``: ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidPathError, InvalidCIDError
            The value is no path.
        NotFoundError
            There is no such key, or with ``resolve`` nobody has what the path leads to.
        InvalidInputError
            A time that is none, or a sequence that does not grow.
        """
        if not allow_offline:
            raise NotSupportedError("this node is on no network, and publishes in its repository only: allow_offline")
        path = _path(value)
        lasting, caching = validity(lifetime, ttl)
        if caching is None:
            caching = min(_TTL, lasting)
        async with deadline(timeout, f"name.publish of {path}"):
            private = await self._context.keys.find(key)
            if resolve:
                await _reach(self._context, path, offline)
            name, _record = await self._context.names.publish(
                private,
                str(path),
                lifetime=lasting,
                ttl=caching,
                sequence=sequence,
                v1=v1compat,
            )
        return NamePublishResult(name=str(name), value=str(path))

    def resolve(
        self,
        name: CIDLike | None = None,
        *,
        recursive: bool = True,
        nocache: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[str, str]:
        """Stream the paths that a name stands for; awaiting it gives the best one, which is the last.

        Parameters
        ----------
        name : str, CID, Name or None
            A key's name in any form, or a domain's, with ``/ipns/`` before it or not, and with a path after it; the
            node's own where not given.
        recursive : bool
            Go on from name to name until the path is immutable; False takes one step.
        nocache : bool
            Ask DNS even where its answer is kept; the records of keys are read from the repository every time.
        offline : bool
            Ask no DNS.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NotFoundError, InvalidRecordError
            A name on the way has no record, or one that has ended.
        LimitError
            Names lead from one to the next without end.
        """
        return Stream(
            lambda: self._resolved(name, recursive=recursive, nocache=nocache, offline=offline),
            as_last,
            timeout=timeout,
            what="name.resolve",
        )

    async def _resolved(
        self, name: CIDLike | None, *, recursive: bool, nocache: bool, offline: bool
    ) -> AsyncGenerator[str, None]:
        given = (await self._context.keys.own()).name if name is None else name
        text = str(CID.decode(given)) if isinstance(given, bytes) else str(given)
        if not text.startswith("/") and "://" not in text:
            text = f"/ipns/{text}"
        path = await self._context.names.follow(
            content_path.parse(text), recursive=recursive, offline=offline, nocache=nocache
        )
        yield str(path).rstrip("/")

    async def get(self, name: str, *, offline: bool = False, timeout: float | None = None) -> bytes:
        """Return the record that a key's name has now.

        Parameters
        ----------
        name : str
            In any form, with ``/ipns/`` before it or not.
        offline : bool
            Records are here or nowhere.
        timeout : float, optional
            Seconds.

        Returns
        -------
        bytes
            As the IPNS specification has it; it can be `put` elsewhere.

        Raises
        ------
        InvalidNameError
            It is no name of a key.
        NotFoundError, InvalidRecordError
            It has no record here, or one that has ended.
        """
        wanted = KeyName.parse(name)
        async with deadline(timeout, f"name.get of {wanted}"):
            return (await self._context.names.record(wanted)).encode()

    async def put(
        self,
        name: str,
        record: bytes,
        *,
        allow_offline: bool = True,
        offline: bool = False,
        timeout: float | None = None,
    ) -> NamePublishResult:
        """Keep a record that was signed elsewhere; nobody needs the key for that.

        Parameters
        ----------
        name : str
            In any form, with ``/ipns/`` before it or not.
        record : bytes
        allow_offline : bool
            This node is never online: False is refused.
        offline : bool
            Records go nowhere.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidNameError, InvalidRecordError
            It is no name of a key, or the record is none of that name or has ended.
        InvalidInputError
            The record that there is is as late, or later.
        """
        if not allow_offline:
            raise NotSupportedError("this node is on no network, and publishes in its repository only: allow_offline")
        wanted, data = KeyName.parse(name), checked_bytes(record, "a record")
        async with deadline(timeout, f"name.put of {wanted}"):
            kept = await self._context.names.keep(wanted, data)
        return NamePublishResult(name=str(wanted), value=kept.path)


def _path(value: CIDLike) -> ContentPath:
    path = content_path.parse(value if isinstance(value, str) else CID.of(value))
    return content_path.ContentPath(path.namespace, path.root, path.segments)


async def _reach(context: Context, path: ContentPath, offline: bool) -> None:
    """Load what a path leads to, or say who does not have it."""
    wanted = target(str(await context.names.follow(path, offline=offline)), offline=offline)
    load = context.loader(wanted)
    found = await resolver.resolve(load, wanted.root, wanted.segments)
    await load(found.cid)
