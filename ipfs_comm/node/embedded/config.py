"""``config``: get, set, get_all, replace, profiles; kept for others to read, since this node is on no network."""

from __future__ import annotations

import builtins
import copy
import json
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.node.api import JSON, ConfigProfile, ConfigProfileResult
from ipfs_comm.node.config_values import encoded, parts_of
from ipfs_comm.node.embedded.settings import BOOTSTRAP
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.node.embedded.context import Context


_PRIVATE_NETWORKS: Final = [
    "/ip4/10.0.0.0/ipcidr/8",
    "/ip4/100.64.0.0/ipcidr/10",
    "/ip4/169.254.0.0/ipcidr/16",
    "/ip4/172.16.0.0/ipcidr/12",
    "/ip4/192.0.0.0/ipcidr/24",
    "/ip4/192.0.2.0/ipcidr/24",
    "/ip4/192.168.0.0/ipcidr/16",
    "/ip4/198.18.0.0/ipcidr/15",
    "/ip4/198.51.100.0/ipcidr/24",
    "/ip4/203.0.113.0/ipcidr/24",
    "/ip4/240.0.0.0/ipcidr/4",
]
#: What each profile sets, by dotted key; those that js-ipfs has.
PROFILES: Final[Mapping[str, tuple[str, Mapping[str, JSON]]]] = {
    "server": (
        "Recommended for nodes with public addresses: no discovery of local peers.",
        {
            "Discovery.MDNS.Enabled": False,
            "Discovery.webRTCStar.Enabled": False,
            "Swarm.AddrFilters": _PRIVATE_NETWORKS,
        },
    ),
    "local-discovery": (
        "Discovery of peers in the local network; undoes part of the profile server.",
        {"Discovery.MDNS.Enabled": True, "Discovery.webRTCStar.Enabled": True, "Swarm.AddrFilters": []},
    ),
    "test": (
        "No outside interference: no discovery and no peers to begin with. For tests.",
        {
            "Addresses.API": "",
            "Addresses.Gateway": "",
            "Addresses.Swarm": [],
            "Bootstrap": [],
            "Discovery.MDNS.Enabled": False,
            "Discovery.webRTCStar.Enabled": False,
        },
    ),
    "default-networking": (
        "The default settings of the network; undoes the profile test.",
        {"Bootstrap": list(BOOTSTRAP), "Discovery.MDNS.Enabled": False, "Discovery.webRTCStar.Enabled": False},
    ),
    "lowpower": (
        "Fewer connections, for machines with little to spare.",
        {"Swarm.ConnMgr.LowWater": 20, "Swarm.ConnMgr.HighWater": 40},
    ),
    "default-power": (
        "The default number of connections; undoes the profile lowpower.",
        {"Swarm.ConnMgr.LowWater": 50, "Swarm.ConnMgr.HighWater": 200},
    ),
}


class Config:
    """The configuration of the embedded node.

    It is a list of settings and no more: nothing that this node does depends on it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.profiles = Profiles(context)

    async def get(self, key: str, *, timeout: float | None = None) -> JSON:
        """Return the value at a dotted key.

        Parameters
        ----------
        key : str
            Such as ``"Addresses.Swarm"``.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            For a key that is none.
        NotFoundError
            Nothing is there.
        """
        parts = parts_of(key)
        async with deadline(timeout, f"config.get of {key}"):
            found: Any = await self._context.settings.read()
        for part in parts:
            if not isinstance(found, dict) or part not in found:
                raise NotFoundError(f"the configuration has no {key}: see config.get_all()", detail={"key": key})
            found = found[part]
        return found

    async def get_all(self, *, timeout: float | None = None) -> dict[str, JSON]:
        """Return the whole configuration; private keys are not in it."""
        async with deadline(timeout, "config.get_all"):
            return await self._context.settings.read()

    async def set(self, key: str, value: JSON, *, timeout: float | None = None) -> None:
        """Change or add the value at a dotted key.

        Raises
        ------
        InvalidInputError
            For a key that is none or leads through something that is no object, or a value that JSON cannot hold.
        LimitError
            The value is too large or too deep.
        """
        parts = parts_of(key)
        kept = json.loads(encoded(value))

        def change(config: dict[str, JSON]) -> dict[str, JSON]:
            _put(config, parts, kept)
            return _checked(config)

        async with deadline(timeout, f"config.set of {key}"):
            await self._context.settings.change(change)

    async def replace(self, config: dict[str, JSON], *, timeout: float | None = None) -> None:
        """Put another configuration in the place of this one.

        Raises
        ------
        InvalidInputError
            It is no JSON object, or holds a private key.
        LimitError
            It is too large or too deep.
        """
        if not isinstance(config, dict):
            raise InvalidInputError(f"a configuration is a dict, not a {builtins.type(config).__name__}")
        kept: dict[str, JSON] = _checked(json.loads(encoded(config)))
        async with deadline(timeout, "config.replace"):
            await self._context.settings.change(lambda _before: kept)


class Profiles:
    """Sets of settings."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self, *, timeout: float | None = None) -> builtins.list[ConfigProfile]:
        """Return the profiles that there are."""
        async with deadline(timeout, "config.profiles.list"):
            return [ConfigProfile(name, description) for name, (description, _changes) in PROFILES.items()]

    async def apply(self, name: str, *, dry_run: bool = False, timeout: float | None = None) -> ConfigProfileResult:
        """Change the configuration as a profile says.

        Parameters
        ----------
        name : str
        dry_run : bool
            Change nothing, and return what would be.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NotFoundError
            There is no such profile.
        """
        if name not in PROFILES:
            raise NotFoundError(f"there is no profile {name!r:.80}: there are {', '.join(PROFILES)}")
        before: dict[str, JSON] = {}

        def change(config: dict[str, JSON]) -> dict[str, JSON]:
            before.update(copy.deepcopy(config))
            for key, value in PROFILES[name][1].items():
                _put(config, key.split("."), copy.deepcopy(value))
            return config

        async with deadline(timeout, f"config.profiles.apply of {name}"):
            settings = self._context.settings
            after = change(await settings.read()) if dry_run else await settings.change(change)
        return ConfigProfileResult(original=before, updated=after)


def _put(config: dict[str, JSON], parts: builtins.list[str], value: JSON) -> None:
    at = config
    for part in parts[:-1]:
        below = at.setdefault(part, {})
        if not isinstance(below, dict):
            raise InvalidInputError(f"{'.'.join(parts)} cannot be set: {part} is no object in this configuration")
        at = below
    at[parts[-1]] = value


def _checked(config: dict[str, JSON]) -> dict[str, JSON]:
    identity = config.get("Identity")
    if isinstance(identity, dict) and "PrivKey" in identity:
        raise InvalidInputError("Identity.PrivKey is not kept in the configuration: keys are in the keystore, see key")
    datastore = config.get("Datastore")
    if isinstance(datastore, dict) and "StorageMax" in datastore:
        raise InvalidInputError(
            "Datastore.StorageMax is not kept in the configuration: the limit is an option of whoever opens the "
            "repository, open_node(storage_max=...) or %ipfs storage_max; repo.stat() tells the one that holds"
        )
    return config
