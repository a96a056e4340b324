"""What is said of one method, once: what it takes and gives, and what it may change.

The services answer by it and the Python client asks by it; the page's client and the list in the documentation are made
from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.rpc.kinds import CALLBACK, MAX_ITEMS, NOTHING, TIMEOUT, Kind
from ipfs_comm.rpc.values import missing, parsed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ipfs_comm.node.api import Node
    from ipfs_comm.rpc.query import Query

#: How a result comes: one value, items while they are made, or all items in an array.
Flow: TypeAlias = Literal["value", "stream", "array"]
#: What many items come to where they are awaited together.
Together: TypeAlias = Literal["list", "bytes", "last"]
#: The member of a query's input that ``progress`` travels in.
PROGRESS = "progressCallback"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument.

    Attributes
    ----------
    name : str
        The member of a query's input that it travels in.
    kind : Kind
    required : bool
    named : bool
        Whether a page gives it among the options, as in js-ipfs.
    """

    name: str
    kind: Kind
    required: bool = True
    named: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method gives.

    Attributes
    ----------
    kind : Kind
        Of the value, or of one item.
    flow : str
    member : str
        The member of the result that it travels in; empty where it is the whole result.
    together : str
        What items come to where they are awaited together.
    """

    kind: Kind = NOTHING
    flow: Flow = "value"
    member: str = "data"
    together: Together = "list"


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a namespace.

    Attributes
    ----------
    parameters : tuple of Parameter
        In the order in which a client takes them; all travel by name, between the options.
    options : mapping of str to Kind
        By the names that travel; every method has ``timeout`` beside them, in milliseconds.
    answer : Answer
    writes : bool
        Whether it changes the repository; such methods are off with ``read_only``.
    admin : bool
        Whether it is for those who run the node: off unless asked for.
    progress : bool
        Whether it tells how far it has come.
    lasting : bool
        Whether its callbacks are called after the result too, until their ports close.
    verb : str
        Its dotted name in the node's API, where that is not made from the namespace and the method.
    call : coroutine function, optional
        Does what a query asks, where the rest of this does not say it all.
    """

    parameters: tuple[Parameter, ...] = ()
    options: Mapping[str, Kind] = field(default_factory=dict)
    answer: Answer = Answer()
    writes: bool = False
    admin: bool = False
    progress: bool = False
    lasting: bool = False
    verb: str = ""
    call: Callable[[Method, Node, Query], Awaitable[Any]] | None = None

    async def answered(self, node: Node, query: Query) -> Any:
        """Do what ``query`` asks of ``node``, and return the result's travelling form."""
        if self.call is not None:
            return await self.call(self, node, query)
        given, options = self.read(query)
        verb: Any = reduce(getattr, (self.verb or verb_of(query.namespace, query.method)).split("."), node)
        return await self.travelling(query, verb(*given, **options))

    def read(self, query: Query) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments and the options of a query, in the node's forms.

        Members that are not in the table are left out, and so are options that are undefined or null.

        Raises
        ------
        InvalidInputError
            For one that is missing, or not of its kind.
        """
        given = [self._argument(query, parameter) for parameter in self.parameters]
        while given and given[-1] is None and not self.parameters[len(given) - 1].required:
            given.pop()
        options = {}
        for name, kind in {**self.options, "timeout": TIMEOUT}.items():
            value = query.input.get(name)
            if not missing(value):
                options[snake(name)] = parsed(value, partial(kind.load, query), f"{query.where}: option {name}")
        if self.progress and not missing(report := query.input.get(PROGRESS)):
            options["progress"] = CALLBACK.load(query, report)
        return given, options

    def _argument(self, query: Query, parameter: Parameter) -> Any:
        value = query.input.get(parameter.name)
        if missing(value) and not parameter.required:
            return None
        try:
            return parsed(value, partial(parameter.kind.load, query), f"{query.where}: {parameter.name}")
        except InvalidInputError as error:
            if missing(value) and error.code == InvalidInputError.code and error.__cause__ is not None:
                raise InvalidInputError(f"{query.where}: the {parameter.name} argument is required") from None
            raise

    async def travelling(self, query: Query, result: Any) -> Any:
        """Return what the node gives in its travelling form."""
        answer = self.answer
        if answer.flow == "stream":
            value: Any = query.offer_items(result, answer.kind)
        elif answer.flow == "array":
            value = []
            async for item in result:
                if len(value) == MAX_ITEMS:
                    raise LimitError(f"{query.where}: more than {MAX_ITEMS} results, which come in one array")
                value.append(answer.kind.dump(query, item))
        else:
            value = answer.kind.dump(query, await result)
        return {answer.member: value} if answer.member else value


def snake(name: str) -> str:
    """Return the Python spelling of a name of js-ipfs."""
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def verb_of(namespace: str, method: str) -> str:
    """Return the dotted name that a method has in the node's API."""
    name = snake(method)
    name = f"{name}_" if name == "import" else name
    return name if namespace == "core" else f"{namespace}.{name}"
