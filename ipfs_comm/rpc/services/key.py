"""The namespace ``key``: the node's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import KeyRenameResult, KeyResult
from ipfs_comm.rpc.kinds import BYTES, FLAG, LONG_TEXT, NATURAL, TEXT, TEXT_OR_BYTES, list_of, record
from ipfs_comm.rpc.method import Answer, Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = record(KeyResult, id=TEXT, name=TEXT)
RENAMED = record(KeyRenameResult, id=TEXT, was=TEXT, now=TEXT, overwrite=FLAG)
_NAME = Parameter("name", TEXT)

METHODS: Mapping[str, Method] = {
    "gen": Method((_NAME,), {"size": NATURAL, "type": TEXT}, Answer(KEY), writes=True),
    "list": Method((), {}, Answer(list_of(KEY))),
    "info": Method((_NAME,), {}, Answer(KEY)),
    "rm": Method((_NAME,), {}, Answer(KEY), writes=True, admin=True),
    "rename": Method(
        (Parameter("oldName", TEXT), Parameter("newName", TEXT)), {"force": FLAG}, Answer(RENAMED), writes=True
    ),
    "export": Method(
        (_NAME, Parameter("password", LONG_TEXT, required=False)), {"format": TEXT}, Answer(TEXT_OR_BYTES), admin=True
    ),
    "import": Method(
        (_NAME, Parameter("data", TEXT_OR_BYTES), Parameter("password", LONG_TEXT, required=False)),
        {},
        Answer(KEY),
        writes=True,
    ),
    "sign": Method((Parameter("data", BYTES),), {"key": TEXT}, Answer(BYTES), admin=True),
    "verify": Method((Parameter("data", BYTES), Parameter("signature", BYTES)), {"key": TEXT}, Answer(FLAG)),
}
