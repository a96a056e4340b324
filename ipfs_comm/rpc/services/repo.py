"""The namespace ``repo``: the repository as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import GCResult, RepoStat, VerifyResult
from ipfs_comm.rpc.kinds import BIG, CID_, ERROR, FLAG, LONG_TEXT, TEXT, optional, record
from ipfs_comm.rpc.method import Answer, Method

if TYPE_CHECKING:
    from collections.abc import Mapping

COLLECTED = record(GCResult, cid=CID_, err=optional(ERROR, omitted=True))
STAT = record(RepoStat, num_objects=BIG, repo_size=BIG, repo_path=LONG_TEXT, version=TEXT, storage_max=BIG)
DAMAGED = record(VerifyResult, cid=CID_, error=ERROR)

METHODS: Mapping[str, Method] = {
    "gc": Method((), {"quiet": FLAG}, Answer(COLLECTED, "stream"), writes=True, admin=True),
    "stat": Method((), {"sizeOnly": FLAG}, Answer(STAT)),
    "version": Method((), {}, Answer(TEXT)),
    "verify": Method((), {}, Answer(DAMAGED, "stream"), progress=True),
}
