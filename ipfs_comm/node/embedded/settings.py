"""The node's configuration as it is kept: one JSON object, and what it is before anybody has changed it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import RepositoryError
from ipfs_comm.node.config_values import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.blockstore.state import State
    from ipfs_comm.node.embedded.keystore import Keystore

#: Where a node on the public network begins, as Kubo lists them.
BOOTSTRAP: Final = (
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt",
    "/dnsaddr/va1.bootstrap.libp2p.io/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8",
    "/ip4/104.131.131.82/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
)
DEFAULTS: Final[dict[str, Any]] = {
    "API": {"HTTPHeaders": {}},
    "Addresses": {"API": "", "Announce": [], "Delegates": [], "Gateway": "", "NoAnnounce": [], "Swarm": []},
    "Bootstrap": list(BOOTSTRAP),
    "Discovery": {"MDNS": {"Enabled": False, "Interval": 10}, "webRTCStar": {"Enabled": False}},
    "Pubsub": {"Enabled": False, "Router": "gossipsub"},
    "Routing": {"Type": "none"},
    "Swarm": {"ConnMgr": {"HighWater": 200, "LowWater": 50}, "DisableNatPortMap": True},
}

_SPACE: Final = "config"
_KEY: Final = "config"


class Settings:
    """The configuration of one repository.

    Parameters
    ----------
    state : State
        Where it is kept, in the space ``config``.
    keys : Keystore
        Who the node is.
    """

    def __init__(self, state: State, keys: Keystore) -> None:
        self._state = state
        self._keys = keys

    async def read(self) -> dict[str, Any]:
        """Return the whole of it; the caller may change the object.

        Raises
        ------
        RepositoryError
            It is damaged.
        """
        kept = _parsed(await self._state.get(_SPACE, _KEY))
        return await self._defaults() if kept is None else kept

    async def change(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """Put what ``change`` returns in the place of what it is given, with everybody else kept out.

        Raises
        ------
        InvalidInputError
            What it returns is no JSON.
        LimitError
            It is too large, or too deep.
        """
        defaults = await self._defaults()
        async with self._state.transaction() as transaction:
            kept = _parsed(await transaction.get(_SPACE, _KEY))
            changed = change(defaults if kept is None else kept)
            await transaction.put(_SPACE, _KEY, encoded(changed))
        return changed

    async def _defaults(self) -> dict[str, Any]:
        identity = {"Identity": {"PeerID": (await self._keys.own()).name.peer_id}}
        return {**identity, **copy.deepcopy(DEFAULTS)}


def _parsed(data: bytes | None) -> dict[str, Any] | None:
    if data is None:
        return None
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RepositoryError("the repository's configuration is damaged: write another with config.replace")
    return found
