"""``pin.remote``: add, ls, rm, rm_all, and ``pin.remote.service``: add, ls, rm; over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError, IPFSCommError, LimitError, NotSupportedError
from ipfs_comm.node.api import (
    CIDLike,
    RemotePin,
    RemotePinCount,
    RemotePinService,
    RemotePinStat,
)
from ipfs_comm.node.pin_inputs import asked_cids, asked_name, asked_statuses
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.pinning import STATUSES, PinningService, PinStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.embedded.services import Service

#: Addresses of providers that the specification allows.
MAX_ORIGINS: Final = 20
#: Most characters of one of these addresses.
MAX_ORIGIN: Final = 1024
#: Pins that one call removes.
MAX_REMOVED: Final = 100_000
#: Services asked at once how they are.
_ASKED: Final = 8


def _service(context: Context, found: Service) -> PinningService:
    if context.offline:
        raise NotSupportedError(
            f"this node is offline and asks nobody, pinning service {found.name!r} neither: open it with offline=False"
        )
    return PinningService(found.name, found.endpoint, found.key)


class RemoteServices:
    """The pinning services that the repository knows."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def add(self, name: str, endpoint: str, key: str, *, timeout: float | None = None) -> None:
        """Remember a service. Nothing is asked of it yet: `ls` with ``stat`` tells whether it answers.

        Parameters
        ----------
        name : str
            What it is to be called here, at most 128 bytes.
        endpoint : str
            Its address, without ``/pins``.
        key : str
            The access token that it gave. It is kept in a file that only its owner can read, and shown to nobody.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            One of these is none, or there is a service of that name (code ``ERR_SERVICE_ALREADY_EXISTS``).
        """
        async with deadline(timeout, f"pin.remote.service.add of {name!r:.80}"):
            await self._context.services.add(name, endpoint, key)

    async def ls(self, *, stat: bool = False, timeout: float | None = None) -> list[RemotePinService]:
        """Return the services, in the order of their names.

        Parameters
        ----------
        stat : bool
            Ask each how many pins it has. One that cannot be asked is ``invalid``.
        timeout : float, optional
            Seconds.
        """
        async with deadline(timeout, "pin.remote.service.ls"):
            services = await self._context.services.all()
            if not stat:
                return [RemotePinService(one.name, one.endpoint) for one in services]
            slots = asyncio.Semaphore(_ASKED)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._stat(one, slots)) for one in services]
            return [
                RemotePinService(one.name, one.endpoint, task.result())
                for one, task in zip(services, tasks, strict=True)
            ]

    async def _stat(self, service: Service, slots: asyncio.Semaphore) -> RemotePinStat:
        async with slots:
            try:
                async with _service(self._context, service) as asked:
                    counts = [await asked.count(status) for status in STATUSES]
            except IPFSCommError:
                # What is wrong with it says pin.remote.ls; here it would hide the services that answer.
                return RemotePinStat("invalid")
        return RemotePinStat("valid", RemotePinCount(*counts))

    async def rm(self, name: str, *, timeout: float | None = None) -> None:
        """Forget a service and its key; its pins stay. One that is not known is no error."""
        async with deadline(timeout, f"pin.remote.service.rm of {name!r:.80}"):
            await self._context.services.remove(name)


