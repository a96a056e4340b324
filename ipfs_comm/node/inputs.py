"""What can be added, made into one form: a ``File`` whose content is bytes or an asynchronous iterator of bytes."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from inspect import isawaitable
from pathlib import Path
from typing import Any

from ipfs_comm._shown import listed, shown
from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import File, Mtime
from ipfs_comm.unixfs.from_disk import OnDisk

#: Bytes read from a file at once.
CHUNK = 1 << 20
#: Pieces after which other tasks get their turn.
TURN = 64
_BYTES = (bytes, bytearray, memoryview)
_TIMESPEC = (("secs", "nsecs"), ("Seconds", "FractionalNanoseconds"))


def mode_of(value: Any) -> int | None:
    """Return permission bits from a number or octal digits.

    Raises
    ------
    InvalidInputError
        For anything else.
    """
    if value is None:
        return None
    try:
        bits = int(value, 8) if isinstance(value, str) else value
    except ValueError:
        bits = None
    if isinstance(bits, bool) or not isinstance(bits, int) or not 0 <= bits < 1 << 32:
        raise InvalidInputError(f"mode is {shown(value)}: give permission bits as a number, or octal digits in a str")
    return bits


def mtime_of(value: Any) -> Mtime | None:
    """Return a time from any form that js-ipfs takes: a datetime, a mapping, ``(secs, nsecs)`` or seconds.

    Raises
    ------
    InvalidInputError
        For anything else.
    """
    found: tuple[Any, Any] | None = None
    if value is None or isinstance(value, Mtime):
        return value
    if isinstance(value, datetime):
        # Days, seconds and microseconds are exact where timestamp() is a float.
        since = value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        found = since.days * 86_400 + since.seconds, since.microseconds * 1000
    elif isinstance(value, Mapping):
        found = next(((value[s], value.get(n) or 0) for s, n in _TIMESPEC if s in value), None)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53:
        found = int(value // 1), round(value % 1 * 1e9)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) == 2:
        found = value[0], value[1]
    if (
        found is None
        or not all(isinstance(part, int) and not isinstance(part, bool) for part in found)
        or not 0 <= found[1] < 10**9
    ):
        raise InvalidInputError(
            f"mtime is {shown(value)}: give a datetime, (secs, nsecs), a mapping of these, or seconds"
        )
    return Mtime(*found)


def entry_of(given: Any) -> File:
    """Return what was given to ``add`` as a ``File`` whose content is bytes, an async iterable of bytes, or None.

    What is on disk becomes an ``OnDisk``, which may be a directory; it is looked at when it is read.

    Raises
    ------
    InvalidInputError
        For what cannot be added. (An iterable that holds something else than bytes is found out when it is read.)
    """
    if isinstance(given, Mapping):
        if not given.keys() & {"path", "content"}:
            raise InvalidInputError(f"Unexpected input: a mapping of {listed(given)}: it needs path or content")
        members = (given.get(name) for name in ("content", "mode", "mtime", "target"))
        given = File(given.get("path") or "", *members)
    if not isinstance(given, File):
        content = _content(given)
        return File(content.name if isinstance(content, OnDisk) else "", content)
    content = None if given.content is None else _content(given.content)
    return File(_clean(given.path), content, mode_of(given.mode), mtime_of(given.mtime), _target(given))


def _target(given: File) -> str | None:
    """Return where a symlink leads; nothing is said of whether anything is there."""
    if given.target is None:
        return None
    try:
        bad = not given.target or "\0" in given.target or not given.target.encode("utf-8", "surrogateescape")
    except (AttributeError, TypeError, UnicodeEncodeError):
        bad = True
    if bad:
        raise InvalidInputError(f"target is {shown(given.target)}: a symlink leads to a path, without null characters")
    if given.content is not None or given.mode is not None or not given.path:
        raise InvalidInputError("a symlink, a file with a target, has a path, and neither content nor mode")
    return given.target


def _clean(path: object) -> str:
    """Return a path inside what is added: relative, without empty segments."""
    if not isinstance(path, str):
        raise InvalidInputError(f"path is a {type(path).__name__}: a str is needed")
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if ".." in segments or "\0" in path:
        raise InvalidInputError(
            f"path {shown(path)} would lead out of what is added: '..' and null characters cannot be part of it"
        )
    return "/".join(segments)


async def entries_of(source: Any) -> AsyncGenerator[File, None]:
    """Generate what was given to ``add_all``, one by one.

    Raises
    ------
    InvalidInputError
        For a single item, and for an item that cannot be added.
    """
    if isinstance(source, (str | Mapping | File | os.PathLike, _BYTES)) or hasattr(source, "read"):
        raise InvalidInputError(
            "Unexpected input: single item passed: add_all takes an iterable of them, use add for one"
        )
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield entry_of(item)
    elif isinstance(source, Iterable):
        for item in source:
            yield entry_of(item)
    else:
        raise InvalidInputError(
            f"Unexpected input: a {type(source).__name__} cannot be added, an iterable of files can"
        )


def _content(given: Any) -> Any:
    if isinstance(given, str):
        if _names_a_file(given):
            warnings.warn(
                f"the text {given!r} is added as content although a file has that name; "
                f"to add the file, give pathlib.Path({given!r})",
                stacklevel=4,
            )
        return given.encode()
    if isinstance(given, _BYTES):
        return given
    if isinstance(given, os.PathLike):
        return OnDisk(given)
    if hasattr(given, "read"):
        return _reader(given)
    if isinstance(given, AsyncIterable):
        return _parts(given)
    if isinstance(given, Iterable) and not isinstance(given, Mapping | File):
        return _parts(_each(given))
    raise InvalidInputError(
        f"Unexpected input: a {type(given).__name__} cannot be added; bytes, str, a path, a file object "
        "or an iterable of bytes can"
    )


def _names_a_file(text: str) -> bool:
    if not 0 < len(text) < 1024 or "\n" in text or "\0" in text:
        return False
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


async def _reader(opened: Any) -> AsyncGenerator[bytes, None]:
    while chunk := opened.read(CHUNK):
        if isawaitable(chunk):
            chunk = await chunk
            if not chunk:
                return
        yield _bytes(chunk)


async def _each(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def _parts(items: AsyncIterable[Any]) -> AsyncGenerator[bytes, None]:
    given = 0
    async for item in items:
        given += 1
        if given % TURN == 0:
            # Pieces that wait for nothing, and may be empty without end, let nobody else have a turn.
            await asyncio.sleep(0)
        yield _bytes(item)


def _bytes(item: Any) -> Any:
    if isinstance(item, _BYTES):
        return item
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, int) and 0 <= item < 256:
        return bytes((item,))
    if isinstance(item, File | Mapping):
        raise InvalidInputError("Unexpected input: multiple items passed: add takes one file, use add_all for several")
    raise InvalidInputError(f"Unexpected input: content holds a {type(item).__name__}; bytes and str can be added")
