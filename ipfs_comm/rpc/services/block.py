"""The namespace ``block``: put, get, rm, stat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import BlockRemoval, BlockStat
from ipfs_comm.rpc.kinds import BYTES, CID_, ERROR, FLAG, NATURAL, TEXT, VIEW, optional, record, some
from ipfs_comm.rpc.method import Answer, Method, Parameter
from ipfs_comm.rpc.services.core import READ

if TYPE_CHECKING:
    from collections.abc import Mapping

REMOVAL = record(BlockRemoval, cid=CID_, error=optional(ERROR, omitted=True))
STAT = record(BlockStat, cid=CID_, size=NATURAL)

METHODS: Mapping[str, Method] = {
    "put": Method(
        (Parameter("block", VIEW),),
        {"format": TEXT, "mhlen": NATURAL, "mhtype": TEXT, "pin": FLAG, "version": NATURAL, **READ},
        Answer(CID_, member="cid"),
        writes=True,
    ),
    "get": Method((Parameter("cid", CID_),), READ, Answer(BYTES, member="block")),
    "rm": Method(
        (Parameter("cids", some(CID_)),),
        {"force": FLAG, "quiet": FLAG},
        Answer(REMOVAL, "array", member=""),
        writes=True,
    ),
    "stat": Method((Parameter("cid", CID_),), READ, Answer(STAT, member="")),
}
