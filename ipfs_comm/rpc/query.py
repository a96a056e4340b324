"""One call as it came in: what is asked for, its ports, and everything that must end with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ipfs_comm.errors import CancelledByAbortError, DeadlineError, IPFSCommError, NotSupportedError
from ipfs_comm.rpc.consumer import Consumer
from ipfs_comm.rpc.streams import Callback, iterable_of, offer, port_of
from ipfs_comm.rpc.values import missing

if TYPE_CHECKING:
    from ipfs_comm.rpc.kinds import Kind
    from ipfs_comm.rpc.policy import Policy
    from ipfs_comm.rpc.producer import Producer
    from ipfs_comm.wire import MessagePort, clone

#: Bytes of a Blob that are held at once.
BLOB_PIECE = 4 << 20


class Query:
    """A call of ``namespace.method`` with ``input``.

    A service gets the query itself, to take iterables and callbacks out of its input and to give iterables back.

    Parameters
    ----------
    namespace, method : str
        What is called.
    input : mapping
        The argument, as the clone delivered it.
    ports : sequence of MessagePort
        Those that came with the input; they close with the query.
    over : callable, optional
        Called once with this query when its last item has been served, or it was closed; ``stopping`` are the tasks
        that still let go of something.
    beside : collection of Query
        Those of the same port that go on after their result.
    room : callable, optional
        Returns what to wait for before more is sent to the other end; None where there is room.
    """

    def __init__(
        self,
        namespace: str,
        method: str,
        input: Any = None,
        *,
        ports: Sequence[MessagePort] = (),
        over: Callable[[Query], None] | None = None,
        beside: Collection[Query] = (),
        room: Callable[[], Awaitable[None] | None] = lambda: None,
    ) -> None:
        self.namespace = namespace
        self.method = method
        self.input: Mapping[str, Any] = input if isinstance(input, Mapping) else {}
        #: Ports that go along with the result.
        self.transfer: list[MessagePort] = []
        self._ports = tuple(ports)
        self._over = over
        self._producers: set[Producer] = set()
        self._consumers: set[Consumer] = set()
        self._callbacks: list[Callback] = []
        self._blobs: set[clone.Blob] = set()
        #: Ports that came with items; whoever uses an item keeps them alive, and nobody needs the others.
        self._item_ports: WeakSet[MessagePort] = WeakSet()
        self._returned = False
        #: What the port may ask for, for methods that tell of it.
        self.policy: Policy | None = None
        self._beside = beside
        #: Asked by what goes on by itself, and not because the other end asks for the next.
        self.room = room
        #: What goes on after the result: a name for it, and how it is ended.
        self._lasting = ""
        self._end: Callable[[], Coroutine[Any, Any, None]] | None = None
        #: Tasks that served items and are about to end.
        self.stopping: set[asyncio.Task[None]] = set()

    @property
    def where(self) -> str:
        """``namespace.method``."""
        return f"{self.namespace}.{self.method}"

    @property
    def streaming(self) -> bool:
        """Whether it goes on after its result: items are still to be served, or a callback is still called."""
        return bool(self._producers) or self._end is not None

    def aborted(self) -> IPFSCommError:
        """Return the error of an aborted query: its own ``timeout`` if it carried one, else the caller's abort."""
        timeout = self.input.get("timeout")
        if missing(timeout) or timeout == float("inf"):
            return CancelledByAbortError("The operation was aborted")
        return DeadlineError("request timed out")

    def iterate(
        self, travelling: object, decode: Callable[[Any], Any] = lambda item: item
    ) -> AsyncGenerator[Any, None] | None:
        """Return the items of a ``RemoteIterable``, None if it is none; its port closes with the query at last."""
        remote = iterable_of(travelling)
        if remote is None:
            return None
        consumer = Consumer(
            remote.port,
            ahead=remote.ahead,
            decode=decode,
            over=self._consumers.discard,
            ports=self._item_ports.update,
        )
        self._consumers.add(consumer)
        return consumer.items()

    def blob(self, blob: clone.Blob) -> AsyncGenerator[bytes, None]:
        """Return the bytes of a Blob, piece by piece; it is let go of at their end, with the query at the latest."""
        self._blobs.add(blob)
        return self._pieces(blob)

    async def _pieces(self, blob: clone.Blob) -> AsyncGenerator[bytes, None]:
        try:
            for start in range(0, blob.size, BLOB_PIECE):
                yield await blob.read(start, start + BLOB_PIECE)
        finally:
            self._blobs.discard(blob)
            blob.close()

    def offer_callback(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Refuse: no result of a query is a function."""
        raise NotSupportedError(f"{self.where} has no function to give")

    def callback(self, travelling: object) -> Callback | None:
        """Return a function that calls a ``RemoteCallback``, None if it is none; its port closes with the query."""
        port = port_of(travelling, "RemoteCallback")
        if port is None:
            return None
        callback = Callback(port)
        self._callbacks.append(callback)
        return callback

    def offer_items(self, source: AsyncIterator[Any], kind: Kind) -> dict[str, Any]:
        """Return a ``RemoteIterable`` over items of a kind; what came with the input stays open until they are over."""

        def encode(item: Any, _transfer: list[MessagePort]) -> Any:
            return kind.dump(self, item)

        travelling, producer = offer(source, self.transfer, encode=encode, where=self.where, over=self._served)
        self._producers.add(producer)
        return travelling

    def _served(self, producer: Producer) -> None:
        self._producers.discard(producer)
        task = producer.task
        if task is not None:
            self.stopping.add(task)
            task.add_done_callback(self.stopping.discard)
        if self._returned:
            self.finish()

    def finish(self) -> None:
        """Say that the method has returned: what came with the input closes, unless items may still need it."""
        self._returned = True
        if self.streaming:
            return
        for consumer in list(self._consumers):
            consumer.close()
        for callback in self._callbacks:
            callback.close()
        for blob in list(self._blobs):
            blob.close()
        for port in (*self._ports, *self._item_ports):
            port.close()
        over, self._over = self._over, None
        if over is not None:
            over(self)

    def close(self) -> None:
        """End the query and everything that belongs to it."""
        self._returned = True
        for producer in list(self._producers):
            producer.close()
        self._end_lasting()
        self.finish()

    def last(self, what: str, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Go on after the result, until the port of one of the callbacks closes, or the query is closed.

        Parameters
        ----------
        what : str
            A name for it, by which ``end`` finds it.
        end : coroutine function
            Lets go of it at the node.
        """
        self._lasting, self._end = what, end
        for callback in self._callbacks:
            callback.when_closed(self.close)

    async def end(self, what: str) -> None:
        """End what other queries of this port began under a name, and wait for it."""
        tasks: list[asyncio.Task[None]] = []
        for other in [other for other in self._beside if other._lasting == what]:
            tasks += other._end_lasting()
            other.close()
        await asyncio.gather(*tasks)

    def _end_lasting(self) -> list[asyncio.Task[None]]:
        end, self._end = self._end, None
        if end is None:
            return []
        task = asyncio.get_running_loop().create_task(end(), name=f"ipfs_comm end of {self.where}")
        self.stopping.add(task)
        task.add_done_callback(self.stopping.discard)
        return [task]
