"""The end of a ``RemoteIterable`` where the items are used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Any

from ipfs_comm.errors import LinkError, ProtocolError
from ipfs_comm.rpc.errors import decode_error
from ipfs_comm.rpc.read_ahead import ReadAhead
from ipfs_comm.rpc.values import missing
from ipfs_comm.rpc.weight import weight
from ipfs_comm.wire import MessageEvent, MessagePort, clone

Ports = tuple[MessagePort, ...]


class Consumer:
    """Pulls the items of a ``RemoteIterable`` through its port, ahead of their use where the producer can do that.

    Nothing is asked for before the first item is wanted.

    Parameters
    ----------
    port : MessagePort
        The port that came with the RemoteIterable.
    ahead : int
        How many items the producer has at hand, as `ReadAhead` is told.
    decode : callable
        Makes an item of the node's API out of a travelling one.
    over : callable
        Called once with this consumer when it is over.
    ports : callable
        Given the ports that came with an item when the item is handed on; without it they are closed.
    """

    def __init__(
        self,
        port: MessagePort,
        *,
        ahead: int = 0,
        decode: Callable[[Any], Any] = lambda item: item,
        over: Callable[[Consumer], None] | None = None,
        ports: Callable[[Ports], None] | None = None,
    ) -> None:
        self._port = port
        self._decode = decode
        self._over = over
        self._ports = _close_all if ports is None else ports
        self._state: ReadAhead[tuple[Any, Ports]] = ReadAhead(ahead=ahead)
        self._waiter: asyncio.Future[None] | None = None
        self._shut = False
        self._left = False
        port.onclose = self._closed
        port.onmessage = self._receive

    def _receive(self, event: MessageEvent) -> None:
        data, state = event.data, self._state
        kept = False
        # Whether the producer still believes that the stream goes on.
        early = True
        if not isinstance(data, Mapping):
            state.end(ProtocolError(f"an iterable answered with a {type(data).__name__}, not with {{done, value}}"))
        elif data.get("type") == "throw" or not missing(data.get("error")):
            state.end(decode_error(data.get("error")))
            early = False
        else:
            value = data.get("value", clone.undefined)
            last = data.get("done") is True
            if last and value is clone.undefined:
                state.end()
            else:
                now = asyncio.get_running_loop().time()
                kept = state.arrive((value, event.ports), weight(value), now, last=last)
            early = not last
        if not kept:
            _close_all(event.ports)
        if state.ended:
            self._close_port(early=early)
        self._notify()

    def _closed(self, *_: object) -> None:
        why = f": {self._port.error}" if self._port.error else ""
        self._state.end(LinkError(f"the other end closed an iterable before its end{why}", code="ERR_CLOSED"))
        self._notify()

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _ask(self) -> None:
        for _ in range(self._state.ask(asyncio.get_running_loop().time())):
            self._port.post_message({"method": "next"})

    async def items(self) -> AsyncGenerator[Any, None]:
        """Generate the items.

        Raises
        ------
        RemoteError
            The producer's error, in its place.
        LinkError
            When the port closed before the end, or the producer broke the protocol.
        LimitError
            When the items that wait here have too many bytes.
        """
        state = self._state
        try:
            while True:
                state.want()
                self._ask()
                while not (state.ready or state.ended):
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
                if not state.ready:
                    if state.error is not None:
                        raise state.error
                    return
                value, ports = state.take()
                self._ask()
                self._ports(ports)
                yield self._decode(value)
        finally:
            self._leave()

    def _close_port(self, *, early: bool) -> None:
        if self._shut:
            return
        self._shut = True
        if early and not self._port.closed:
            self._port.post_message({"method": "return"})
        self._port.close()

    def _leave(self) -> None:
        if self._left:
            return
        self._left = True
        for _, ports in self._state.drop(LinkError("the iterable was closed at this end", code="ERR_CLOSED")):
            _close_all(ports)
        self._close_port(early=True)
        if self._over is not None:
            self._over(self)

    def close(self) -> None:
        """Tell the producer to stop and close the port; whoever waits for an item gets an error."""
        self._leave()
        self._notify()


def _close_all(ports: Iterable[MessagePort]) -> None:
    for port in ports:
        port.close()
