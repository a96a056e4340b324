"""Content paths, and the way of a path through blocks of any codec.

Specification: ``/ipfs/<cid>/a/b``, ``/ipld/<cid>/a/b`` and ``/ipns/<name>/a/b`` as Kubo parses them; ``ipfs://`` and
``ipns://`` addresses; a CID alone or followed by a path, as js-ipfs takes it. Resolution has the semantics of js-ipfs's
``dag.get`` and ``dag.resolve``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_to_bytes

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidCIDError, InvalidPathError, NoLinkError, NotFoundError
from ipfs_comm.ipld import codecs
from ipfs_comm.ipld.cid import CID

__all__ = ["MAX_LENGTH", "ContentPath", "Load", "Resolution", "parse", "resolve", "resolve_cid", "split"]

#: Longest path that is parsed, in characters.
MAX_LENGTH: Final = 1 << 16

#: How resolution gets a block: from a CID to its bytes; raises NotFoundError if nobody has it.
Load: TypeAlias = Callable[[CID], Awaitable[bytes]]

_DAG_PB: Final = 0x70


@dataclass(frozen=True, slots=True)
class ContentPath:
    """A parsed content path.

    Attributes
    ----------
    namespace : str
        ``"ipfs"``, ``"ipld"`` or ``"ipns"``.
    root : CID or str
        The CID that the path begins at; the name, as text, for ``"ipns"``.
    segments : tuple of str
        The names that follow, cleaned of empty ones, ``.`` and ``..``.
    trailing_slash : bool
        Whether the path ended in a slash.
    """

    namespace: str
    root: CID | str
    segments: tuple[str, ...] = ()
    trailing_slash: bool = False

    @property
    def mutable(self) -> bool:
        """Whether the same path can lead elsewhere tomorrow."""
        return self.namespace == "ipns"

    def __str__(self) -> str:
        return "/".join(("", self.namespace, str(self.root), *self.segments)) + ("/" if self.trailing_slash else "")


@dataclass(frozen=True, slots=True)
class Resolution:
    """How far a path led.

    Attributes
    ----------
    cid : CID
        The last block on the way.
    value : data model value
        What the path leads to: a value in that block; the whole of it where nothing remains.
    remainder : tuple of str
        The segments that lead from that block to the value; for a resolution that stopped at a link, those that were
        not followed.
    """

    cid: CID
    value: Any
    remainder: tuple[str, ...]


def split(text: str) -> tuple[str, ...]:
    """Cut a path without a root (``a/b``, ``/a/b/``) into its segments, cleaned of empty ones, ``.`` and ``..``.

    Raises
    ------
    InvalidPathError
        ``..`` leads above the beginning, or the path is too long or holds a NUL.
    """
    _check_text(text)
    return _clean(text, text.split("/"))


def parse(text: str | CID | ContentPath) -> ContentPath:
    """Parse a content path.

    Parameters
    ----------
    text : str, CID or ContentPath
        ``/ipfs/<cid>/…``, ``/ipld/<cid>/…``, ``/ipns/<name>/…``, ``ipfs://<cid>/…``, ``ipns://<name>/…`` or
        ``<cid>/…``.

    Returns
    -------
    ContentPath

    Raises
    ------
    InvalidPathError
        The text is none of these; the message says what is missing.
    """
    if isinstance(text, ContentPath):
        return text
    if isinstance(text, CID):
        return ContentPath("ipfs", text)
    if not isinstance(text, str):
        raise InvalidPathError(f"a content path is a str or a CID, not {type(text).__name__}")
    _check_text(text)
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() in ("ipfs", "ipns", "ipld"):
        parts = [_unquote(text, part) for part in rest.split("?")[0].split("#")[0].split("/")]
        return _rooted(text, scheme.lower(), parts)
    if text.startswith("/"):
        _, namespace, *parts = text.split("/")
        while not namespace and parts:
            namespace, *parts = parts
        if not any(parts):
            raise _refusal(text, "it needs a namespace and a CID or name, as in /ipfs/<cid>")
        if namespace not in ("ipfs", "ipns", "ipld"):
            raise _refusal(text, f"there is no namespace {shown(namespace)}: use /ipfs, /ipns or /ipld")
        return _rooted(text, namespace, parts)
    return _rooted(text, "ipfs", text.split("/"))


def _rooted(text: str, namespace: str, parts: list[str]) -> ContentPath:
    at = next((index for index, part in enumerate(parts) if part), None)
    if at is None:
        raise _refusal(text, f"no {'name' if namespace == 'ipns' else 'CID'} follows the namespace {namespace}")
    root: CID | str = parts[at]
    if namespace != "ipns":
        try:
            root = CID.parse(parts[at])
        except InvalidCIDError as error:
            raise _refusal(text, str(error)) from None
    elif root in (".", ".."):
        raise _refusal(text, "no name follows the namespace ipns")
    names = parts[at + 1 :]
    return ContentPath(namespace, root, _clean(text, names), bool(names) and names[-1] == "")


def _clean(text: str, names: Sequence[str]) -> tuple[str, ...]:
    segments: list[str] = []
    for name in names:
        if name == "..":
            if not segments:
                raise _refusal(text, "'..' leads above its root")
            segments.pop()
        elif name and name != ".":
            segments.append(name)
    return tuple(segments)


def _check_text(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise InvalidPathError(f"a path of {len(text)} characters is too long: at most {MAX_LENGTH}")
    if "\0" in text:
        raise _refusal(text, "it holds a NUL character")


def _unquote(text: str, part: str) -> str:
    try:
        name = unquote_to_bytes(part).decode()
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise _refusal(text, f"{part[:80]!r} is not the percent-encoding of UTF-8") from None
    if "/" in name or "\0" in name:
        raise _refusal(text, f"{part[:80]!r} hides a slash or NUL in a name")
    return name


def _refusal(text: str, why: str) -> InvalidPathError:
    shown = text if len(text) <= 200 else text[:200] + "…"
    return InvalidPathError(f"{shown!r} is no content path: {why}", detail={"path": shown})


async def resolve(load: Load, cid: CID, segments: Sequence[str] = (), *, local: bool = False) -> Resolution:
    """Follow a path from a block to a value, through links into other blocks.

    In a dag-pb block a segment is the name of a link, or else a member of the node (``Data``, ``Links/0/Hash``, …).

    Parameters
    ----------
    load : async callable
        From a CID to the block's bytes.
    cid : CID
        Where the path begins.
    segments : sequence of str, optional
        The path.
    local : bool, optional
        Stay in the first block: stop at the first link and return it as the value, with the segments that would lead
        on.

    Returns
    -------
    Resolution

    Raises
    ------
    NoLinkError
        A block has nothing at a segment; names the block and the segment.
    NotFoundError
        A block on the way is not to be had; names it, the path and the segment that led to it.
    UnknownCodecError, CodecError
        A block on the way cannot be decoded.
    """
    path = tuple(segments)
    walk = _Walk(cid, path)
    await walk.enter(load, cid)
    while (link := walk.next_link()) is not None:
        if local:
            return Resolution(walk.cid, link, path[walk.index :])
        await walk.enter(load, link)
    return Resolution(walk.cid, walk.value, path[walk.entered :])


async def resolve_cid(load: Load, cid: CID, segments: Sequence[str] = ()) -> tuple[CID, tuple[str, ...]]:
    """Follow a path and return the last CID on it, and the segments that lead from there to a value.

    The block at the end of the path is not loaded if the path ends at a link.

    Parameters
    ----------
    load, cid, segments
        As in :func:`resolve`.

    Returns
    -------
    tuple of CID and tuple of str

    Raises
    ------
    NoLinkError, NotFoundError, UnknownCodecError, CodecError
        As in :func:`resolve`.
    """
    path = tuple(segments)
    if not path:
        return cid, ()
    walk = _Walk(cid, path)
    await walk.enter(load, cid)
    while (link := walk.next_link()) is not None:
        if walk.index == len(path):
            return link, ()
        await walk.enter(load, link)
    return walk.cid, path[walk.entered :]


class _Walk:
    """Where a path has led so far: the block, the value in it, and how many segments led to each."""

    __slots__ = ("cid", "entered", "index", "path", "root", "value")

    def __init__(self, root: CID, path: tuple[str, ...]) -> None:
        self.root = root
        self.path = path
        self.cid = root
        self.entered = 0
        self.index = 0
        self.value: Any = None

    async def enter(self, load: Load, cid: CID) -> None:
        """Go into the block of a link."""
        codec = codecs.get(cid.code)
        try:
            data = cid.block_inside() if cid.is_identity else await load(cid)
        except NotFoundError as error:
            if not self.path:
                raise
            segment = self.path[self.index - 1] if self.index else ""
            place = (
                f"segment {shown(segment)} of {self._where()} leads to it"
                if segment
                else f"{self._where()} begins there"
            )
            detail = {**error.detail, "cid": str(cid), "path": self._where(), "segment": segment}
            raise type(error)(f"{error} ({place})", code=error.code, detail=detail) from error
        self.cid, self.entered, self.value = cid, self.index, codec.decode(data)

    def next_link(self) -> CID | None:
        """Go on in this block; return the first link on the way, None at the end of the path."""
        while self.index < len(self.path):
            name = self.path[self.index]
            found = self._member(name)
            if found is _ABSENT:
                raise NoLinkError(
                    f'no link named "{name}" under {self.cid} (in the path {self._where()}): look at what is there '
                    "with dag.get or ls",
                    detail={"cid": str(self.cid), "path": self._where(), "segment": name},
                )
            self.index += 1
            self.value = found
            if isinstance(found, CID):
                return found
        return None

    def _where(self) -> str:
        return "/".join((str(self.root), *self.path))

    def _member(self, name: str) -> Any:
        value = self.value
        if isinstance(value, dict):
            if self.cid.code == _DAG_PB and isinstance(value.get("Links"), list):
                for link in value["Links"]:
                    if link.get("Name") == name:
                        return link["Hash"]
            return value.get(name, _ABSENT)
        if isinstance(value, list) and name.isascii() and name.isdigit() and len(name) <= 10 and str(int(name)) == name:
            index = int(name)
            return value[index] if index < len(value) else _ABSENT
        return _ABSENT


_ABSENT: Final = object()
