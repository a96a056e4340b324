"""Sharded directories: a hash array mapped trie over the hashes of names (UnixFS v1, section HAMT Directory)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ipfs_comm.errors import LimitError, NotUnixFSError
from ipfs_comm.ipld import multihash
from ipfs_comm.ipld.codecs.dag_pb import PBLink
from ipfs_comm.unixfs.format import Mtime, UnixFS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs._builder import Builder, Made
    from ipfs_comm.unixfs._reader import Node, Reader

#: Multihash code of the only hash of names there is.
MURMUR3: Final = 0x22
_HASH_BITS: Final = 64
#: Kubo's limit.
_MAX_FANOUT: Final = 1024


class Entry(NamedTuple):
    """One name in a directory, with the cumulative size behind it."""

    name: str
    cid: CID
    tsize: int


def hash_of(name: str) -> int:
    """Return the 64-bit hash of a name; its first bits choose the slot in the first level."""
    return int.from_bytes(multihash.digest(name.encode("utf-8", "surrogateescape"), "murmur3-x64-64").digest, "big")


async def build(
    builder: Builder, entries: Sequence[Entry], *, mode: int | None, mtime: Mtime | None, blocks: int
) -> Made:
    """Make and keep the shards of a directory; return its root.

    Parameters
    ----------
    builder : Builder
    entries : sequence of Entry
        With distinct names.
    mode, mtime
        Written into the root.
    blocks : int
        Blocks below the entries.

    Raises
    ------
    LimitError
        Two names have the same hash.
    """
    fanout = builder.options.hamt_fanout
    bits = fanout.bit_length() - 1
    width = len(f"{fanout - 1:x}")

    async def shard(members: list[tuple[int, Entry]], used: int) -> Made:
        if used + bits > _HASH_BITS:
            names = ", ".join(repr(entry.name) for _, entry in members[:2])
            raise LimitError(f"the names {names} have one hash, which a sharded directory cannot hold: rename one")
        slots: dict[int, list[tuple[int, Entry]]] = {}
        for member in members:
            slots.setdefault(member[0] >> (_HASH_BITS - used - bits) & (fanout - 1), []).append(member)
        links: list[PBLink] = []
        field = inner = 0
        for slot in sorted(slots):
            field |= 1 << slot
            here = slots[slot]
            prefix = f"{slot:0{width}X}"
            if len(here) == 1:
                entry = here[0][1]
                links.append(PBLink(entry.cid, prefix + entry.name, entry.tsize))
            else:
                made = await shard(here, used + bits)
                inner += made.blocks
                links.append(PBLink(made.cid, prefix, made.size))
        message = UnixFS(
            "hamt-sharded-directory",
            field.to_bytes((field.bit_length() + 7) // 8, "big") if field else None,
            hash_type=MURMUR3,
            fanout=fanout,
            mode=None if used else mode,
            mtime=None if used else mtime,
        )
        return await builder.node(message, links, blocks=inner + (0 if used else blocks))

    return await shard([(hash_of(entry.name), entry) for entry in entries], 0)


class _Shape(NamedTuple):
    fanout: int
    bits: int
    width: int


def _shape(node: Node, above: _Shape | None) -> _Shape:
    message = node.message
    if message is None or message.type != "hamt-sharded-directory":
        raise _bad(node, "a shard leads to something that is no shard")
    fanout = message.fanout or 0
    if message.hash_type != MURMUR3:
        raise _bad(node, f"its names are hashed with {message.hash_type!r}, which is not murmur3-x64-64")
    if not 8 <= fanout <= _MAX_FANOUT or fanout & (fanout - 1):
        raise _bad(node, f"its fanout {fanout} is no power of two from 8 to {_MAX_FANOUT}")
    shape = _Shape(fanout, fanout.bit_length() - 1, len(f"{fanout - 1:x}"))
    if above is not None and above != shape:
        raise _bad(node, "its shards differ in fanout")
    return shape


def _bad(node: Node, reason: str) -> NotUnixFSError:
    return NotUnixFSError(f"{node.cid} is no valid sharded directory: {reason}", detail={"cid": str(node.cid)})


def _slot(node: Node, link: PBLink, shape: _Shape) -> tuple[int, str]:
    """Return a link's slot and the rest of its name: empty for a shard below."""
    name = link.name or ""
    prefix = name[: shape.width]
    try:
        slot = int(prefix, 16) if len(prefix) == shape.width and prefix.isalnum() else -1
    except ValueError:
        slot = -1
    if not 0 <= slot < shape.fanout:
        raise _bad(node, f"the link {name!r} begins with no slot")
    return slot, name[shape.width :]


async def find(reader: Reader, root: Node, name: str) -> CID | None:
    """Return what a name leads to; None where the directory does not have it. Reads one shard a level."""
    hashed = hash_of(name)
    node, used = root, 0
    shape = _shape(node, None)
    while True:
        if used + shape.bits > _HASH_BITS:
            raise _bad(root, "it is deeper than the hash of a name is long")
        wanted = hashed >> (_HASH_BITS - used - shape.bits) & (shape.fanout - 1)
        below: CID | None = None
        for link in node.links:
            slot, rest = _slot(node, link, shape)
            if slot != wanted:
                continue
            if rest == name:
                return link.hash
            if not rest:
                below = link.hash
        if below is None:
            return None
        node = await reader.node(below)
        shape = _shape(node, shape)
        used += shape.bits


async def entries(reader: Reader, root: Node) -> AsyncGenerator[Entry, None]:
    """Yield all entries, in the order of their hashes.

    Every name must be where its hash belongs and every shard below the root must hold something, so that a small forged
    DAG cannot make a large listing.

    Raises
    ------
    NotUnixFSError
        The shards break these rules.
    """
    shape = _shape(root, None)
    # One frame a level: node, index of the next link, the bits of the hash that lead here.
    stack: list[tuple[Node, int, int]] = [(root, 0, 0)]
    while stack:
        node, index, path = stack.pop()
        depth = len(stack)
        if index == len(node.links):
            continue
        stack.append((node, index + 1, path))
        link = node.links[index]
        slot, rest = _slot(node, link, shape)
        if index and slot <= _slot(node, node.links[index - 1], shape)[0]:
            raise _bad(node, "its slots are not in order, or one is taken twice")
        here = path << shape.bits | slot
        used = (depth + 1) * shape.bits
        if rest:
            if hash_of(rest) >> (_HASH_BITS - used) != here:
                raise _bad(node, f"the name {rest!r} is not where its hash belongs")
            yield Entry(rest, link.hash, link.tsize or 0)
            continue
        if used + shape.bits > _HASH_BITS:
            raise _bad(root, "it is deeper than the hash of a name is long")
        child = await reader.node(link.hash)
        _shape(child, shape)
        if not child.links:
            raise _bad(child, "it has no entries")
        stack.append((child, 0, here))