class RemotePins:
    """Pins at remote services."""

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
        """Ask a service to keep a DAG.

        The service fetches it from whoever has it. This node serves no blocks to others: what is nowhere but here
        stays queued there.

        Parameters
        ----------
        cid : CID or path
        service : str
            As ``pin.remote.service.add`` knows it.
        name : str, optional
            What the pin is called there, at most 255 characters.
        origins : iterable of str, optional
            Multiaddresses of peers that have the DAG, at most 20.
        background : bool
            Return as soon as the service has the request; else it is waited for until it has pinned all.
        offline : bool
            Ask nobody else for the blocks on the way along a path.
        timeout : float, optional
            Seconds. The request stays at the service when they are over.

        Raises
        ------
        InvalidInputError
            No service is named, or one of these is nothing that can be meant.
        NotFoundError
            There is no such service.
        PinningServiceError
            It cannot be reached, refuses, or errs; with code ``ERR_PIN_FAILED`` if it could not pin this.
        """
        from ipfs_comm.node.embedded.pin import resolved

        async with deadline(timeout, f"pin.remote.add of {cid!s:.200}"):
            found = await self._context.services.get(service)
            asked = _service(self._context, found)
            name, sources = asked_name(name) or "", _origins(origins)
            root = await resolved(self._context, cid, offline=offline)
            async with asked:
                pin = await asked.add(root, name=name, origins=sources)
                return _pin(pin if background else await asked.pinned(pin))

    def ls(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> Stream[RemotePin, list[RemotePin]]:
        """List the pins of a service, the latest first.

        Parameters
        ----------
        service : str
            As ``pin.remote.service.add`` knows it.
        cid : CID or several, optional
            Of these alone.
        name : str, optional
            Of this name alone.
        status : str or several, optional
            ``queued``, ``pinning``, ``pinned`` or ``failed``; ``pinned`` where not given.
        timeout : float, optional
            Seconds for any one of them.

        Returns
        -------
        Stream of RemotePin

        Raises
        ------
        InvalidInputError, NotFoundError, PinningServiceError
            As for `add`.
        """

        async def listed() -> AsyncGenerator[RemotePin, None]:
            async with aclosing(self._matching(service, cid, name, status)) as found:
                async for _, pin in found:
                    yield _pin(pin)

        return Stream(listed, as_list, timeout=timeout, what="pin.remote.ls")

    async def _matching(
        self, service: str | None, cid: Any, name: str | None, status: Any
    ) -> AsyncGenerator[tuple[PinningService, PinStatus], None]:
        found = await self._context.services.get(service)
        cids, name, statuses = asked_cids(cid), asked_name(name), asked_statuses(status)
        async with (
            _service(self._context, found) as asked,
            aclosing(asked.pins(cids=cids, name=name, status=statuses)) as pins,
        ):
            async for pin in pins:
                yield asked, pin

    async def rm(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Remove the one pin that `ls` would list with the same options; none is no error.

        Raises
        ------
        InvalidInputError
            With code ``ERR_MULTIPLE_PINS`` where there are several: nothing is removed then. Or as for `add`.
        NotFoundError, PinningServiceError
            As for `add`.
        """
        async with deadline(timeout, "pin.remote.rm"):
            await self._remove(service, cid, name, status, most=1)

    async def rm_all(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Remove all pins that `ls` would list with the same options.

        Raises
        ------
        LimitError
            There are more than 100,000: nothing is removed then.
        InvalidInputError, NotFoundError, PinningServiceError
            As for `add`.
        """
        async with deadline(timeout, "pin.remote.rm_all"):
            await self._remove(service, cid, name, status, most=MAX_REMOVED)

    async def _remove(self, service: str | None, cid: Any, name: str | None, status: Any, *, most: int) -> None:
        removed: list[PinStatus] = []
        async with aclosing(self._matching(service, cid, name, status)) as found:
            async for _, pin in found:
                if len(removed) == most == 1:
                    raise InvalidInputError(
                        "multiple remote pins are matching this query: name one of them, or confirm the removal of all "
                        "with pin.remote.rm_all",
                        code="ERR_MULTIPLE_PINS",
                    )
                if len(removed) == most:
                    raise LimitError(f"more than {most} pins match: narrow the query")
                removed.append(pin)
        if removed:
            async with _service(self._context, await self._context.services.get(service)) as asked:
                await asked.remove(removed)


def _pin(pin: PinStatus) -> RemotePin:
    return RemotePin(pin.status, pin.cid, pin.name)


def _origins(origins: Any) -> list[str]:
    found = [] if origins is None else [origins] if isinstance(origins, str) else list(map(str, origins))
    if len(found) > MAX_ORIGINS or any(not one.startswith("/") or len(one) > MAX_ORIGIN for one in found):
        raise InvalidInputError(f"origins are at most {MAX_ORIGINS} multiaddresses, such as /dnsaddr/example.com")
    return found
