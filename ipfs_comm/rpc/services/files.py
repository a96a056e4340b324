"""The namespace ``files``: the mutable file system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import FileEntry, FileStat
from ipfs_comm.rpc.content import CONTENT
from ipfs_comm.rpc.kinds import (
    BOUND,
    BYTES,
    CID_,
    FLAG,
    MODE,
    MODE_CHANGE,
    MTIME,
    NATURAL,
    PATH,
    TEXT,
    THRESHOLD,
    optional,
    record,
    some,
)
from ipfs_comm.rpc.method import Answer, Method, Parameter
from ipfs_comm.rpc.services.core import READ

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.rpc.kinds import Kind

STAT = record(
    FileStat,
    cid=CID_,
    type=TEXT,
    size=NATURAL,
    cumulative_size=NATURAL,
    blocks=NATURAL,
    local=optional(FLAG),
    size_local=optional(NATURAL),
    with_locality=FLAG,
    mode=optional(MODE),
    mtime=optional(MTIME),
)

ENTRY = record(FileEntry, name=TEXT, type=TEXT, size=NATURAL, cid=CID_, mode=optional(MODE), mtime=optional(MTIME))

#: Of whatever changes a directory.
CHANGE: Mapping[str, Kind] = {"flush": FLAG, "shardSplitThreshold": THRESHOLD, **READ}
#: Of whatever makes something new in one.
MAKE: Mapping[str, Kind] = {"cidVersion": NATURAL, "hashAlg": TEXT, **CHANGE}
_PATH = Parameter("path", PATH)
_FROM_TO = (Parameter("from", some(PATH)), Parameter("to", PATH))

METHODS: Mapping[str, Method] = {
    "stat": Method((_PATH,), {"hash": FLAG, "size": FLAG, "withLocal": FLAG, **READ}, Answer(STAT, member="stat")),
    "ls": Method((Parameter("path", PATH, required=False),), READ, Answer(ENTRY, "stream")),
    "read": Method((_PATH,), {"length": BOUND, "offset": NATURAL, **READ}, Answer(BYTES, "stream", together="bytes")),
    "write": Method(
        (_PATH, Parameter("content", CONTENT)),
        {
            "create": FLAG,
            "length": BOUND,
            "mode": MODE,
            "mtime": MTIME,
            "offset": NATURAL,
            "parents": FLAG,
            "rawLeaves": FLAG,
            "reduceSingleLeafToSelf": FLAG,
            "truncate": FLAG,
            **MAKE,
        },
        writes=True,
    ),
    "mkdir": Method((_PATH,), {"mode": MODE, "mtime": MTIME, "parents": FLAG, **MAKE}, writes=True),
    "cp": Method(_FROM_TO, {"force": FLAG, "parents": FLAG, "recursive": FLAG, **MAKE}, writes=True),
    "mv": Method(_FROM_TO, {"parents": FLAG, "recursive": FLAG, **MAKE}, writes=True),
    "rm": Method((Parameter("paths", some(PATH)),), {"force": FLAG, "recursive": FLAG, **CHANGE}, writes=True),
    "touch": Method((_PATH,), {"mtime": MTIME, **MAKE}, writes=True),
    "chmod": Method((_PATH, Parameter("mode", MODE_CHANGE)), {"recursive": FLAG, **MAKE}, writes=True),
    "flush": Method((Parameter("path", PATH, required=False),), READ, Answer(CID_)),
}
