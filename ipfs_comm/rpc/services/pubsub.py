"""The namespace ``pubsub``: messages to whoever listens to a topic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ipfs_comm.node.api import PubsubMessage
from ipfs_comm.rpc.kinds import BIG, BYTES, ERROR, PEER, TEXT, handler_of, list_of, optional, record
from ipfs_comm.rpc.method import Answer, Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.query import Query

MESSAGE = record(
    PubsubMessage, topic=TEXT, data=BYTES, from_=PEER, sequence_number=optional(BIG, omitted=True), type=TEXT
)
HANDLER = handler_of(MESSAGE)
_TOPIC = Parameter("topic", TEXT)


async def _subscribe(method: Method, node: Node, query: Query) -> Any:
    """Begin to listen; it ends with the handler's port, with the port of the query, or by ``unsubscribe``."""
    (topic, handler), options = method.read(query)
    failed = options.pop("on_error", None)

    def ended(error: Exception) -> None:
        if failed is not None:
            failed(error)
        query.close()

    def heard(message: PubsubMessage) -> Awaitable[None] | None:
        handler(message)
        # A page that does not read has the node wait, and that knows how many messages may wait with it.
        return query.room()

    await node.pubsub.subscribe(topic, heard, on_error=ended, **options)
    query.last(f"pubsub {topic}", partial(node.pubsub.unsubscribe, topic, heard))
    return await method.travelling(query, _nothing())


async def _unsubscribe(method: Method, node: Node, query: Query) -> Any:
    """End what this port began for a topic."""
    topic, *_ = method.read(query)[0]
    await query.end(f"pubsub {topic}")
    return await method.travelling(query, _nothing())


async def _nothing() -> None:
    return None


METHODS: Mapping[str, Method] = {
    "ls": Method((), {}, Answer(list_of(TEXT))),
    "peers": Method((_TOPIC,), {}, Answer(list_of(PEER))),
    "publish": Method((_TOPIC, Parameter("data", BYTES)), {}),
    "subscribe": Method(
        (_TOPIC, Parameter("handler", HANDLER)), {"onError": handler_of(ERROR)}, lasting=True, call=_subscribe
    ),
    "unsubscribe": Method((_TOPIC, Parameter("handler", HANDLER, required=False)), {}, call=_unsubscribe),
}
