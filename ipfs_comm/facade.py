"""Objects with the verbs of the core API that lead elsewhere: names, signatures and docs by its declaration."""

from __future__ import annotations

import functools
import inspect
import typing
from typing import Any

if typing.TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Facade", "declared", "namespaces_of", "verbs"]


def declared(path: tuple[str, ...]) -> Any:
    """Return the function by which the core API declares the verb at a path such as ``("dag", "put")``.

    Raises
    ------
    KeyError
        There is none.
    """
    from ipfs_comm.node.api import Node

    api: type = Node
    for name in path[:-1]:
        api = namespaces_of(api)[name]
    found = vars(api).get(path[-1])
    if inspect.isfunction(found):
        return found
    namespace = namespaces_of(api).get(path[-1])
    if namespace is None or "__call__" not in vars(namespace):
        raise KeyError(".".join(path))
    return vars(namespace)["__call__"]


def namespaces_of(api: type) -> dict[str, type]:
    """Return the declarations of the namespaces in one."""
    return {
        name: typing.get_type_hints(member.fget)["return"]
        for name, member in vars(api).items()
        if isinstance(member, property) and member.fget is not None
    }


@functools.cache
def verbs() -> typing.Mapping[str, Callable[..., Any]]:
    """Return every verb of the core API by its dotted name, as the API declares it."""
    from ipfs_comm.node.api import Node

    return dict(_verbs(Node, ()))


def _verbs(api: type, path: tuple[str, ...]) -> typing.Iterator[tuple[str, Callable[..., Any]]]:
    for name, namespace in namespaces_of(api).items():
        yield from _verbs(namespace, (*path, name))
    for name, member in vars(api).items():
        if name == "__call__":
            yield ".".join(path), member
        elif inspect.isfunction(member) and not name.startswith("_"):
            yield ".".join((*path, name)), member


class Facade:
    """Names of the core API, or of one of its namespaces, that all lead to `_call`.

    Parameters
    ----------
    api : type, optional
        The declaration; ``ipfs_comm.node.api.Node``, looked up when it is needed, where not given.
    path : tuple of str
        Where it is in the core API.
    """

    def __init__(self, api: type | None = None, path: tuple[str, ...] = ()) -> None:
        self._api = api
        self._path = path

    def _declaration(self) -> type:
        if self._api is None:
            from ipfs_comm.node.api import Node

            self._api = Node
        return self._api

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        member = inspect.getattr_static(self._declaration(), name, None)
        found: Any
        if isinstance(member, property) and member.fget is not None:
            namespace = typing.get_type_hints(member.fget)["return"]
            found = self._at(namespace, (*self._path, name))
            if "__call__" in vars(namespace):
                found = self._verb_with(found, vars(namespace)["__call__"], (*self._path, name))
        elif inspect.isfunction(member):
            found = self._verb(member, (*self._path, name))
        else:
            where = ".".join(("ipfs", *self._path))
            raise AttributeError(f"{where} has no {name!r}; it has {', '.join(dir(self))}")
        self.__dict__[name] = found
        return found

    def __dir__(self) -> list[str]:
        return sorted(self._names())

    def _verb(self, declaration: Any, path: tuple[str, ...]) -> Callable[..., Any]:
        signature = inspect.signature(declaration)
        streams = not inspect.iscoroutinefunction(declaration)

        def verb(*arguments: Any, **options: Any) -> Any:
            signature.bind(None, *arguments, **options)
            return self._call(path, arguments, options, streams)

        functools.update_wrapper(verb, declaration)
        verb.__signature__ = signature.replace(  # type: ignore[attr-defined]  # functions take it, typeshed does not know
            parameters=list(signature.parameters.values())[1:]
        )
        del verb.__wrapped__  # type: ignore[attr-defined]  # it would count as a coroutine function by what it wraps
        return verb

    def _verb_with(self, namespace: Facade, declaration: Any, path: tuple[str, ...]) -> Callable[..., Any]:
        """Return a verb that is a namespace too, as ``refs`` with ``refs.local``."""
        verb = self._verb(declaration, path)
        for name in namespace._names():
            setattr(verb, name, getattr(namespace, name))
        return verb

    def _names(self) -> list[str]:
        return [name for name in vars(self._declaration()) if not name.startswith("_")]

    def _at(self, api: type, path: tuple[str, ...]) -> Any:
        raise NotImplementedError

    def _call(self, path: tuple[str, ...], arguments: tuple[Any, ...], options: dict[str, Any], streams: bool) -> Any:
        raise NotImplementedError
