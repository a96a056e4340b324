"""``bootstrap``: add, list, rm, reset, clear; a list only, since this node dials nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import LimitError
from ipfs_comm.node.api import BootstrapResult
from ipfs_comm.node.embedded.settings import BOOTSTRAP
from ipfs_comm.node.multiaddr import peer_address
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.node.embedded.context import Context

#: Most peers in the list.
MAX_PEERS: Final = 1000


class Bootstrap:
    """The peers that a node on the network would begin with: the setting ``Bootstrap``."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def add(self, addr: str, *, timeout: float | None = None) -> BootstrapResult:
        """Add a peer; one that is there already stays once.

        Parameters
        ----------
        addr : str
            A multiaddress that ends with the peer's ID: ``/ip4/…/tcp/4001/p2p/12D3KooW…``.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            For text that is no such address.
        LimitError
            The list is full.
        """
        added = peer_address(addr)

        def change(peers: list[str]) -> list[str]:
            if len(peers) >= MAX_PEERS:
                raise LimitError(f"the list of peers has {len(peers)} already: remove some with bootstrap.rm")
            return peers if added in peers else [*peers, added]

        async with deadline(timeout, "bootstrap.add"):
            await self._change(change)
        return BootstrapResult((added,))

    async def list(self, *, timeout: float | None = None) -> BootstrapResult:
        """Return all peers."""
        async with deadline(timeout, "bootstrap.list"):
            return BootstrapResult(tuple(_peers(await self._context.settings.read())))

    async def rm(self, addr: str, *, timeout: float | None = None) -> BootstrapResult:
        """Remove a peer; the result is empty where it was not in the list.

        Raises
        ------
        InvalidInputError
            For text that is no address of a peer.
        """
        wanted = peer_address(addr)
        async with deadline(timeout, "bootstrap.rm"):
            before = await self._change(lambda peers: [peer for peer in peers if peer != wanted])
        return BootstrapResult((wanted,) if wanted in before else ())

    async def reset(self, *, timeout: float | None = None) -> BootstrapResult:
        """Put the default peers in the place of the list, and return them."""
        async with deadline(timeout, "bootstrap.reset"):
            await self._change(lambda _peers: [*BOOTSTRAP])
        return BootstrapResult(BOOTSTRAP)

    async def clear(self, *, timeout: float | None = None) -> BootstrapResult:
        """Empty the list, and return what was in it."""
        async with deadline(timeout, "bootstrap.clear"):
            return BootstrapResult(tuple(await self._change(lambda _peers: [])))

    async def _change(self, change: Callable[[Any], Any]) -> Any:
        before: Any = []

        def changed(config: dict[str, Any]) -> dict[str, Any]:
            before.extend(_peers(config))
            return {**config, "Bootstrap": change([*before])}

        await self._context.settings.change(changed)
        return before


def _peers(config: dict[str, Any]) -> Any:
    peers = config.get("Bootstrap")
    return [peer for peer in peers if isinstance(peer, str)] if isinstance(peers, list) else []
