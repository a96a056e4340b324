"""The comm carrier: an ordinary comm of ipykernel, for frontends that cannot reach the control channel.

Packets come on the shell channel, on whatever thread runs comm handlers, and go out on iopub around the comm's own
``send``: that would send them with the running cell's message as their parent, and so redirect the page's next message
to the thread of that cell (ipykernel 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.wire.carriers.generic import TO_PAGE, CommTarget, GenericCarrier

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ipfs_comm.wire.carriers.base import Carrier
    from ipfs_comm.wire.carriers.paced import Pace

__all__ = ["CommCarrier", "KernelCommTarget", "publisher"]


def publisher(kernel: Any, comm: Any, data: dict[str, Any]) -> Callable[[list[Any]], None] | None:
    """Return a function that sends a packet on `comm` without a parent; None where the kernel does not let us.

    Parameters
    ----------
    kernel : object or None
        The running kernel; only ipykernel's has the parts that are needed.
    comm : comm.base_comm.BaseComm
        An open comm.
    data : dict
        The data of each message.
    """
    session = getattr(kernel, "session", None)
    socket = getattr(kernel, "iopub_socket", None)
    if session is None or socket is None or getattr(kernel, "iopub_thread", None) is None:
        return None
    content = {"comm_id": comm.comm_id, "data": data}

    def publish(packet: list[Any]) -> None:
        session.send(socket, "comm_msg", content, parent={}, ident=comm.topic, buffers=packet)

    return publish


class CommCarrier(GenericCarrier):
    """Packets of one ordinary comm that the page opened.

    Parameters
    ----------
    kernel : ipykernel.kernelbase.Kernel
        A kernel for which `KernelCommTarget.possible` is true.
    comm, loop, pace, forget
        As for `GenericCarrier`.
    """

    name = "comm"

    def __init__(
        self,
        kernel: Any,
        comm: Any,
        loop: asyncio.AbstractEventLoop,
        pace: Pace,
        forget: Callable[[GenericCarrier], None],
    ) -> None:
        self._kernel = kernel
        super().__init__(comm, loop, pace, forget)

    def publisher(self, comm: Any) -> Callable[[list[Any]], None]:
        """Return what sends a packet on `comm`."""
        return publisher(self._kernel, comm, TO_PAGE) or super().publisher(comm)


class KernelCommTarget(CommTarget):
    """The comm target of one kernel whose iopub socket is at hand.

    Parameters
    ----------
    kernel : ipykernel.kernelbase.Kernel
        The running kernel.
    target, loop, pace, accept
        As for `CommTarget`.
    """

    name = CommCarrier.name

    def __init__(
        self,
        kernel: Any,
        target: str,
        loop: asyncio.AbstractEventLoop,
        pace: Pace,
        accept: Callable[[Carrier], None],
    ) -> None:
        super().__init__(target, loop, pace, accept)
        self._kernel = kernel

    @staticmethod
    def possible(kernel: Any) -> bool:
        """Return whether `kernel` has a session and an iopub socket that can be used from any thread."""
        return all(getattr(kernel, name, None) is not None for name in ("session", "iopub_socket", "iopub_thread"))

    def carrier(self, comm: Any) -> CommCarrier:
        """Return the carrier of a comm."""
        return CommCarrier(self._kernel, comm, self._loop, self._pace, self._carriers.discard)
