"""Iterables and callbacks that cross as ports: ``RemoteIterable`` both ways, ``RemoteCallback`` towards the caller.

A consumer posts ``{method: "next"}`` and gets ``{type: "next", done: false, value}``, at the end ``{type: "next",
done: true}`` or ``{type: "throw", error}``; it posts
``{method: "return"}`` to stop early. Both ends close the port when it is over. A producer that says ``ahead: 1`` in its
RemoteIterable takes several ``next`` before it has answered the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.rpc.producer import Producer, Transferring, plain
from ipfs_comm.rpc.read_ahead import AT_HAND
from ipfs_comm.wire import MessageChannel, MessagePort


class RemoteIterable(NamedTuple):
    """A ``RemoteIterable`` that came.

    Attributes
    ----------
    port : MessagePort
        Where its items are asked for.
    ahead : int
        How many may be asked for at once before anything is known of it; 0 if only one ever.
    """

    port: MessagePort
    ahead: int


def iterable_of(travelling: object) -> RemoteIterable | None:
    """Return the ``{type: "RemoteIterable", port, ahead?}`` that ``travelling`` is, None when it is something else.

    Raises
    ------
    InvalidInputError
        When it says that it is one and has no port.
    """
    if not isinstance(travelling, Mapping):
        return None
    port = port_of(travelling, "RemoteIterable")
    ahead = travelling.get("ahead")
    if port is None:
        return None
    return RemoteIterable(port, int(min(ahead, AT_HAND)) if isinstance(ahead, int | float) and ahead >= 1 else 0)


def port_of(travelling: object, kind: str) -> MessagePort | None:
    """Return the port of a ``{type: kind, port}``, or None when ``travelling`` is something else.

    Raises
    ------
    InvalidInputError
        When it says that it is one and has no port.
    """
    if not isinstance(travelling, Mapping) or travelling.get("type") != kind:
        return None
    port = travelling.get("port")
    if not isinstance(port, MessagePort):
        raise InvalidInputError(f"a {kind} came without its port")
    return port


def offer(
    source: AsyncIterator[Any],
    transfer: list[MessagePort],
    *,
    encode: Transferring = plain,
    where: str = "",
    over: Callable[[Producer], None] | None = None,
) -> tuple[dict[str, Any], Producer]:
    """Return a ``RemoteIterable`` over ``source`` and its producer; the port is added to ``transfer``."""
    channel = MessageChannel()
    producer = Producer(source, channel.port1, encode=encode, where=where, over=over)
    transfer.append(channel.port2)
    return {"type": "RemoteIterable", "port": channel.port2, "ahead": 1}, producer


class Callback:
    """Calls a function at the other end of a port with positional arguments; nobody answers."""

    def __init__(self, port: MessagePort) -> None:
        self._port = port

    def __call__(self, *arguments: Any) -> None:
        """Call the function; whatever it does or returns stays at the other end."""
        if not self._port.closed:
            self._port.post_message(list(arguments))

    def when_closed(self, ended: Callable[[], None]) -> None:
        """Call ``ended`` when the other end closes the port, and soon where it has done so."""
        if self._port.closed:
            asyncio.get_running_loop().call_soon(ended)
        else:
            self._port.onclose = lambda _event: ended()

    def close(self) -> None:
        """Close the port; a second call does nothing."""
        self._port.close()
