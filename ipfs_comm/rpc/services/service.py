"""The IPFS service: which node answers, and what of it may be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError, NotSupportedError
from ipfs_comm.rpc.errors import UnknownMethodError
from ipfs_comm.rpc.services import block, bootstrap, config, core, dag, files, key, name, object, pin, refs, repo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.query import Query
    from ipfs_comm.rpc.method import Method

NAMESPACES: Mapping[str, Mapping[str, Method]] = {
    "core": core.METHODS,
    "dag": dag.METHODS,
    "block": block.METHODS,
    "files": files.METHODS,
    "pin": pin.METHODS,
    "refs": refs.METHODS,
    "key": key.METHODS,
    "name": name.METHODS,
    "object": object.METHODS,
    "object.patch": object.PATCH,
    "repo": repo.METHODS,
    "config": config.METHODS,
    "config.profiles": config.PROFILES,
    "bootstrap": bootstrap.METHODS,
}


class IPFSService:
    """Offers a node's API to queries.

    What may be asked for is set here, in the kernel, and nothing that a query says widens it.

    Parameters
    ----------
    node : Node or coroutine function
        The node, or a function that returns it, awaited at every call (so that a node may be opened at first use).
    read_only : bool or function
        Refuse every method that changes the repository; a function is asked at every call.
    namespaces : iterable of str, optional
        Offer these only.

    Raises
    ------
    InvalidInputError
        When a namespace does not exist.
    """

    def __init__(
        self,
        node: Node | Callable[[], Awaitable[Node]],
        *,
        read_only: bool | Callable[[], bool] = False,
        namespaces: Iterable[str] | None = None,
    ) -> None:
        offered = list(NAMESPACES if namespaces is None else namespaces)
        if unknown := sorted(set(offered) - NAMESPACES.keys()):
            raise InvalidInputError(f"there is no namespace {', '.join(unknown)}: choose from {', '.join(NAMESPACES)}")
        self._node = node
        self._read_only = read_only
        self._namespaces = {name: NAMESPACES[name] for name in offered}

    async def call(self, query: Query) -> Any:
        """Do what ``query`` asks for, and return the result's travelling form.

        Raises
        ------
        UnknownMethodError
            When there is no such method.
        NotSupportedError
            With code ``ERR_DENIED``, when it is not allowed here.
        """
        methods = self._namespaces.get(query.namespace)
        if methods is None:
            raise UnknownMethodError(f"Namespace '{query.namespace[:80]}' is not found")
        method = methods.get(query.method)
        if method is None:
            raise UnknownMethodError(f"Method '{query.method[:80]}' is not found")
        read_only = self._read_only() if callable(self._read_only) else self._read_only
        if method.writes and read_only:
            raise NotSupportedError(
                f"{query.where} changes the repository, and this port is read-only", code="ERR_DENIED"
            )
        node = await self._node() if callable(self._node) else self._node
        return await method.answered(node, query)
