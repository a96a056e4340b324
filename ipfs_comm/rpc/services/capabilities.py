"""``capabilities`` over a port: what the node can do, as far as this port may ask for it, and the port's own limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.node.api import Capabilities
from ipfs_comm.rpc import values
from ipfs_comm.rpc.kinds import FLAG, MAX_ITEMS, NATURAL, TEXT, camel, list_of, optional, record, simple
from ipfs_comm.rpc.method import snake, verb_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.method import Method
    from ipfs_comm.rpc.policy import Policy
    from ipfs_comm.rpc.query import Query

__all__ = ["CAPABILITIES", "PROTOCOL", "offered"]

#: Version of the protocol of docs/protocol.md. The original, which has no ``capabilities``, counts as 0.
PROTOCOL: Final = 1
#: Limits that are told at most.
MAX_LIMITS: Final = 64


def _verb(value: Any) -> str:
    *spaces, method = values.text(value).split(".")
    return verb_of(".".join(map(snake, spaces)) or "core", method)


def _limits(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping) or len(value) > MAX_LIMITS:
        raise TypeError(f"an object of at most {MAX_LIMITS} numbers is needed")
    return {snake(values.text(name)): values.number(limit) for name, limit in value.items()}


#: A method by its dotted name, in the spelling of the language: ``dag.import`` there, ``dag.import_`` here.
VERB = simple("text", _verb, lambda verb: ".".join(map(camel, verb.split("."))))
#: Numbers by names, in the spelling of the language.
LIMITS = simple("limits", _limits, lambda limits: {camel(name): limit for name, limit in limits.items()})
CAPABILITIES = record(
    Capabilities,
    kind=TEXT,
    version=TEXT,
    repo_version=TEXT,
    read_only=FLAG,
    methods=list_of(VERB),
    unsupported=list_of(VERB),
    limits=LIMITS,
    protocol=optional(NATURAL),
)


async def offered(method: Method, node: Node, query: Query) -> Any:
    """Return what the node can do, less what the port may not ask for, and the port's limits beside the node's."""
    _, options = method.read(query)
    return await method.travelling(query, _told(node.capabilities(**options), query.policy))


async def _told(asked: Awaitable[Capabilities], policy: Policy | None) -> Capabilities:
    told = await asked
    return told if policy is None else _allowed(told, policy)


def _allowed(told: Capabilities, policy: Policy) -> Capabilities:
    from ipfs_comm.rpc.services.service import NAMESPACES

    methods = {
        verb_of(namespace, name): method
        for namespace, table in NAMESPACES.items()
        if policy.offers(namespace)
        for name, method in table.items()
    }
    allowed = tuple(verb for verb, method in sorted(methods.items()) if policy.allows(method))
    limits: Mapping[str, float] = {
        **told.limits,
        "max_items": MAX_ITEMS,
        "max_calls": policy.max_calls,
        "max_bytes": policy.max_bytes,
        **({} if policy.max_rate is None else {"max_rate": policy.max_rate}),
    }
    return replace(
        told,
        read_only=told.read_only or policy.read_only,
        methods=allowed,
        unsupported=tuple(verb for verb in told.unsupported if verb in allowed),
        limits=limits,
        protocol=PROTOCOL,
    )
