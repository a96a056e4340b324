"""The methods without a namespace of their own: add, cat, get, ls, resolve, id and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.node.api import AddResult, IDResult, LsEntry, PingResult, RefEntry, VersionResult
from ipfs_comm.rpc.content import ENTRIES, ENTRY
from ipfs_comm.rpc.kinds import (
    BOUND,
    BYTES,
    CID_,
    FLAG,
    INTEGER,
    LONG_TEXT,
    MODE,
    MTIME,
    MULTIADDR,
    NATURAL,
    NUMBER,
    PATH,
    PEER,
    TEXT,
    THRESHOLD,
    list_of,
    optional,
    record,
    some,
)
from ipfs_comm.rpc.method import Answer, Method, Parameter
from ipfs_comm.rpc.services.capabilities import CAPABILITIES, offered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.kinds import Kind
    from ipfs_comm.rpc.query import Query

ADDED = record(AddResult, path=TEXT, cid=CID_, size=NATURAL, mode=optional(MODE), mtime=optional(MTIME))
LISTED = record(
    LsEntry, cid=CID_, type=TEXT, name=TEXT, path=TEXT, mode=optional(MODE), mtime=optional(MTIME), size=NATURAL
)
REF = record(RefEntry, ref=TEXT, err=TEXT)
IDENTITY = record(
    IDResult,
    id=PEER,
    public_key=TEXT,
    addresses=list_of(MULTIADDR),
    agent_version=TEXT,
    protocol_version=TEXT,
    protocols=list_of(TEXT),
    ephemeral=FLAG,
)
PINGED = record(PingResult, success=FLAG, time=NUMBER, text=LONG_TEXT)
VERSION = record(
    VersionResult,
    lambda name: name.replace("_", "-"),
    version=TEXT,
    repo=TEXT,
    commit=TEXT,
    interface_ipfs_core=TEXT,
)

#: Of whatever reads: ask nobody else for blocks that are not here.
READ: Mapping[str, Kind] = {"offline": FLAG}
ADD: Mapping[str, Kind] = {
    "blockWriteConcurrency": NATURAL,
    "chunker": TEXT,
    "cidVersion": NATURAL,
    "fileImportConcurrency": NATURAL,
    "hamtEstimation": TEXT,
    "hashAlg": TEXT,
    "inline": FLAG,
    "inlineLimit": NATURAL,
    "mode": MODE,
    "mtime": MTIME,
    "onlyHash": FLAG,
    "pin": FLAG,
    "pinName": TEXT,
    "preload": FLAG,
    "profile": TEXT,
    "rawLeaves": FLAG,
    "replicationMax": INTEGER,
    "replicationMin": INTEGER,
    "shardSplitThreshold": THRESHOLD,
    "trickle": FLAG,
    "wrapWithDirectory": FLAG,
}


async def _get(method: Method, node: Node, query: Query) -> Any:
    """Stream a file or a tree as a TAR, or gzip of that or of one file: entries do not cross, archives do."""
    (path,), options = method.read(query)
    if not options.get("compress"):
        options["archive"] = True
    return await method.travelling(query, node.get(path, **options))


METHODS: Mapping[str, Method] = {
    "add": Method((Parameter("input", ENTRY),), ADD, Answer(ADDED), writes=True, progress=True),
    "addAll": Method((Parameter("input", ENTRIES),), ADD, Answer(ADDED, "stream"), writes=True, progress=True),
    "cat": Method(
        (Parameter("path", PATH),),
        {"offset": NATURAL, "length": BOUND, **READ},
        Answer(BYTES, "stream", together="bytes"),
    ),
    "get": Method(
        (Parameter("path", PATH),),
        {"archive": FLAG, "compress": FLAG, "compressionLevel": NATURAL, **READ},
        Answer(BYTES, "stream", together="bytes"),
        call=_get,
    ),
    "ls": Method((Parameter("path", PATH),), {"recursive": FLAG, **READ}, Answer(LISTED, "stream")),
    "refs": Method(
        (Parameter("paths", some(PATH)),),
        {"edges": FLAG, "format": TEXT, "maxDepth": BOUND, "recursive": FLAG, "unique": FLAG, **READ},
        Answer(REF, "stream"),
    ),
    "resolve": Method((Parameter("path", PATH),), {"cidBase": TEXT, "recursive": FLAG, **READ}, Answer(TEXT)),
    "id": Method((), {"peerId": PEER}, Answer(IDENTITY)),
    "version": Method((), {}, Answer(VERSION)),
    "dns": Method((Parameter("domain", TEXT),), {"nocache": FLAG, "recursive": FLAG, **READ}, Answer(TEXT)),
    "ping": Method((Parameter("peerId", PEER),), {"count": NATURAL}, Answer(PINGED, "stream")),
    "isOnline": Method((), {}, Answer(FLAG)),
    "stop": Method((), {}, admin=True),
    "capabilities": Method((), {}, Answer(CAPABILITIES), call=offered),
}
