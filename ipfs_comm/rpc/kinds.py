"""Kinds of values that cross: how each travels, and what the node's API makes of it.

A kind has a name, by which the table of methods and the page's client know it. ``load`` makes the node's value of what
travelled, and takes everything in it for hostile; ``dump`` makes what travels. Both get the call that the value belongs
to, since some values are ports that end with it. A server loads arguments and dumps results, a client the other way
round.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.ipld import CID
from ipfs_comm.rpc import values
from ipfs_comm.rpc.cids import cid_of, decode_cid, decode_path, encode_cid
from ipfs_comm.rpc.errors import decode_error, encode_error
from ipfs_comm.rpc.nodes import decode_node, encode_node
from ipfs_comm.rpc.values import missing
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

#: Values that one list may hold where it is no stream.
MAX_ITEMS = 65_536


class Call(Protocol):
    """What a kind may need of the call that a value belongs to."""

    @property
    def where(self) -> str:
        """``namespace.method``."""

    def iterate(self, travelling: object, decode: Callable[[Any], Any]) -> AsyncIterator[Any] | None:
        """Return the items of a RemoteIterable, None where it is none."""

    def offer_items(self, source: AsyncIterator[Any], kind: Kind) -> dict[str, Any]:
        """Return a RemoteIterable over items of a kind."""

    def blob(self, blob: clone.Blob) -> AsyncIterator[bytes]:
        """Return the bytes of a Blob, piece by piece."""

    def callback(self, travelling: object) -> Callable[..., Any] | None:
        """Return a function that calls a RemoteCallback, None where it is none."""

    def offer_callback(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Return a RemoteCallback that calls a function."""


Loader: TypeAlias = "Callable[[Call, Any], Any]"
Dumper: TypeAlias = "Callable[[Call, Any], Any]"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of values.

    Attributes
    ----------
    name : str
        As in the table: a word, or ``list<word>`` and the like.
    load : callable
        Takes the call and what travelled; raises TypeError, ValueError or an error of this package for what is none.
    dump : callable
        Takes the call and a value.
    part : Kind, optional
        What a list, a stream or an optional value is made of.
    fields : mapping of str to Kind, optional
        Of a record, by the names that travel.
    omitted : bool
        Whether a record goes without a member that is None, rather than with one that is undefined.
    doc : str
        What a record is.
    made : type, optional
        The class of a record's values.
    """

    name: str
    load: Loader
    dump: Dumper
    part: Kind | None = None
    fields: Mapping[str, Kind] | None = None
    omitted: bool = False
    doc: str = ""
    made: type | None = None


def simple(name: str, load: Callable[[Any], Any], dump: Callable[[Any], Any] = lambda value: value) -> Kind:
    """Return a kind that needs nothing of the call."""
    return Kind(name, lambda _, value: load(value), lambda _, value: dump(value))


def optional(kind: Kind, *, omitted: bool = False) -> Kind:
    """Return the kind of values that may be absent: None here, undefined there, or ``omitted`` from their record."""
    return Kind(
        f"{kind.name}?",
        lambda call, value: None if missing(value) else kind.load(call, value),
        lambda call, value: clone.undefined if value is None else kind.dump(call, value),
        kind,
        omitted=omitted,
    )


def list_of(kind: Kind) -> Kind:
    """Return the kind of lists."""

    def load(call: Call, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise TypeError("an array is needed")
        if len(value) > MAX_ITEMS:
            raise LimitError(f"{call.where}: an array of {len(value)} values: at most {MAX_ITEMS}")
        return [kind.load(call, item) for item in value]

    return Kind(f"list<{kind.name}>", load, lambda call, value: [kind.dump(call, item) for item in value], kind)


def some(kind: Kind) -> Kind:
    """Return the kind of lists where one value stands for a list of it."""
    many = list_of(kind)

    def dump(call: Call, value: Any) -> Any:
        if isinstance(value, list | tuple | set | frozenset):
            return many.dump(call, value)
        return kind.dump(call, value)

    return Kind(
        f"some<{kind.name}>",
        lambda call, value: many.load(call, value) if isinstance(value, list) else kind.load(call, value),
        dump,
        kind,
    )


def stream_of(kind: Kind, what: str) -> Kind:
    """Return the kind of iterables that are read as they come; ``what`` they hold, for errors."""

    def load(call: Call, value: Any) -> Any:
        items = call.iterate(value, lambda item: kind.load(call, item))
        if items is not None:
            return items
        if isinstance(value, list) and len(value) <= MAX_ITEMS:
            return [kind.load(call, item) for item in value]
        raise TypeError(f"an iterable of {what} is needed")

    return Kind(f"stream<{kind.name}>", load, lambda call, value: call.offer_items(each(value), kind), kind)


async def each(source: Any) -> AsyncGenerator[Any, None]:
    """Generate the items of an iterable, asynchronous or not."""
    if hasattr(source, "__aiter__"):
        async for item in source:
            yield item
    else:
        for item in source:
            yield item


def camel(name: str) -> str:
    """Return the js-ipfs spelling of a snake_case name; what ends in an underscore loses it."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def pascal(name: str) -> str:
    """Return the spelling of Kubo's and of older js-ipfs results."""
    return "".join(word.capitalize() for word in name.split("_"))


