"""The server of the message-port protocol: queries in, one result out for each, aborts that stop the work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ipfs_comm.errors import InvalidInputError, IPFSCommError
from ipfs_comm.rpc.budget import Budget
from ipfs_comm.rpc.errors import encode_error
from ipfs_comm.rpc.query import Query
from ipfs_comm.rpc.values import shown
from ipfs_comm.rpc.weight import weight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfs_comm.rpc.budget import Outlet
    from ipfs_comm.rpc.policy import Policy
    from ipfs_comm.wire import MessageEvent, MessagePort

logger = logging.getLogger(__name__)

MAX_ID = 256


class Service(Protocol):
    """What a server serves."""

    @property
    def policy(self) -> Policy:
        """What a port may ask for now, and how much at a time."""

    async def call(self, query: Query) -> Any:
        """Do what ``query`` asks for, and return the result's ``value``."""


class Server:
    """Answers queries that arrive on ports.

    Parameters
    ----------
    service : Service
        Usually an ``IPFSService``.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self._connections: dict[MessagePort, _Connection] = {}

    def connect(self, port: MessagePort, outlet: Outlet | None = None) -> None:
        """Serve ``port`` from now on. Call it on the loop that the node runs on.

        Parameters
        ----------
        port : MessagePort
        outlet : Link, optional
            What the port goes over: where more answers wait to be sent than the policy's ``max_bytes``, calls wait.
        """
        if port not in self._connections:
            self._connections[port] = _Connection(self, port, outlet)

    def disconnect(self, port: MessagePort) -> None:
        """Cancel everything that ``port`` asked for, and close it; nothing more is answered."""
        connection = self._connections.pop(port, None)
        if connection is not None:
            connection.close()

    async def aclose(self) -> None:
        """Disconnect every port, and wait until all work has stopped."""
        connections = list(self._connections.values())
        for connection in connections:
            self.disconnect(connection.port)
        for connection in connections:
            await connection.wait_closed()

    async def execute(self, query: Query) -> Any:
        """Do what ``query`` asks for.

        Returns
        -------
        object
            The result's ``value`` in its travelling form; its ports are in ``query.transfer``.

        Raises
        ------
        IPFSCommError
            What the service raises.
        """
        try:
            value = await self.service.call(query)
        except BaseException:
            query.close()
            raise
        query.finish()
        return value


class _Connection:
    """One port and the queries that came over it."""

    def __init__(self, server: Server, port: MessagePort, outlet: Outlet | None) -> None:
        self.port = port
        self._server = server
        self._budget = Budget(lambda: server.service.policy, outlet)
        self._calls: dict[str, asyncio.Task[Any]] = {}
        self._stopping: set[asyncio.Task[Any]] = set()
        self._streams: set[Query] = set()
        #: The last stream of each id, for an abort that crossed with the result.
        self._named: dict[str, Query] = {}
        self._aborted: set[str] = set()
        self._warned = False
        self._ended = False
        port.onclose = self._port_closed
        port.onmessage = self._receive

    def _port_closed(self, *_: object) -> None:
        self._server.disconnect(self.port)

    def _receive(self, event: MessageEvent) -> None:
        data = event.data
        kind = data.get("type") if isinstance(data, Mapping) else None
        ident = data.get("id") if isinstance(data, Mapping) else None
        if not isinstance(ident, str) or len(ident) > MAX_ID or kind not in ("query", "abort"):
            self._meaningless(event)
        elif kind == "abort":
            self._abort(ident)
        else:
            self._query(ident, data, event)

    def _meaningless(self, event: MessageEvent) -> None:
        """Pass over a message; the first of a port is worth a warning, a flood of them is not."""
        logger.log(
            logging.DEBUG if self._warned else logging.WARNING,
            "a message that is no query and no abort is ignored: %s",
            shown(event.data),
        )
        self._warned = True
        _close_all(event.ports)

    def _query(self, ident: str, data: Mapping[str, Any], event: MessageEvent) -> None:
        if ident in self._calls:
            self._meaningless(event)
            return
        namespace, method, given = data.get("namespace"), data.get("method"), data.get("input")
        size = weight(given)
        try:
            if not (isinstance(namespace, str) and isinstance(method, str)):
                raise InvalidInputError("a query needs a namespace and a method, both texts")
            self._budget.take(len(self._calls) + len(self._streams), size)
        except IPFSCommError as error:
            _close_all(event.ports)
            self._refuse(ident, error)
            return
        query = Query(
            namespace,
            method,
            given,
            ports=event.ports,
            over=partial(self._over, ident),
            beside=self._streams,
            room=self._budget.room,
        )
        task = asyncio.get_running_loop().create_task(
            self._execute(query, streams=bool(event.ports)), name=f"ipfs_comm {query.where}"
        )
        self._calls[ident] = task
        task.add_done_callback(partial(self._done, ident, query, size))

    async def _execute(self, query: Query, *, streams: bool) -> Any:
        try:
            async with self._budget.answering(streams=streams):
                return await self._server.execute(query)
        except BaseException:
            query.close()
            raise

    def _done(self, ident: str, query: Query, size: int, task: asyncio.Task[Any]) -> None:
        """Answer a call whose work has stopped, however it stopped."""
        del self._calls[ident]
        self._budget.give(size)
        aborted = ident in self._aborted
        self._aborted.discard(ident)
        error: BaseException | None = query.aborted() if aborted or task.cancelled() else task.exception()
        if aborted and not task.cancelled():
            logger.debug("%s ended before it could be aborted: %r", query.where, task.exception())
        if error is None:
            try:
                self._post(
                    {"type": "result", "id": ident, "result": {"ok": True, "value": task.result()}}, query.transfer
                )
            except IPFSCommError as refused:
                error = refused
        if error is not None or self._ended:
            query.close()
        elif query.streaming:
            self._streams.add(query)
            self._named[ident] = query
        if error is not None:
            self._refuse(ident, error, query.where)

    def _over(self, ident: str, query: Query) -> None:
        """Forget a call or stream that is over; what still lets go of something is waited for when the port closes."""
        self._streams.discard(query)
        if self._named.get(ident) is query:
            del self._named[ident]
        for task in query.stopping:
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    def _refuse(self, ident: str, error: BaseException, where: str = "") -> None:
        if not isinstance(error, IPFSCommError):
            logger.error("%s failed", where, exc_info=error)
        self._post({"type": "result", "id": ident, "result": {"ok": False, "error": encode_error(error, where)}})

    def _post(self, message: dict[str, Any], transfer: list[MessagePort] | None = None) -> None:
        if not self._ended and not self.port.closed:
            self.port.post_message(message, transfer or ())

    def _abort(self, ident: str) -> None:
        task = self._calls.get(ident)
        stream = self._named.get(ident)
        if task is None and stream is not None:
            stream.close()
        elif task is not None and ident not in self._aborted:
            self._aborted.add(ident)
            task.cancel()

    def close(self) -> None:
        if self._ended:
            return
        self._ended = True
        self.port.close()
        for task in self._calls.values():
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)
            task.cancel()
        for query in list(self._streams):
            query.close()

    async def wait_closed(self) -> None:
        """Wait until all work of this port has stopped."""
        while self._stopping:
            await asyncio.wait(set(self._stopping))


def _close_all(ports: Iterable[MessagePort]) -> None:
    """Close the ports of a message that nobody will use."""
    for port in ports:
        port.close()
