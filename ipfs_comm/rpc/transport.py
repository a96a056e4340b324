"""The client's end of a main port: queries out, results in, aborts, and what happens when the port is gone."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from ipfs_comm.errors import InvalidInputError, LimitError, LinkError
from ipfs_comm.node.stream import deadline
from ipfs_comm.rpc.asking import Lasting
from ipfs_comm.rpc.errors import decode_error
from ipfs_comm.rpc.values import shown
from ipfs_comm.wire import MessageEvent, MessagePort, clone

logger = logging.getLogger(__name__)

#: Calls that may wait for a port to be attached.
MAX_WAITING = 1024


class Transport:
    """Calls over one port, which may be attached later."""

    def __init__(self) -> None:
        self._port: MessagePort | None = None
        self._waiting: list[tuple[dict[str, Any], list[MessagePort]]] = []
        self._results: dict[str, asyncio.Future[tuple[Any, tuple[MessagePort, ...]]]] = {}
        self._ids = (f"{prefix}@{number}" for prefix in [secrets.token_hex(8)] for number in count())
        self._gone: LinkError | None = None
        #: What goes on after a result.
        self.lasting = Lasting()

    def attach(self, port: MessagePort) -> None:
        """Use ``port`` from now on; calls that waited for one are sent.

        Raises
        ------
        InvalidInputError
            When there is a port already.
        """
        if self._port is not None:
            raise InvalidInputError("this client has a port already: make another client for another port")
        self._port = port
        if port.closed:
            self._closed()
            return
        port.onclose = self._closed
        port.when_left(self._closed)
        port.onmessage = self._receive
        waiting, self._waiting = self._waiting, []
        for message, transfer in waiting:
            port.post_message(message, transfer)

    def _receive(self, event: MessageEvent) -> None:
        data = event.data
        ident = data.get("id") if isinstance(data, Mapping) and data.get("type") == "result" else None
        result = self._results.get(ident) if isinstance(ident, str) else None
        if result is None or result.done():
            logger.debug("a message that answers no call is ignored: %s", shown(data))
            _close_all(event.ports)
            return
        answer = data.get("result")
        if isinstance(answer, Mapping) and answer.get("ok") is True:
            result.set_result((answer.get("value", clone.undefined), event.ports))
        else:
            _close_all(event.ports)
            result.set_exception(decode_error(answer.get("error") if isinstance(answer, Mapping) else answer))

    def _closed(self, *_: object) -> None:
        error = self._port.error if self._port is not None else None
        self._end(
            error
            if isinstance(error, LinkError)
            else LinkError(f"the port to the node was closed{f': {error}' if error else ''}", code="ERR_CLOSED")
        )

    def close(self) -> None:
        """Abort all calls and close the port; whatever is called afterwards raises at once."""
        if self._gone is not None:
            return
        for ident in self._results:
            self._post({"type": "abort", "id": ident}, [])
        self._end(
            LinkError("this client was disconnected from its node: make another over a new port", code="ERR_CLOSED")
        )
        if self._port is not None:
            self._port.close()

    def _end(self, error: LinkError) -> None:
        if self._gone is not None:
            return
        self._gone = error
        for result in self._results.values():
            if not result.done():
                result.set_exception(error)
        for _, transfer in self._waiting:
            for port in transfer:
                port.close()
        self._waiting.clear()
        self.lasting.close()

    def check(self) -> None:
        """Raise the LinkError that a call on a disconnected client gets."""
        if self._gone is not None:
            raise self._gone

    def _post(self, message: dict[str, Any], transfer: list[MessagePort]) -> None:
        if self._port is not None:
            self._port.post_message(message, transfer)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append((message, transfer))
        else:
            raise LimitError(f"{MAX_WAITING} calls wait for a port already: attach one")

    async def call(
        self, namespace: str, method: str, given: dict[str, Any], transfer: list[MessagePort], timeout: float | None
    ) -> Any:
        """Ask for ``namespace.method`` and return the result's value. Cancelling aborts the work at the other end.

        Raises
        ------
        RemoteError
            What the other end raised.
        DeadlineError
            When ``timeout`` seconds are over.
        LinkError
            When the port is or goes away.
        """
        self.check()
        if timeout is not None:
            given["timeout"] = timeout * 1000
        ident = next(self._ids)
        result: asyncio.Future[tuple[Any, tuple[MessagePort, ...]]] = asyncio.get_running_loop().create_future()
        self._results[ident] = result
        delivered = False
        try:
            self._post(
                {"type": "query", "namespace": namespace, "method": method, "id": ident, "input": given}, transfer
            )
            async with deadline(timeout, f"{namespace}.{method}"):
                value, _ = await result
                delivered = True
                return value
        finally:
            del self._results[ident]
            if not delivered and result.done() and not result.cancelled() and result.exception() is None:
                # The answer has come in the same turn of the loop; nobody will read what streams with it.
                _close_all(result.result()[1])
            if result.cancelled() and self._gone is None:
                self._post({"type": "abort", "id": ident}, [])


def _close_all(ports: Iterable[MessagePort]) -> None:
    for port in ports:
        port.close()
