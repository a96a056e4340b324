"""``name``: what the daemon publishes and resolves."""

from __future__ import annotations

from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.ipld import CID
from ipfs_comm.ipld import path as content_path
from ipfs_comm.ipns import Name as KeyName
from ipfs_comm.ipns import validate
from ipfs_comm.node.api import NamePublishResult, NamePubsubCancelResult, NamePubsubState
from ipfs_comm.node.checks import checked_bytes
from ipfs_comm.node.duration import validity
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.node.kubo.names import unasked
from ipfs_comm.node.kubo.paths import argument
from ipfs_comm.node.stream import Stream, as_last, deadline
from ipfs_comm.node.target import name_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.kubo.context import Context

#: Most bytes of a record; the specification has 10 KiB.
_MOST: Final = 2**20


class NamePubsub:
    """Names that the daemon follows by pubsub (``Ipns.UsePubsub``).

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def cancel(self, name: str, *, timeout: float | None = None) -> NamePubsubCancelResult:
        """Follow a name no more."""
        wanted = KeyName.parse(name)
        async with deadline(timeout, "name.pubsub.cancel"):
            said = await self._context.rpc.call("name/pubsub/cancel", wanted.peer_id)
        return NamePubsubCancelResult(Said("name/pubsub/cancel", said).flag("Canceled"))

    async def state(self, *, timeout: float | None = None) -> NamePubsubState:
        """Return whether names are followed by pubsub."""
        async with deadline(timeout, "name.pubsub.state"):
            said = await self._context.rpc.call("name/pubsub/state")
        return NamePubsubState(Said("name/pubsub/state", said).flag("Enabled"))

    async def subs(self, *, timeout: float | None = None) -> list[str]:
        """Return the names that are followed, as paths."""
        async with deadline(timeout, "name.pubsub.subs"):
            return Said("name/pubsub/subs", await self._context.rpc.call("name/pubsub/subs")).texts("Strings")


class Name:
    """IPNS names and names of domains, by a daemon: it has the keys, the records and the DNS.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.pubsub = NamePubsub(context)

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
        """Sign that the name of ``key`` stands for ``value``, and tell the network where the daemon is on one."""
        path = content_path.parse(value if isinstance(value, str) else CID.of(value))
        text = argument(str(path))
        lasting, caching = validity(lifetime, ttl)
        if sequence is not None and (isinstance(sequence, bool) or not isinstance(sequence, int) or sequence < 0):
            raise InvalidInputError(f"sequence is {sequence!r:.80}: give a whole number from 0")
        self._context.writing("name.publish")
        async with deadline(timeout, f"name.publish of {path}"):
            said = await self._context.rpc.call(
                "name/publish",
                text,
                resolve=resolve,
                lifetime=_written(lasting),
                ttl=None if caching is None else _written(caching),
                key=key,
                allow_offline=allow_offline or None,
                sequence=sequence,
                v1compat=v1compat,
                **self._context.offline_if(offline),
            )
        told = Said("name/publish", said)
        return NamePublishResult(name=_spelled(told.text("Name")), value=told.text("Value"))

    def resolve(
        self,
        name: CIDLike | None = None,
        *,
        recursive: bool = True,
        nocache: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[str, str]:
        """Stream the paths that a name (the daemon's where not given) stands for, the best last; await that one."""
        arguments: list[str] = []
        if name is not None:
            text = str(CID.decode(name)) if isinstance(name, bytes) else str(name)
            if not text.startswith("/") and "://" not in text:
                text = f"/ipns/{text}"
            path = content_path.parse(text)
            if not path.mutable:
                return Stream(lambda: _one(str(path).rstrip("/")), as_last, timeout=timeout, what="name.resolve")
            start = name_of(str(path.root))
            if isinstance(start, str) and (offline or self._context.offline):
                domain = start
                return Stream(lambda: _refusing(domain), as_last, timeout=timeout, what="name.resolve")
            arguments.append("/".join(("/ipns", str(start), *path.segments)))

        async def resolved() -> AsyncGenerator[str, None]:
            lines = self._context.rpc.lines(
                "name/resolve",
                *arguments,
                recursive=recursive,
                nocache=nocache or None,
                stream=True,
                **self._context.offline_if(offline),
            )
            found = False
            async with aclosing(lines) as told:
                async for line in told:
                    found = True
                    yield Said("name/resolve", line).text("Path").rstrip("/")
            if not found:
                raise NotFoundError("could not resolve name: the daemon tells no path that it stands for")

        return Stream(resolved, as_last, timeout=timeout, what="name.resolve")

    async def get(self, name: str, *, offline: bool = False, timeout: float | None = None) -> bytes:
        """Return the record that a key's name has now, verified."""
        wanted = KeyName.parse(name)
        async with deadline(timeout, f"name.get of {wanted}"):
            data = await self._context.rpc.bytes(
                "name/get", str(wanted), max_size=_MOST, **self._context.offline_if(offline)
            )
        validate(data, name=wanted)
        return data

    async def put(
        self,
        name: str,
        record: bytes,
        *,
        allow_offline: bool = True,
        offline: bool = False,
        timeout: float | None = None,
    ) -> NamePublishResult:
        """Publish a record that was signed elsewhere, if it is later than the one that there is."""
        wanted, data = KeyName.parse(name), checked_bytes(record, "a record")
        validate(data, name=wanted)
        self._context.writing("name.put")
        async with deadline(timeout, f"name.put of {wanted}"):
            said = await self._context.rpc.call(
                "name/put",
                str(wanted),
                body=Body.of(data),
                allow_offline=allow_offline or None,
                **self._context.offline_if(offline),
            )
        told = Said("name/put", said)
        return NamePublishResult(name=_spelled(told.text("Name")), value=told.text("Value"))


async def _one(path: str) -> AsyncGenerator[str, None]:
    yield path


async def _refusing(domain: str) -> AsyncGenerator[str, None]:
    raise unasked(domain)
    yield domain


def _written(time: timedelta) -> str:
    """Return a length of time as Go reads it."""
    return f"{time // timedelta(microseconds=1)}us"


def _spelled(name: str) -> str:
    return str(KeyName.parse(name))
