"""The namespace ``pin``: what garbage collection keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipfs_comm.node.api import PinEntry, PinInput
from ipfs_comm.rpc.kinds import CID_, FLAG, JSON, PATH, TEXT, Call, Kind, optional, record, some, stream_of
from ipfs_comm.rpc.method import Answer, Method, Parameter
from ipfs_comm.rpc.services.core import READ

ENTRY = record(PinEntry, cid=CID_, type=TEXT, metadata=optional(JSON), name=optional(TEXT))
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
        {"metadata": JSON, "name": TEXT, "recursive": FLAG, **READ},
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