def record(made: type, spelling: Callable[[str], str] = camel, /, **fields: Kind) -> Kind:
    """Return the kind of results that are one dataclass.

    Parameters
    ----------
    made : type
        The dataclass.
    spelling : callable
        Makes the travelling name of a field.
    **fields : Kind
        Of each field.
    """
    pairs = [(field, spelling(field), kind) for field, kind in fields.items()]
    tuples = {field for field in fields if str(made.__annotations__[field]).startswith("tuple")}

    def load(call: Call, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError("an object is needed")
        members = {field: kind.load(call, value.get(name)) for field, name, kind in pairs}
        return made(**{field: tuple(part) if field in tuples else part for field, part in members.items()})

    def dump(call: Call, value: Any) -> dict[str, Any]:
        members = ((name, kind, getattr(value, field)) for field, name, kind in pairs)
        return {name: kind.dump(call, part) for name, kind, part in members if part is not None or not kind.omitted}

    doc = " ".join((inspect.getdoc(made) or "").split("\n\n")[0].split())
    return Kind(made.__name__, load, dump, fields={name: kind for _, name, kind in pairs}, doc=doc, made=made)


def handler_of(kind: Kind) -> Kind:
    """Return the kind of functions that are called with one value of a kind."""

    def load(call: Call, value: Any) -> Callable[[Any], None]:
        callback = _callback(call, value)
        return lambda item: callback(kind.dump(call, item))

    def dump(call: Call, function: Callable[[Any], object]) -> Any:
        return call.offer_callback(lambda travelling, *_: function(kind.load(call, travelling)))

    return Kind(f"handler<{kind.name}>", load, dump, kind)


def _view(value: Any) -> memoryview:
    raw = values.bytes_like(value)
    if raw is None:
        raise TypeError("bytes are needed, as a Uint8Array")
    return raw


def _bytes(value: Any) -> bytes:
    raw = _view(value)
    whole = raw.obj
    return whole if type(whole) is bytes and len(whole) == raw.nbytes else bytes(raw)


def _plain(value: Any) -> Any:
    """Return what JSON can hold, out of a hostile value: no cycle, and not more than was sent."""
    left = MAX_ITEMS

    def one(item: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > values.MAX_DEPTH:
            raise LimitError(f"a JSON value of more than {MAX_ITEMS} parts or {values.MAX_DEPTH} levels")
        if item is None or isinstance(item, bool | int | float | str):
            return item
        if isinstance(item, list):
            return [one(part, depth + 1) for part in item]
        if isinstance(item, Mapping) and all(isinstance(key, str) for key in item):
            return {key: one(part, depth + 1) for key, part in item.items() if part is not clone.undefined}
        raise TypeError("what JSON can hold is needed")

    return one(value, 0)


def _path_out(value: Any) -> Any:
    return value if isinstance(value, str) else encode_cid(CID.of(value))


def _mtime_out(value: Any) -> Any:
    from ipfs_comm.node.inputs import mtime_of

    made = mtime_of(value)
    return clone.undefined if made is None else {"secs": made.secs, "nsecs": made.nsecs}


def _callback(call: Call, value: Any) -> Any:
    found = call.callback(value)
    if found is None:
        raise InvalidInputError(f"{call.where}: a callback is a RemoteCallback with its port")
    return found


NOTHING = simple("nothing", lambda _: None, lambda _: clone.undefined)
FLAG = simple("flag", values.flag)
INTEGER = simple("integer", values.integer)
NATURAL = simple("natural", values.natural)
NUMBER = simple("number", values.number)
#: A number from zero, where Infinity means no bound.
BOUND = simple("bound", values.bound)
#: A number from zero, where Infinity means more than there will ever be.
THRESHOLD = simple("threshold", values.threshold)
#: A whole number that a page gets as BigInt, as from js-ipfs.
BIG = simple("bigint", values.wide)
#: Milliseconds there, seconds here; Infinity is none.
TIMEOUT = simple("timeout", values.milliseconds, lambda value: value * 1000)
TEXT = simple("text", values.text)
#: A text that can be long, such as a key in PEM.
LONG_TEXT = simple("text", values.long_text)
#: One answer's bytes, whole.
BYTES = simple("bytes", _bytes)
#: Bytes as they came, without a copy, for whoever reads them at once.
VIEW = simple("bytes", _view)
TEXT_OR_BYTES = simple(
    "text-or-bytes", lambda value: values.long_text(value) if isinstance(value, str) else _bytes(value)
)
#: A multiaddress, as text; clients may have objects for it.
MULTIADDR = simple("multiaddr", values.text)
#: A peer's ID, as text; clients may have objects for it.
PEER = simple("peer", values.text)
#: An address, as text; a page may have URL objects for it, and gets them.
URL = simple("url", values.text)
CID_ = simple("cid", decode_cid, lambda value: encode_cid(cid_of(value)))
PATH = simple("path", decode_path, _path_out)
NODE = simple("node", decode_node, encode_node)
JSON = simple("json", _plain)
MODE = simple("mode", values.mode)
#: Permission bits, or how they change, such as ``a+x``.
MODE_CHANGE = simple("mode-change", values.mode)
#: Parsed by the node, which takes every form that js-ipfs knows.
MTIME = simple("mtime", values.mtime, _mtime_out)
ERROR = Kind("error", lambda _, value: decode_error(value), lambda call, value: encode_error(value, call.where))
CALLBACK = Kind("callback", _callback, lambda call, value: call.offer_callback(value))
