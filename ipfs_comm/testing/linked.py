"""Two ports in one process, joined by a real link over a carrier that fails on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from ipfs_comm.wire.acceptor import Acceptor
from ipfs_comm.wire.carriers.memory import Faults, memory_road
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.link import Link
from ipfs_comm.wire.port import MessageChannel, MessagePort, splice

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from types import TracebackType

__all__ = ["LinkedPorts", "linked_ports"]

_SERVICE = "test"


class LinkedPorts:
    """What :func:`linked_ports` returns; unpacks into its two ports.

    Attributes
    ----------
    port1, port2 : MessagePort
        The main ports of the two ends.
    link1, link2 : Link
        The ends; `link2` is None until the link has been opened.
    """

    def __init__(self, faults: Faults, limits: Limits) -> None:
        channel = MessageChannel()
        self._waiting = channel.port1
        self.port2: MessagePort = channel.port2
        self.link2: Link | None = None
        self._acceptor = Acceptor({_SERVICE: self._accepted}, limits=limits)
        self.link1 = Link.begin(memory_road(self._acceptor.accept, faults), service=_SERVICE, limits=limits)
        self.port1: MessagePort = self.link1.port
        # Until the link is open this stands for its main port.
        self._waiting.key = (self.link1.name, 0)

    def _accepted(self, link: Link, port: MessagePort, _params: dict[str, Any]) -> None:
        self.link2 = link
        splice(port, self._waiting)

    def close(self) -> None:
        """End the link; all ports over it close."""
        self.link1.end()
        self._acceptor.close()

    def __iter__(self) -> Iterator[MessagePort]:
        return iter((self.port1, self.port2))

    async def _opened(self) -> LinkedPorts:
        await self.link1.opened
        if self.link1.error is not None:
            raise self.link1.error
        return self

    def __await__(self) -> Generator[Any, None, LinkedPorts]:
        """Wait until the link is open."""
        return self._opened().__await__()

    async def __aenter__(self) -> Self:
        await self._opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def linked_ports(
    *,
    drop: float = 0,
    duplicate: float = 0,
    reorder: float = 0,
    corrupt: float = 0,
    truncate: float = 0,
    delay: float = 0,
    cut: int | None = None,
    cut_ms: float = 1_000,
    cuts: int = 1,
    mute: bool = False,
    seed: int | None = None,
    limits: Limits | Mapping[str, Any] | None = None,
) -> LinkedPorts:
    """Return two ports that are linked in this process: real clone, frames and link over a carrier in memory.

    Call it where an event loop runs. The ports can be used at once. ``await`` the result to wait until the link is
    open, or use it as an asynchronous context manager, which also ends the link.

    Parameters
    ----------
    drop, duplicate, reorder, corrupt, truncate : float
        Probability, for each packet, that the carrier does this to it.
    delay : float
        Milliseconds that a packet waits, at most.
    cut : int, optional
        After so many packets the carrier is lost at both ends, and another is made.
    cut_ms : float
        Milliseconds until that one works.
    cuts : int
        How many times that happens, each time after `cut` more packets.
    mute : bool
        An end does not learn that the other has closed a carrier.
    seed : int, optional
        Makes the faults the same each time.
    limits : Limits or dict, optional
        Limits of both ends.

    Returns
    -------
    LinkedPorts
        With `port1` and `port2`; unpacks into them.

    Examples
    --------
    >>> async with linked_ports(drop=0.1) as (port1, port2):  # doctest: +SKIP
    ...     port2.onmessage = lambda event: print(event.data)
    ...     port1.post_message("hello")
    """
    faults = Faults(
        drop=drop,
        duplicate=duplicate,
        reorder=reorder,
        corrupt=corrupt,
        truncate=truncate,
        delay=delay,
        cut=cut,
        cut_ms=cut_ms,
        cuts=cuts,
        mute=mute,
        seed=seed,
    )
    return LinkedPorts(faults, Limits.of(limits))
