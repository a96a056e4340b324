"""Sharded directories: a hash array mapped trie over the hashes of names (UnixFS v1, section HAMT Directory)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ipfs_comm._shown import shown
from ipfs_comm.errors import LimitError, NotUnixFSError
from ipfs_comm.ipld._hashes import murmur3_number
from ipfs_comm.ipld.codecs.dag_pb import PBLink
from ipfs_comm.unixfs._ahead import Ahead
from ipfs_comm.unixfs.format import Mtime, UnixFS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs._reader import Node, Reader
    from ipfs_comm.unixfs.builder import Builder, Made

#: Multihash code of the only hash of names there is.
MURMUR3: Final = 0x22
#: Bits of the hash of a name.
HASH_BITS: Final = 64
#: Kubo's limit.
_MAX_FANOUT: Final = 1024
#: Shards of one level that are asked for before they are due: so many if they are large, more of small ones.
_AHEAD: Final = 8
_AHEAD_SMALL: Final = 64
_AHEAD_BYTES: Final = 4 * 1024 * 1024


class Entry(NamedTuple):
    """One name in a directory, with the cumulative size behind it."""

    name: str
    cid: CID
    tsize: int


def hash_of(name: str) -> int:
    """Return the 64-bit hash of a name; its first bits choose the slot in the first level."""
    return murmur3_number(name.encode("utf-8", "surrogateescape"))


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
    return await build_below(builder, [(hash_of(entry.name), entry) for entry in entries], 0, mode, mtime, blocks)


async def build_below(
    builder: Builder,
    members: Sequence[tuple[int, Entry]],
    used: int,
    mode: int | None = None,
    mtime: Mtime | None = None,
    blocks: int = 0,
) -> Made:
    """Make and keep the shard that holds entries whose hashes have `used` bits in common; `members` have their hashes.

    Raises
    ------
    LimitError
        Two names have the same hash.
    """
    shape = Shape.of(builder.options.hamt_fanout)
    if used + shape.bits > HASH_BITS:
        names = ", ".join(repr(entry.name) for _, entry in members[:2])
        raise LimitError(f"the names {names} have one hash, which a sharded directory cannot hold: rename one")
    slots: dict[int, list[tuple[int, Entry]]] = {}
    for member in members:
        slots.setdefault(shape.slot(member[0], used), []).append(member)
    links: list[PBLink] = []
    for slot in sorted(slots):
        here = slots[slot]
        if len(here) == 1:
            entry = here[0][1]
            links.append(PBLink(entry.cid, shape.prefix(slot) + entry.name, entry.tsize))
        else:
            made = await build_below(builder, here, used + shape.bits)
            blocks += made.blocks
            links.append(PBLink(made.cid, shape.prefix(slot), made.size))
    return await builder.node(shard_message(shape, slots, mode, mtime), links, blocks=blocks)


def shard_message(shape: Shape, slots: Iterable[int], mode: int | None = None, mtime: Mtime | None = None) -> UnixFS:
    """Return the message of a shard in which these slots are taken."""
    field = 0
    for slot in slots:
        field |= 1 << slot
    data = field.to_bytes((field.bit_length() + 7) // 8, "big") if field else None
    return UnixFS("hamt-sharded-directory", data, hash_type=MURMUR3, fanout=shape.fanout, mode=mode, mtime=mtime)


class Shape(NamedTuple):
    """The form of all shards of one directory: slots, bits of the hash a level, digits of a slot in a link's name."""

    fanout: int
    bits: int
    width: int

    @classmethod
    def of(cls, fanout: int) -> Shape:
        """Return the shape of shards with so many slots."""
        return cls(fanout, fanout.bit_length() - 1, len(f"{fanout - 1:x}"))

    def slot(self, hashed: int, used: int) -> int:
        """Return the slot of a hash in a shard that `used` bits lead to."""
        return hashed >> (HASH_BITS - used - self.bits) & (self.fanout - 1)

    def prefix(self, slot: int) -> str:
        """Return what the name of a link in this slot begins with."""
        return f"{slot:0{self.width}X}"


def shape_of(node: Node, above: Shape | None = None) -> Shape:
    """Return a shard's shape, which is also that of the shard above; raises NotUnixFSError."""
    message = node.message
    if message is None or message.type != "hamt-sharded-directory":
        raise bad_shard(node, "a shard leads to something that is no shard")
    fanout = message.fanout or 0
    if message.hash_type != MURMUR3:
        raise bad_shard(node, f"its names are hashed with {shown(message.hash_type)}, which is not murmur3-x64-64")
    if not 8 <= fanout <= _MAX_FANOUT or fanout & (fanout - 1):
        raise bad_shard(node, f"its fanout {fanout} is no power of two from 8 to {_MAX_FANOUT}")
    shape = Shape.of(fanout)
    if above is not None and above != shape:
        raise bad_shard(node, "its shards differ in fanout")
    return shape


