"""The namespace ``stats``: figures of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import BandwidthStat
from ipfs_comm.rpc.kinds import BIG, FLAG, NUMBER, PEER, TEXT, record
from ipfs_comm.rpc.method import Answer, Method
from ipfs_comm.rpc.services.bitswap import STAT as EXCHANGED
from ipfs_comm.rpc.services.name import DURATION
from ipfs_comm.rpc.services.repo import STAT as STORED

if TYPE_CHECKING:
    from collections.abc import Mapping

BANDWIDTH = record(BandwidthStat, total_in=BIG, total_out=BIG, rate_in=NUMBER, rate_out=NUMBER)

METHODS: Mapping[str, Method] = {
    "bitswap": Method((), {}, Answer(EXCHANGED)),
    "repo": Method((), {}, Answer(STORED)),
    "bw": Method(
        (),
        {"peer": PEER, "proto": TEXT, "poll": FLAG, "interval": DURATION},
        Answer(BANDWIDTH, "stream", together="last"),
    ),
}
