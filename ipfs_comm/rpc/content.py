"""The kinds of what is added: content, a file with its path, and many of them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import File
from ipfs_comm.node.inputs import entries_of, entry_of
from ipfs_comm.rpc.kinds import BYTES, MODE, MTIME, TEXT, Kind, each
from ipfs_comm.rpc.values import bytes_like, missing, parsed, utf8
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from ipfs_comm.rpc.kinds import Call


def _content(call: Call, given: Any) -> Any:
    """Return content to add. Text becomes its bytes here: no text of a page ever is a path of this machine."""
    if isinstance(given, str):
        return utf8(given)
    raw = bytes_like(given)
    if raw is not None:
        return raw
    if isinstance(given, clone.Blob):
        return call.blob(given)
    items = call.iterate(given, partial(_entry, call))
    if items is not None:
        return items
    if isinstance(given, list):
        return _pieces(given)
    raise InvalidInputError(
        f"Unexpected input: {type(given).__name__}: add takes text, bytes, a Blob, "
        "{path, content}, or an iterable of bytes"
    )


def _pieces(given: list[Any]) -> list[Any]:
    """Return a list of bytes or numbers. Lists in lists may share parts, and stand for more than there is memory."""
    pieces = [item if isinstance(item, int) else bytes_like(item) for item in given]
    if any(piece is None for piece in pieces):
        raise InvalidInputError("Unexpected input: a list of something else than bytes or numbers")
    return pieces


def _entry(call: Call, given: Any) -> Any:
    """Return one thing to add: content, or a file with its path.

    Files do not nest: the content of a file is content.
    """
    described = isinstance(given, Mapping) and given.get("type") != "RemoteIterable"
    if not described or not ("path" in given or "content" in given):
        return _content(call, given)

    def member(name: str, kind: Kind, default: Any = None) -> Any:
        value = given.get(name)
        if missing(value):
            return default
        return parsed(value, partial(kind.load, call), f"{call.where}: {name} of a file")

    return File(
        path=member("path", TEXT, ""),
        content=member("content", CONTENT),
        mode=member("mode", MODE),
        mtime=member("mtime", MTIME),
        target=member("target", TEXT),
    )


def _content_out(call: Call, content: Any) -> Any:
    if content is None:
        return clone.undefined
    if isinstance(content, str | bytes | bytearray | memoryview):
        return content
    return call.offer_items(aiter(content), BYTES)


def _entry_out(call: Call, given: Any) -> Any:
    entry = entry_of(given)
    content = _content_out(call, entry.content)
    if not entry.path and entry.mode is None and entry.mtime is None and entry.content is not None:
        return content
    if entry.target is not None:
        mtime = clone.undefined if entry.mtime is None else MTIME.dump(call, entry.mtime)
        return {"path": entry.path, "target": entry.target, "mtime": mtime}
    return {
        "path": entry.path,
        "content": content,
        "mode": clone.undefined if entry.mode is None else MODE.dump(call, entry.mode),
        "mtime": clone.undefined if entry.mtime is None else MTIME.dump(call, entry.mtime),
    }


def _cars(call: Call, given: Any) -> Any:
    items = call.iterate(given, partial(_content, call))
    if items is not None:
        return items
    raw = bytes_like(given)
    if raw is not None:
        return raw
    if isinstance(given, clone.Blob):
        return call.blob(given)
    raise InvalidInputError(
        f"a {type(given).__name__} is no CAR: give bytes, a Blob, an iterable of bytes, or one of CARs"
    )


def _cars_out(call: Call, source: Any) -> Any:
    if _is_one_car(source):
        return _car_out(call, source)
    if not isinstance(source, AsyncIterable | Iterable):
        raise _no_car(source)
    return call.offer_items(each(source), Kind("car", _content, _car_out))


def _is_one_car(source: Any) -> bool:
    single = isinstance(source, str | File | Mapping | PathLike) or hasattr(source, "read")
    return single or bytes_like(source) is not None


def _car_out(call: Call, item: Any) -> Any:
    if isinstance(item, str | File | Mapping):
        raise _no_car(item)
    return item if isinstance(item, bytes | bytearray | memoryview) else _content_out(call, entry_of(item).content)


def _no_car(given: Any) -> InvalidInputError:
    return InvalidInputError(
        f"a {type(given).__name__} is no CAR: give bytes, a pathlib.Path, a file object, an iterable of bytes, "
        "or an iterable of these"
    )


CONTENT = Kind("content", _content, lambda call, content: _content_out(call, entry_of(content).content))
#: Content, or one file or directory.
ENTRY = Kind("entry", _entry, _entry_out)
#: Many of them while they arrive; what is no iterable is looked at as one, for the node to refuse.
ENTRIES = Kind("entries", _entry, lambda call, source: call.offer_items(entries_of(source), ENTRY))
#: One CAR, or several.
CARS = Kind("cars", _cars, _cars_out)