def bad_shard(node: Node, reason: str) -> NotUnixFSError:
    """Return the error about a shard that breaks the rules."""
    return NotUnixFSError(f"{node.cid} is no valid sharded directory: {reason}", detail={"cid": str(node.cid)})


def slot_of(node: Node, link: PBLink, shape: Shape) -> tuple[int, str]:
    """Return a link's slot and the rest of its name: empty for a shard below."""
    name = link.name or ""
    prefix = name[: shape.width]
    try:
        slot = int(prefix, 16) if len(prefix) == shape.width and prefix.isalnum() else -1
    except ValueError:
        slot = -1
    if not 0 <= slot < shape.fanout:
        raise bad_shard(node, f"the link {shown(name)} begins with no slot")
    return slot, name[shape.width :]


async def find(reader: Reader, root: Node, name: str) -> CID | None:
    """Return what a name leads to; None where the directory does not have it. Reads one shard a level."""
    hashed = hash_of(name)
    node, used = root, 0
    shape = shape_of(node, None)
    while True:
        if used + shape.bits > HASH_BITS:
            raise bad_shard(root, "it is deeper than the hash of a name is long")
        wanted = shape.slot(hashed, used)
        below: CID | None = None
        for link in node.links:
            slot, rest = slot_of(node, link, shape)
            if slot != wanted:
                continue
            if rest == name:
                return link.hash
            if not rest:
                below = link.hash
        if below is None:
            return None
        node = await reader.node(below)
        shape = shape_of(node, shape)
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
    shape = shape_of(root)
    pace = _Pace()
    levels = [_Level(reader, root, 0)]
    try:
        while levels:
            level, used = levels[-1], len(levels) * shape.bits
            for at, link in level.rest:
                slot, name = slot_of(level.node, link, shape)
                if slot <= level.slot:
                    raise bad_shard(level.node, "its slots are not in order, or one is taken twice")
                level.slot = slot
                here = level.path << shape.bits | slot
                if not name:
                    if used + shape.bits > HASH_BITS:
                        raise bad_shard(root, "it is deeper than the hash of a name is long")
                    child = await level.shard(at, shape, pace)
                    shape_of(child, shape)
                    if not child.links:
                        raise bad_shard(child, "it has no entries")
                    levels.append(_Level(reader, child, here))
                    break
                if hash_of(name) >> (HASH_BITS - used) != here:
                    raise bad_shard(level.node, f"the name {shown(name)} is not where its hash belongs")
                pace.given += 1
                yield Entry(name, link.hash, link.tsize or 0)
            else:
                levels.pop()
    finally:
        for level in levels:
            await level.ahead.close()


class _Pace:
    """How many shards of a level are asked for before they are due; a store reads many at once faster."""

    __slots__ = ("_largest", "given")

    def __init__(self) -> None:
        #: Names that were found in their places: a forged DAG that has none makes nothing be read ahead.
        self.given = 0
        self._largest = 1

    def met(self, shard: Node) -> None:
        """Learn how large shards are."""
        self._largest = max(self._largest, shard.block_size)

    @property
    def most(self) -> int:
        """How many may be asked for: more the more names there were, fewer where shards are large."""
        return min(self.given, max(_AHEAD, min(_AHEAD_SMALL, _AHEAD_BYTES // self._largest)))


class _Level:
    """One shard while its entries are listed: its next links, the bits of the hash that lead here, the last slot."""

    __slots__ = ("_seen", "ahead", "node", "path", "rest", "slot")

    def __init__(self, reader: Reader, node: Node, path: int) -> None:
        self.node = node
        self.path = path
        self.rest = iter(enumerate(node.links))
        self.slot = -1
        #: Shards below that were asked for, by the index of their link.
        self.ahead: Ahead[int] = Ahead(reader)
        self._seen = 0

    async def shard(self, at: int, shape: Shape, pace: _Pace) -> Node:
        """Return the shard that a link leads to; others that are due after it are asked for with it."""
        most = pace.most
        if at not in self.ahead or len(self.ahead) <= most // 2:
            links = self.node.links
            wanted: dict[int, CID] = {}
            self._seen = max(self._seen, at)
            while self._seen < len(links) and len(self.ahead) + len(wanted) <= most:
                link = links[self._seen]
                if len(link.name or "") == shape.width:
                    wanted[self._seen] = link.hash
                self._seen += 1
            if wanted:
                self.ahead.ask(wanted)
        shard = await self.ahead.take(at)
        pace.met(shard)
        return shard
