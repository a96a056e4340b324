"""``pin.remote``: pins at services that the daemon knows and asks."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.node.api import RemotePin, RemotePinCount, RemotePinService, RemotePinStat
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.paths import argument, refused
from ipfs_comm.node.pin_inputs import asked_cids, asked_name, asked_statuses
from ipfs_comm.node.stream import Stream, as_list, deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.kubo.context import Context


class RemoteServices:
    """The pinning services that the daemon's configuration has.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def add(self, name: str, endpoint: str, key: str, *, timeout: float | None = None) -> None:
        """Remember a service: its address, and the access token that it gave."""
        self._context.writing("pin.remote.service.add")
        for given in (name, endpoint, key):
            if not isinstance(given, str) or not given:
                raise InvalidInputError("a pinning service has a name, an endpoint and a key: texts that are not empty")
        async with deadline(timeout, f"pin.remote.service.add of {name:.80}"):
            await self._context.rpc.call("pin/remote/service/add", name, endpoint, key)

    async def ls(self, *, stat: bool = False, timeout: float | None = None) -> list[RemotePinService]:
        """Return the services; with ``stat`` each is asked how many pins it has."""
        async with deadline(timeout, "pin.remote.service.ls"):
            said = Said("pin/remote/service/ls", await self._context.rpc.call("pin/remote/service/ls", stat=stat))
        return [
            RemotePinService(one.text("Service"), one.text("ApiEndpoint"), _stat(one.inner("Stat")) if stat else None)
            for one in said.each("RemoteServices")
        ]

    async def rm(self, name: str, *, timeout: float | None = None) -> None:
        """Forget a service and its key; one that is not known is no error."""
        self._context.writing("pin.remote.service.rm")
        async with deadline(timeout, f"pin.remote.service.rm of {name:.80}"):
            await self._context.rpc.call("pin/remote/service/rm", name)


def _stat(said: Said) -> RemotePinStat:
    status = said.text("Status", "invalid")
    if "PinCount" not in said:
        return RemotePinStat(status)
    count = said.inner("PinCount")
    return RemotePinStat(
        status,
        RemotePinCount(
            queued=count.whole("Queued"),
            pinning=count.whole("Pinning"),
            pinned=count.whole("Pinned"),
            failed=count.whole("Failed"),
        ),
    )


class RemotePins:
    """Pins at remote services; the daemon is what asks them.

    Kubo tells a service its own addresses as origins, and takes no others: ``origins`` is refused.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.service = RemoteServices(context)

    async def add(
        self,
        cid: CIDLike,
        *,
        service: str | None = None,
        name: str | None = None,
        origins: Iterable[str] | None = None,
        background: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> RemotePin:
        """Ask a service to keep a DAG, and wait until it does, unless in the ``background``."""
        self._context.writing("pin.remote.add")
        refused("pin.remote.add", origins=origins)
        async with deadline(timeout, f"pin.remote.add of {cid!s:.200}"):
            said = await self._context.rpc.call(
                "pin/remote/add",
                argument(cid),
                service=_named(service),
                name=asked_name(name) or None,
                background=background,
                **self._context.offline_if(offline),
            )
            return _pin(Said("pin/remote/add", said))

    def ls(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> Stream[RemotePin, list[RemotePin]]:
        """Stream the pins of a service, the latest first."""

        async def listed() -> AsyncGenerator[RemotePin, None]:
            lines = self._context.rpc.lines("pin/remote/ls", **_query(service, cid, name, status))
            async with aclosing(lines) as told:
                async for line in told:
                    yield _pin(Said("pin/remote/ls", line))

        return Stream(listed, as_list, timeout=timeout, what="pin.remote.ls")

    async def rm(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Remove the one pin that `ls` would list; none is no error, several are one."""
        self._context.writing("pin.remote.rm")
        async with deadline(timeout, "pin.remote.rm"):
            await self._context.rpc.call("pin/remote/rm", **_query(service, cid, name, status))

    async def rm_all(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Remove all pins that `ls` would list."""
        self._context.writing("pin.remote.rm_all")
        async with deadline(timeout, "pin.remote.rm_all"):
            await self._context.rpc.call("pin/remote/rm", **_query(service, cid, name, status), force=True)


def _named(service: str | None) -> str:
    if service is None:
        raise InvalidInputError("a service name must be passed: one of pin.remote.service.ls()")
    if not isinstance(service, str) or not service:
        raise NotFoundError(f"service not known: {service!r:.80}; see pin.remote.service.ls for those that are there")
    return service


def _query(service: str | None, cid: Any, name: str | None, status: Any) -> dict[str, Any]:
    return {
        "service": _named(service),
        "cid": [str(one) for one in asked_cids(cid)],
        "name": asked_name(name) or None,
        "status": asked_statuses(status),
    }


def _pin(said: Said) -> RemotePin:
    return RemotePin(said.text("Status"), said.cid("Cid"), said.text("Name", ""))
