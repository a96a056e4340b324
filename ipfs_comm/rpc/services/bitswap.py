"""The namespace ``bitswap``: blocks that are wanted from others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import BitswapStat
from ipfs_comm.rpc.kinds import BIG, CID_, NATURAL, PEER, list_of, record, some
from ipfs_comm.rpc.method import Answer, Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

STAT = record(
    BitswapStat,
    provide_buf_len=NATURAL,
    wantlist=list_of(CID_),
    peers=list_of(PEER),
    blocks_received=BIG,
    data_received=BIG,
    blocks_sent=BIG,
    data_sent=BIG,
    dup_blks_received=BIG,
    dup_data_received=BIG,
)

METHODS: Mapping[str, Method] = {
    "wantlist": Method((), {}, Answer(list_of(CID_))),
    "wantlistForPeer": Method((Parameter("peerId", PEER),), {}, Answer(list_of(CID_))),
    "unwant": Method((Parameter("cids", some(CID_)),), {}, admin=True),
    "stat": Method((), {}, Answer(STAT)),
}
