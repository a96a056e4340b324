"""The namespaces ``config`` and ``config.profiles``: settings of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import ConfigProfile, ConfigProfileResult
from ipfs_comm.rpc.kinds import FLAG, JSON, TEXT, list_of, record
from ipfs_comm.rpc.method import Answer, Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

PROFILE = record(ConfigProfile, name=TEXT, description=TEXT)
APPLIED = record(ConfigProfileResult, original=JSON, updated=JSON)
_KEY = Parameter("key", TEXT)

METHODS: Mapping[str, Method] = {
    "get": Method((_KEY,), {}, Answer(JSON)),
    "getAll": Method((), {}, Answer(JSON)),
    "set": Method((_KEY, Parameter("value", JSON)), {}, writes=True, admin=True),
    "replace": Method((Parameter("config", JSON),), {}, writes=True, admin=True),
}
PROFILES: Mapping[str, Method] = {
    "list": Method((), {}, Answer(list_of(PROFILE))),
    "apply": Method((Parameter("name", TEXT),), {"dryRun": FLAG}, Answer(APPLIED), writes=True, admin=True),
}
