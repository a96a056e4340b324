"""The generic carrier: an ordinary comm of a kernel of which no more is known than the `comm` package.

Kernels other than ipykernel (xeus-python, pyodide) put their own implementation in the place of ``comm.create_comm``
and ``comm.get_comm_manager``. All that is used is what the package promises: ``register_target``, ``on_msg``,
``on_close``, ``send`` and ``close``; ordinary ``bytes`` as buffers; and no thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import LinkError
from ipfs_comm.wire.carriers.paced import Pace, PacedCarrier

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ipfs_comm.wire.carriers.base import Carrier

__all__ = ["TO_PAGE", "CommTarget", "GenericCarrier"]

#: Comms that may be open for one target.
MAX_COMMS = 256
#: Data of each message towards a page. What has the member ``to`` is not heard here: everybody can read on iopub what
#: the kernel has signed, and send it back to it.
TO_PAGE = {"to": "page"}


class GenericCarrier(PacedCarrier):
    """Packets of one comm that the page opened.

    Parameters
    ----------
    comm : comm.base_comm.BaseComm
        The comm.
    loop : asyncio.AbstractEventLoop
        The link's loop.
    pace : Pace
        Of this kernel.
    forget : callable
        Called when the comm is closed by either end.
    """

    name = "generic"
    tells_close = True

    def __init__(
        self, comm: Any, loop: asyncio.AbstractEventLoop, pace: Pace, forget: Callable[[GenericCarrier], None]
    ) -> None:
        super().__init__(loop, pace, self.publisher(comm), self._disconnect_comm)
        self._comm = comm
        self._forget = forget
        comm.on_msg(self._on_msg)
        comm.on_close(self._on_close)

    def publisher(self, comm: Any) -> Callable[[list[Any]], None]:
        """Return what sends a packet on `comm`."""
        return lambda packet: comm.send(data=TO_PAGE, buffers=[bytes(buffer) for buffer in packet])

    def _on_msg(self, message: dict[str, Any]) -> None:
        content = message.get("content")
        data = content.get("data") if isinstance(content, dict) else None
        if isinstance(data, dict) and "to" in data:
            return
        self.hand_over(message.get("buffers") or ())

    def _on_close(self, _message: Any) -> None:
        self._forget(self)
        self.hang_up(LinkError("the page closed its comm", code="ERR_CARRIER"))

    def _disconnect_comm(self) -> None:
        self._forget(self)
        # Not every kernel takes None for no callback.
        self._comm.on_msg(_ignore)
        self._comm.on_close(_ignore)
        self._comm.close()


def _ignore(_message: Any) -> None:
    """Hear nothing any more."""


class CommTarget:
    """The comm target of one kernel.

    Parameters
    ----------
    target : str
        Name of the target.
    loop : asyncio.AbstractEventLoop
        The link's loop.
    pace : Pace
        Of this kernel.
    accept : callable
        Called on `loop` with the carrier of each new comm, before its first packet.
    """

    #: Name of the carriers.
    name = GenericCarrier.name

    def __init__(
        self, target: str, loop: asyncio.AbstractEventLoop, pace: Pace, accept: Callable[[Carrier], None]
    ) -> None:
        self._target = target
        self._loop = loop
        self._pace = pace
        self._accept = accept
        self._carriers: set[GenericCarrier] = set()
        # A bound method is made anew at each access, and the target must recognise its own.
        self._callback = self._opened

    @staticmethod
    def available() -> bool:
        """Return whether there is a kernel that has put its own comms into the place of the package's dummies."""
        try:
            import comm
        except ImportError:
            return False
        return getattr(comm.create_comm, "__module__", None) != comm.__name__

    def register(self) -> None:
        """Register the target with the kernel's comm manager."""
        import comm

        comm.get_comm_manager().register_target(self._target, self._callback)

    def unregister(self) -> None:
        """Take the target back, unless somebody else has it now."""
        import comm

        manager = comm.get_comm_manager()
        targets = getattr(manager, "targets", None)
        if targets is None or targets.get(self._target) is self._callback:
            manager.unregister_target(self._target, self._callback)

    def carrier(self, comm: Any) -> GenericCarrier:
        """Return the carrier of a comm."""
        return GenericCarrier(comm, self._loop, self._pace, self._carriers.discard)

    def _opened(self, comm: Any, message: dict[str, Any]) -> None:
        if len(self._carriers) >= MAX_COMMS or self._loop.is_closed():
            comm.close()
            return
        carrier = self.carrier(comm)
        self._carriers.add(carrier)
        self._loop.call_soon_threadsafe(self._accept, carrier)
        carrier.hand_over(message.get("buffers") or ())
