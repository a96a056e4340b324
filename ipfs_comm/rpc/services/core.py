"""The methods without a namespace of their own: add, addAll, cat, ls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import File, Node
from ipfs_comm.rpc.cids import decode_path
from ipfs_comm.rpc.services import results
from ipfs_comm.rpc.services.method import Method
from ipfs_comm.rpc.values import (
    Options,
    Parser,
    bound,
    bytes_like,
    flag,
    milliseconds,
    missing,
    mode,
    natural,
    parse,
    parsed,
    text,
    threshold,
    utf8,
)
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from ipfs_comm.rpc.query import Query

TIMEOUT: Options = {"timeout": ("timeout", milliseconds)}
ADD: Options = {
    "chunker": ("chunker", text),
    "cidVersion": ("cid_version", natural),
    "fileImportConcurrency": ("file_import_concurrency", natural),
    "hamtEstimation": ("hamt_estimation", text),
    "hashAlg": ("hash_alg", text),
    "inline": ("inline", flag),
    "inlineLimit": ("inline_limit", natural),
    "onlyHash": ("only_hash", flag),
    "pin": ("pin", flag),
    "rawLeaves": ("raw_leaves", flag),
    "shardSplitThreshold": ("shard_split_threshold", threshold),
    "trickle": ("trickle", flag),
    "wrapWithDirectory": ("wrap_with_directory", flag),
    **TIMEOUT,
}
CAT: Options = {"offset": ("offset", natural), "length": ("length", bound), **TIMEOUT}
LS: Options = TIMEOUT


def _entry(query: Query, given: Any) -> Any:
    """Return one thing to add: content, or a file with its path.

    Files do not nest: the content of a file is content.
    """
    described = isinstance(given, Mapping) and given.get("type") != "RemoteIterable"
    if not described or not ("path" in given or "content" in given):
        return _content(query, given)

    def member(name: str, parser: Parser, default: Any = None) -> Any:
        value = given.get(name)
        return default if missing(value) else parsed(value, parser, f"{query.where}: {name} of a file")

    return File(
        path=member("path", text, ""),
        content=member("content", partial(_content, query)),
        mode=member("mode", mode),
        mtime=member("mtime", lambda mtime: mtime),
    )


def _content(query: Query, given: Any) -> Any:
    """Return content to add. Text becomes its bytes here: no text of a page ever is a path of this machine."""
    if isinstance(given, str):
        return utf8(given)
    raw = bytes_like(given)
    if raw is not None:
        return raw
    if isinstance(given, clone.Blob):
        return query.read(given)
    items = query.iterate(given, lambda item: _entry(query, item))
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


def _prepare(query: Query) -> tuple[Any, dict[str, Any]]:
    options = parse(query.input, ADD, query.where)
    progress = query.callback(query.input.get("progressCallback"))
    if progress is not None:
        options["progress"] = progress
    return _entry(query, query.input.get("input")), options


async def add(node: Node, query: Query) -> dict[str, Any]:
    """Add one file or directory: ``{data: entry}``."""
    entry, options = _prepare(query)
    return {"data": results.added(await node.add(entry, **options))}


async def add_all(node: Node, query: Query) -> dict[str, Any]:
    """Add many, both streams open at once: ``{data: RemoteIterable of entries}``."""
    entries, options = _prepare(query)
    return {"data": query.offer(node.add_all(entries, **options), results.added)}


async def cat(node: Node, query: Query) -> dict[str, Any]:
    """Stream a file's bytes: ``{data: RemoteIterable of Uint8Array}``."""
    options = parse(query.input, CAT, query.where)
    return {"data": query.offer(node.cat(decode_path(query.input.get("path")), **options))}


async def ls(node: Node, query: Query) -> dict[str, Any]:
    """List a directory: ``{data: RemoteIterable of entries}``."""
    options = parse(query.input, LS, query.where)
    return {"data": query.offer(node.ls(decode_path(query.input.get("path")), **options), results.listed)}


METHODS: Mapping[str, Method] = {
    "add": Method(add, writes=True),
    "addAll": Method(add_all, writes=True),
    "cat": Method(cat),
    "ls": Method(ls),
}
