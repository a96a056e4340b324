"""The namespaces ``pin``, ``pin.remote`` and ``pin.remote.service``: what is kept, here and at remote services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipfs_comm.node.api import PinEntry, PinInput, RemotePin, RemotePinCount, RemotePinService, RemotePinStat
from ipfs_comm.rpc.kinds import (
    CID_,
    FLAG,
    INTEGER,
    JSON,
    MULTIADDR,
    NATURAL,
    PATH,
    TEXT,
    URL,
    Call,
    Kind,
    list_of,
    optional,
    record,
    some,
    stream_of,
)
from ipfs_comm.rpc.method import Answer, Method, Parameter
from ipfs_comm.rpc.services.core import READ

ENTRY = record(PinEntry, cid=CID_, type=TEXT, metadata=optional(JSON, omitted=True), name=optional(TEXT, omitted=True))
_MEMBERS = record(PinInput, path=PATH, recursive=FLAG, metadata=optional(JSON), name=optional(TEXT))


def _source(call: Call, given: Any) -> Any:
    """Return one root to pin: a CID or path, or ``{cid or path, recursive, metadata, name}``."""
    if not isinstance(given, Mapping) or "multihash" in given:
        return PATH.load(call, given)
    root = given.get("path", given.get("cid"))
    return _MEMBERS.load(call, {"recursive": True, **given, "path": root})


def _source_out(call: Call, given: Any) -> Any:
    if isinstance(given, PinEntry):
        given = PinInput(given.cid, given.type != "direct", given.metadata, given.name)
    if isinstance(given, Mapping):
        root = given.get("path", given.get("cid"))
        given = PinInput(root, given.get("recursive", True), given.get("metadata"), given.get("name"))
    return _MEMBERS.dump(call, given) if isinstance(given, PinInput) else PATH.dump(call, given)


SOURCE = Kind("pin-source", _source, _source_out)
SOURCES = stream_of(SOURCE, "CIDs, paths or {path, recursive, metadata, name}")

METHODS: Mapping[str, Method] = {
    "add": Method(
        (Parameter("path", PATH),),
        {
            "metadata": JSON,
            "name": TEXT,
            "recursive": FLAG,
            "replicationMax": INTEGER,
            "replicationMin": INTEGER,
            **READ,
        },
        Answer(CID_),
        writes=True,
    ),
    "addAll": Method((Parameter("source", SOURCES),), READ, Answer(CID_, "stream"), writes=True),
    "ls": Method(
        (Parameter("paths", some(PATH), required=False, named=True),),
        {"name": TEXT, "type": TEXT, **READ},
        Answer(ENTRY, "stream"),
    ),
    "rm": Method((Parameter("path", PATH),), {"recursive": FLAG, **READ}, Answer(CID_), writes=True),
    "rmAll": Method((Parameter("source", SOURCES),), READ, Answer(CID_, "stream"), writes=True),
    "update": Method(
        (Parameter("from", PATH), Parameter("to", PATH)), {"unpin": FLAG, **READ}, Answer(CID_), writes=True
    ),
}

REMOTE_PIN = record(RemotePin, status=TEXT, cid=CID_, name=TEXT)
_COUNT = record(RemotePinCount, queued=NATURAL, pinning=NATURAL, pinned=NATURAL, failed=NATURAL)
_STAT = record(RemotePinStat, status=TEXT, pin_count=optional(_COUNT, omitted=True))
_SERVICE = record(RemotePinService, service=TEXT, endpoint=URL, stat=optional(_STAT, omitted=True))
_SEARCH = {"service": TEXT, "cid": some(PATH), "name": TEXT, "status": some(TEXT)}

REMOTE: Mapping[str, Method] = {
    "add": Method(
        (Parameter("cid", PATH),),
        {"service": TEXT, "name": TEXT, "origins": list_of(MULTIADDR), "background": FLAG, **READ},
        Answer(REMOTE_PIN),
        writes=True,
    ),
    "ls": Method((), _SEARCH, Answer(REMOTE_PIN, "stream")),
    "rm": Method((), _SEARCH, writes=True),
    "rmAll": Method((), _SEARCH, writes=True),
}
SERVICE: Mapping[str, Method] = {
    # It holds what opens a service, and lets the node talk to any address.
    "add": Method(
        (Parameter("name", TEXT), Parameter("endpoint", URL, named=True), Parameter("key", TEXT, named=True)),
        writes=True,
        admin=True,
    ),
    "ls": Method((), {"stat": FLAG}, Answer(list_of(_SERVICE))),
    "rm": Method((Parameter("name", TEXT),), writes=True, admin=True),
}
