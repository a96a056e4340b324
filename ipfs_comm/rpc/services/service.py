"""The IPFS service: which node answers, and what of it may be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.rpc.errors import UnknownMethodError
from ipfs_comm.rpc.policy import Policy
from ipfs_comm.rpc.services import (
    bitswap,
    block,
    bootstrap,
    config,
    core,
    dag,
    dht,
    files,
    key,
    name,
    pin,
    pubsub,
    refs,
    repo,
    stats,
    swarm,
)
from ipfs_comm.rpc.services import object as objects

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.method import Method
    from ipfs_comm.rpc.query import Query

NAMESPACES: Mapping[str, Mapping[str, Method]] = {
    "core": core.METHODS,
    "dag": dag.METHODS,
    "block": block.METHODS,
    "files": files.METHODS,
    "pin": pin.METHODS,
    "pin.remote": pin.REMOTE,
    "pin.remote.service": pin.SERVICE,
    "refs": refs.METHODS,
    "key": key.METHODS,
    "name": name.METHODS,
    "name.pubsub": name.PUBSUB,
    "object": objects.METHODS,
    "object.patch": objects.PATCH,
    "repo": repo.METHODS,
    "config": config.METHODS,
    "config.profiles": config.PROFILES,
    "bootstrap": bootstrap.METHODS,
    "stats": stats.METHODS,
    "swarm": swarm.METHODS,
    "bitswap": bitswap.METHODS,
    "pubsub": pubsub.METHODS,
    "dht": dht.METHODS,
}


class IPFSService:
    """Offers a node's API to queries.

    What may be asked for is set here, in the kernel, and nothing that a query says widens it.

    Parameters
    ----------
    node : Node or coroutine function
        The node, or a function that returns it, awaited at every call (so that a node may be opened at first use).
    policy : Policy or function, optional
        What may be asked for; a function is asked at every call. Instead of it its attributes can be given by name.
    **allowed
        See ``ipfs_comm.rpc.Policy``: ``read_only``, ``namespaces``, ``admin``, ``max_calls``, ``max_bytes``,
        ``max_rate``.

    Raises
    ------
    InvalidInputError
        A policy cannot be.
    """

    def __init__(
        self,
        node: Node | Callable[[], Awaitable[Node]],
        policy: Policy | Callable[[], Policy] | None = None,
        **allowed: Any,
    ) -> None:
        if policy is not None and allowed:
            raise InvalidInputError(f"a policy was given, and {', '.join(allowed)} beside it: give one of them")
        self._node = node
        self._policy = Policy.of(allowed) if policy is None else policy

    @property
    def policy(self) -> Policy:
        """What may be asked for now."""
        return self._policy() if callable(self._policy) else self._policy

    async def call(self, query: Query) -> Any:
        """Do what ``query`` asks for, and return the result's travelling form.

        Raises
        ------
        UnknownMethodError
            When there is no such method.
        NotSupportedError
            With code ``ERR_DENIED``, when it is not allowed here.
        """
        policy = self.policy
        methods = NAMESPACES.get(query.namespace)
        if methods is None or not policy.offers(query.namespace):
            raise UnknownMethodError(f"Namespace '{query.namespace[:80]}' is not found")
        method = methods.get(query.method)
        if method is None:
            raise UnknownMethodError(f"Method '{query.method[:80]}' is not found")
        policy.check(query.where, method)
        query.policy = policy
        node = await self._node() if callable(self._node) else self._node
        return await method.answered(node, query)
