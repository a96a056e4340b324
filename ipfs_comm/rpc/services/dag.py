"""The namespace ``dag``: nodes of the IPLD data model, and whole DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import (
    DagGetResult,
    DagImportResult,
    DagImportRoot,
    DagImportStats,
    DagResolveResult,
    DagStat,
    DagStatResult,
)
from ipfs_comm.rpc.content import CARS
from ipfs_comm.rpc.kinds import (
    BYTES,
    CID_,
    FLAG,
    LONG_TEXT,
    NATURAL,
    NODE,
    NUMBER,
    PATH,
    TEXT,
    list_of,
    optional,
    record,
    some,
)
from ipfs_comm.rpc.method import Answer, Method, Parameter
from ipfs_comm.rpc.services.core import READ

if TYPE_CHECKING:
    from collections.abc import Mapping

GOT = record(DagGetResult, remainder_path=TEXT, value=NODE)
RESOLVED = record(DagResolveResult, cid=CID_, remainder_path=TEXT)
IMPORTED = record(
    DagImportResult,
    root=optional(record(DagImportRoot, cid=CID_, pin_error_msg=LONG_TEXT), omitted=True),
    stats=optional(record(DagImportStats, block_count=NATURAL, block_bytes_count=NATURAL), omitted=True),
)
STAT = record(
    DagStatResult,
    unique_blocks=NATURAL,
    total_size=NATURAL,
    shared_size=NATURAL,
    ratio=NUMBER,
    dag_stats=list_of(record(DagStat, cid=CID_, size=NATURAL, num_blocks=NATURAL)),
)

METHODS: Mapping[str, Method] = {
    "put": Method(
        (Parameter("dagNode", NODE),),
        {
            "format": TEXT,
            "hashAlg": TEXT,
            "inputCodec": TEXT,
            "onlyHash": FLAG,
            "pin": FLAG,
            "storeCodec": TEXT,
            "version": NATURAL,
            **READ,
        },
        Answer(CID_, member=""),
        writes=True,
    ),
    "get": Method((Parameter("cid", PATH),), {"localResolve": FLAG, "path": TEXT, **READ}, Answer(GOT, member="")),
    "resolve": Method((Parameter("cid", PATH),), {"path": TEXT, **READ}, Answer(RESOLVED, member="")),
    "tree": Method((Parameter("cid", PATH),), {"path": TEXT, "recursive": FLAG, **READ}, Answer(LONG_TEXT, "stream")),
    "export": Method((Parameter("root", PATH),), READ, Answer(BYTES, "stream", together="bytes")),
    "import": Method(
        (Parameter("source", CARS),),
        {"pinRoots": FLAG, "stats": FLAG},
        Answer(IMPORTED, "stream"),
        writes=True,
    ),
    "stat": Method((Parameter("roots", some(PATH)),), READ, Answer(STAT)),
}
