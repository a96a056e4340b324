"""A client of the message-port protocol with the node's own API."""

from __future__ import annotations

import inspect
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from ipfs_comm.errors import InvalidInputError, IPFSCommError, NotSupportedError, ProtocolError
from ipfs_comm.facade import Facade, declared
from ipfs_comm.node.stream import Stream, Whole, as_last
from ipfs_comm.rpc.asking import Asking
from ipfs_comm.rpc.kinds import CALLBACK, camel
from ipfs_comm.rpc.method import PROGRESS
from ipfs_comm.rpc.transport import Transport
from ipfs_comm.rpc.values import missing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from ipfs_comm.rpc.method import Method
    from ipfs_comm.wire import MessagePort

#: Verbs of which this end does a part, in ``local``, which is loaded when one is called.
LOCAL = frozenset({("add",), ("add_all",), ("get",)})


class _Remote(Facade):
    """A namespace at the other end of a port."""

    def __init__(self, transport: Transport, api: type | None = None, path: tuple[str, ...] = ()) -> None:
        super().__init__(api, path)
        self._transport = transport

    def __repr__(self) -> str:
        return f"<{'.'.join(('ipfs', *self._path))}: an IPFS node at the other end of a port>"

    def _at(self, api: type, path: tuple[str, ...]) -> _Remote:
        return _Remote(self._transport, api, path)

    def _call(self, path: tuple[str, ...], arguments: tuple[Any, ...], options: dict[str, Any], streams: bool) -> Any:
        self._transport.check()
        if path == ("pubsub", "unsubscribe"):
            return self._unsubscribe(*arguments, **options)
        if path in LOCAL:
            from ipfs_comm.rpc import local

            return getattr(local, path[-1])(self._ask, *arguments, **options)
        return self._ask(*path, arguments=arguments, **options)

    def _ask(self, *path: str, arguments: tuple[Any, ...], **options: Any) -> Any:
        asked = _Asked(self._transport, path, arguments, options)
        return asked.stream() if asked.streams else asked.value()

    async def _unsubscribe(self, topic: str, handler: Any = None, *, timeout: float | None = None) -> None:
        """End what was begun here: of one handler by closing its port, of all by asking for that too."""
        self._transport.lasting.end(topic, handler)
        if handler is None:
            await _Asked(self._transport, ("pubsub", "unsubscribe"), (topic,), {"timeout": timeout}).value()


class IPFSClient(_Remote):
    """The core API of a node at the other end of a port.

    Verbs, options and results are those of ``ipfs_comm.node.api``. Use it on the loop that runs when a port is
    attached.
    """

    def __init__(self) -> None:
        super().__init__(Transport())

    @classmethod
    def from_port(cls, port: MessagePort) -> Self:
        """Return a client that talks over ``port``."""
        client = cls()
        client.attach(port)
        return client

    @classmethod
    def detached(cls) -> Self:
        """Return a client whose calls wait until a port is attached."""
        return cls()

    def attach(self, port: MessagePort) -> None:
        """Talk over ``port`` from now on.

        Raises
        ------
        InvalidInputError
            When there is a port already.
        """
        self._transport.attach(port)

    def disconnect(self) -> None:
        """Abort all calls and close the port; later calls raise a LinkError at once."""
        self._transport.close()


