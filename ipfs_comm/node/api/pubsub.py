"""``pubsub``: messages to whoever listens to a topic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class PubsubMessage:
    """One message; ``from_`` is the peer that published it, ``sequence_number`` the number that it gave it.

    ``type`` is js-ipfs's: ``signed`` for a message with a sender and a number, as those that are signed have.
    """

    topic: str
    data: bytes
    from_: str
    sequence_number: int | None = None
    type: Literal["signed", "unsigned"] = "signed"


#: Called with each message; what it returns is awaited, where it can be, before it is called with the next.
PubsubHandler: TypeAlias = Callable[[PubsubMessage], object]


class PubsubAPI(Protocol):
    """Topics, and who listens to them."""

    async def ls(self, *, timeout: float | None = None) -> list[str]:
        """Return the topics that this node listens to."""

    async def peers(self, topic: str, *, timeout: float | None = None) -> list[str]:
        """Return the peers known to listen to a topic."""

    async def publish(self, topic: str, data: bytes, *, timeout: float | None = None) -> None:
        """Send a message to all who listen to a topic."""

    async def subscribe(
        self,
        topic: str,
        handler: PubsubHandler,
        *,
        on_error: Callable[[Exception], object] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Call ``handler`` with every message of a topic, from now until ``unsubscribe``.

        ``on_error`` is called once if that ends early: the node went away, or ``handler`` raised or is too slow for
        what comes. ``timeout`` is for the beginning alone.
        """

    async def unsubscribe(
        self, topic: str, handler: PubsubHandler | None = None, *, timeout: float | None = None
    ) -> None:
        """End what ``subscribe`` began, of one handler or of all that were given here for the topic."""
