"""``config``: the daemon's configuration; most of it counts when the daemon is started again."""

from __future__ import annotations

import builtins
import json
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import JSON, ConfigProfile, ConfigProfileResult
from ipfs_comm.node.config_values import encoded, parts_of
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.node.kubo.context import Context

#: Those of Kubo 0.43 that can be applied to a repository that there is; it tells them to nobody over its RPC.
PROFILES: Final[Mapping[str, str]] = {
    "server": "No discovery of local peers: for machines with public addresses.",
    "local-discovery": "Discovery of peers in the local network; undoes part of the profile server.",
    "test": "No outside interference: for tests.",
    "default-networking": "The default settings of the network; undoes the profile test.",
    "lowpower": "Fewer connections, for machines with little to spare.",
    "announce-off": "Tells nobody what is here.",
    "announce-on": "Tells the network what is here; undoes the profile announce-off.",
    "randomports": "A random port for the swarm.",
    "unixfs-v0-2015": "Imports as Kubo did from 2015 on: CIDs of version 0.",
    "legacy-cid-v0": "Another name of the profile unixfs-v0-2015.",
    "unixfs-v1-2025": "Imports whose CIDs other implementations find too: version 1, chunks of 1 MiB.",
    "autoconf-on": "Peers, resolvers and routers by the AutoConf service.",
    "autoconf-off": "No AutoConf: peers, resolvers and routers are set by hand.",
}
#: Where a configuration has what lets one into its daemon.
_SECRETS: Final = ("API", "Authorizations")


class Config:
    """The configuration of a daemon.

    Private keys, the keys of pinning services, and what lets one into the daemon are told to nobody: pages may ask.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.profiles = Profiles(context)

    async def get(self, key: str, *, timeout: float | None = None) -> JSON:
        """Return the value at a key such as ``"Addresses.Swarm"``."""
        parts = parts_of(key)
        if (*parts[:2],) == _SECRETS and len(parts) > 2:
            raise InvalidInputError(f"config.get of {key:.80}: what lets one into a daemon is told to nobody")
        async with deadline(timeout, f"config.get of {key}"):
            said = await self._context.rpc.call("config", key)
        value = Said("config", said).value("Value")
        for name in reversed(parts):
            value = {name: value}
        value = _told(value)
        for name in parts:
            value = value[name]
        return value

    async def get_all(self, *, timeout: float | None = None) -> dict[str, JSON]:
        """Return the whole configuration."""
        async with deadline(timeout, "config.get_all"):
            said: Any = await self._context.rpc.call("config/show")
        return _told(Said("config/show", said).members)

    async def set(self, key: str, value: JSON, *, timeout: float | None = None) -> None:
        """Change the value at a key; Kubo refuses keys that it does not know."""
        parts_of(key)
        text = encoded(value).decode("utf-8")
        self._context.writing("config.set")
        async with deadline(timeout, f"config.set of {key}"):
            await self._context.rpc.call("config", key, text, json=True)

    async def replace(self, config: dict[str, JSON], *, timeout: float | None = None) -> None:
        """Put another configuration in the place of this one; Kubo keeps members that it does not know."""
        if not isinstance(config, dict):
            raise InvalidInputError(f"a configuration is a dict, not a {builtins.type(config).__name__}")
        content = encoded(config)
        self._context.writing("config.replace")
        async with deadline(timeout, "config.replace"):
            await self._context.rpc.call("config/replace", body=Body.of(content))


class Profiles:
    """Sets of settings that Kubo has.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self, *, timeout: float | None = None) -> builtins.list[ConfigProfile]:
        """Return the profiles of Kubo 0.43."""
        async with deadline(timeout, "config.profiles.list"):
            return [ConfigProfile(name, description) for name, description in PROFILES.items()]

    async def apply(self, name: str, *, dry_run: bool = False, timeout: float | None = None) -> ConfigProfileResult:
        """Change the configuration as a profile says; with ``dry_run`` only tell how."""
        if not isinstance(name, str) or not name:
            raise InvalidInputError(f"a profile has a name: {json.dumps(name, default=repr)[:80]} is none")
        if not dry_run:
            self._context.writing("config.profiles.apply")
        async with deadline(timeout, f"config.profiles.apply of {name:.80}"):
            said = await self._context.rpc.call("config/profile/apply", name, dry_run=dry_run or None)
        told = Said("config/profile/apply", said)
        return ConfigProfileResult(original=_told(told.object("OldCfg")), updated=_told(told.object("NewCfg")))


def _told(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration without what lets one into the daemon: Kubo leaves it out of the whole alone."""
    outer, inner = _SECRETS
    if isinstance(api := config.get(outer), dict) and api.get(inner):
        return config | {outer: api | {inner: {}}}
    return config