class _Asked:
    """A call of a verb, on its way to the other end."""

    def __init__(
        self, transport: Transport, path: tuple[str, ...], arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        self._transport = transport
        self._what = ".".join(path)
        self._namespace, self._name = _place(path)
        self._method = _method(self._namespace, self._name)
        self._given, self._options = _bound(path, self._method, arguments, options)
        self.streams = self._method.answer.flow != "value"
        self._timeout: float | None = self._options.pop("timeout", None)
        self._max_size: int | None = self._options.pop("max_size", None)

    def _input(self, call: Asking) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for parameter in self._method.parameters:
            value = self._given.get(parameter.name)
            if value is not None or parameter.required:
                given[parameter.name] = parameter.kind.dump(call, value)
        for name, value in self._options.items():
            if name == "progress" and self._method.progress:
                given[PROGRESS] = CALLBACK.dump(call, value)
                continue
            kind = self._method.options.get(camel(name))
            if kind is None:
                raise InvalidInputError(f"{self._what}: {name} cannot be given over a port")
            given[camel(name)] = kind.dump(call, value)
        return given

    async def _ask(self, call: Asking) -> Any:
        value = await self._transport.call(self._namespace, self._name, self._input(call), call.transfer, self._timeout)
        member = self._method.answer.member
        if not member:
            return value
        if missing(value) or member not in value:
            raise ProtocolError(f"{self._what} was answered without its member {member}")
        return value[member]

    async def value(self) -> Any:
        call = Asking(self._what)
        lasts = False
        try:
            found = await self._ask(call)
            if self._method.lasting:
                topic, handler = self._given.values()
                self._transport.lasting.add(topic, handler, call)
                lasts = True
            else:
                await call.settle()
            return self._load(call, found)
        finally:
            if not lasts:
                call.close()

    def _load(self, call: Asking, travelling: Any) -> Any:
        try:
            return self._method.answer.kind.load(call, travelling)
        except IPFSCommError:
            raise
        except (TypeError, ValueError, KeyError) as error:
            raise ProtocolError(f"{self._what} was answered with something else than it gives: {error}") from error

    def stream(self) -> Stream[Any, Any]:
        whole = Whole(self._max_size, self._what)
        gathers: Mapping[str, Callable[[AsyncIterator[Any]], Awaitable[Any]]] = {
            "bytes": whole.bytes,
            "last": as_last,
            "list": whole.list(lambda _: 0),
        }
        return Stream(self._items, gathers[self._method.answer.together], timeout=self._timeout, what=self._what)

    async def _items(self) -> AsyncGenerator[Any, None]:
        call = Asking(self._what)
        try:
            found = await self._ask(call)
            if self._method.answer.flow == "array":
                if not isinstance(found, list):
                    raise ProtocolError(f"{self._what} was answered without an array")
                for item in found:
                    yield self._load(call, item)
            else:
                async with aclosing(call.iterate(found, lambda item: self._load(call, item))) as items:
                    async for item in items:
                        yield item
            await call.settle()
        finally:
            call.close()


def _place(path: tuple[str, ...]) -> tuple[str, str]:
    """Return the namespace and the method that a verb of the node's API has on the wire."""
    return ".".join(path[:-1]) or "core", camel(path[-1])


def _method(namespace: str, name: str) -> Method:
    from ipfs_comm.rpc.services import NAMESPACES

    try:
        return NAMESPACES[namespace][name]
    except KeyError:
        raise NotSupportedError(f"{namespace}.{name} cannot be called over a port") from None


def _bound(
    path: tuple[str, ...], method: Method, arguments: tuple[Any, ...], options: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of a call by the names that travel, and its options by their own; None is left out."""
    signature = inspect.signature(declared(path))
    found = signature.bind(None, *arguments, **options).arguments
    values: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in list(signature.parameters.values())[1:]:
        value = found.get(parameter.name)
        if parameter.kind is parameter.VAR_POSITIONAL:
            values += _spread(value or (), len(method.parameters))
        elif parameter.kind is parameter.VAR_KEYWORD:
            named |= value or {}
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        else:
            values.append(value)
    given = dict(zip((parameter.name for parameter in method.parameters), values, strict=True))
    return given, {name: value for name, value in named.items() if value is not None}


def _spread(paths: Sequence[Any], parameters: int) -> list[Any]:
    """Return paths, some of which may be in sequences, as so many arguments: the first of them a list."""
    flat = [one for path in paths for one in (path if isinstance(path, list | tuple) else [path])]
    return [flat[: 1 - parameters or None], *flat[len(flat) - parameters + 1 :]]
