"""The namespaces ``object`` and ``object.patch``: nodes of dag-pb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode
from ipfs_comm.node.api import ObjectStat
from ipfs_comm.rpc.kinds import BYTES, CID_, FLAG, NATURAL, TEXT, VIEW, Call, Kind, list_of, optional, pascal, record
from ipfs_comm.rpc.method import Answer, Method, Parameter
from ipfs_comm.rpc.services.core import READ
from ipfs_comm.rpc.values import bytes_like

LINK = record(PBLink, pascal, hash=CID_, name=optional(TEXT), tsize=optional(NATURAL))
_WHOLE = record(PBNode, pascal, links=list_of(LINK), data=optional(BYTES))
STAT = record(
    ObjectStat,
    pascal,
    hash=CID_,
    num_links=NATURAL,
    block_size=NATURAL,
    links_size=NATURAL,
    data_size=NATURAL,
    cumulative_size=NATURAL,
)


def _node(call: Call, given: Any) -> Any:
    """Return a dag-pb node: ``{Data, Links}``, or its data alone."""
    return VIEW.load(call, given) if bytes_like(given) is not None else _WHOLE.load(call, given)


def _node_out(call: Call, given: Any) -> Any:
    if isinstance(given, Mapping):
        links = tuple(_made(link) for link in given.get("Links") or ())
        given = PBNode(links, given.get("Data"))
    return _WHOLE.dump(call, given) if isinstance(given, PBNode) else given


def _made(link: Any) -> PBLink:
    return link if isinstance(link, PBLink) else PBLink(link["Hash"], link.get("Name"), link.get("Tsize"))


def _link_name(call: Call, given: Any) -> Any:
    return TEXT.load(call, given) if isinstance(given, str) else LINK.load(call, given)


NODE = Kind("pb-node", _node, _node_out, fields=_WHOLE.fields)
GIVEN_LINK = Kind("pb-link", LINK.load, lambda call, link: LINK.dump(call, _made(link)), fields=LINK.fields)
LINK_OR_NAME = Kind(
    "pb-link-or-name",
    _link_name,
    lambda call, link: link if isinstance(link, str) else LINK.dump(call, _made(link)),
)
_CID = Parameter("cid", CID_)
_DATA = Parameter("data", VIEW)

METHODS: Mapping[str, Method] = {
    "new": Method((Parameter("template", TEXT, required=False, named=True),), {}, Answer(CID_), writes=True),
    "put": Method((Parameter("node", NODE),), {"pin": FLAG, **READ}, Answer(CID_), writes=True),
    "get": Method((_CID,), READ, Answer(_WHOLE)),
    "data": Method((_CID,), READ, Answer(BYTES)),
    "links": Method((_CID,), READ, Answer(list_of(LINK))),
    "stat": Method((_CID,), READ, Answer(STAT)),
}
PATCH: Mapping[str, Method] = {
    "addLink": Method((_CID, Parameter("link", GIVEN_LINK)), READ, Answer(CID_), writes=True),
    "rmLink": Method((_CID, Parameter("link", LINK_OR_NAME)), READ, Answer(CID_), writes=True),
    "appendData": Method((_CID, _DATA), READ, Answer(CID_), writes=True),
    "setData": Method((_CID, _DATA), READ, Answer(CID_), writes=True),
}
