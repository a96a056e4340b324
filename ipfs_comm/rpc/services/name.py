"""The namespaces ``name`` and ``name.pubsub``: IPNS names and names of domains."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ipfs_comm.node.api import NamePublishResult, NamePubsubCancelResult, NamePubsubState
from ipfs_comm.rpc import values
from ipfs_comm.rpc.kinds import BYTES, FLAG, NATURAL, PATH, TEXT, list_of, record, simple
from ipfs_comm.rpc.method import Answer, Method, Parameter
from ipfs_comm.rpc.services.core import READ

if TYPE_CHECKING:
    from collections.abc import Mapping


def _duration(value: Any) -> str | float:
    """Parse a time span: text such as ``1h30m``, or milliseconds."""
    return values.text(value) if isinstance(value, str) else values.number(value) / 1000


def _duration_out(value: Any) -> Any:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return value if isinstance(value, str) else value * 1000


DURATION = simple("duration", _duration, _duration_out)
PUBLISHED = record(NamePublishResult, name=TEXT, value=TEXT)

METHODS: Mapping[str, Method] = {
    "publish": Method(
        (Parameter("value", PATH),),
        {
            "allowOffline": FLAG,
            "key": TEXT,
            "lifetime": DURATION,
            "resolve": FLAG,
            "sequence": NATURAL,
            "ttl": DURATION,
            "v1compat": FLAG,
            **READ,
        },
        Answer(PUBLISHED),
        writes=True,
    ),
    "resolve": Method(
        (Parameter("name", PATH, required=False),),
        {"nocache": FLAG, "recursive": FLAG, **READ},
        Answer(TEXT, "stream", together="last"),
    ),
    "get": Method((Parameter("name", TEXT),), READ, Answer(BYTES)),
    "put": Method(
        (Parameter("name", TEXT), Parameter("record", BYTES)),
        {"allowOffline": FLAG, **READ},
        Answer(PUBLISHED),
        writes=True,
    ),
}
PUBSUB: Mapping[str, Method] = {
    "cancel": Method((Parameter("name", TEXT),), {}, Answer(record(NamePubsubCancelResult, canceled=FLAG))),
    "state": Method((), {}, Answer(record(NamePubsubState, enabled=FLAG))),
    "subs": Method((), {}, Answer(list_of(TEXT))),
}
