"""Single entries of sharded directories: put and taken away, changing only the shards on the way to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ipfs_comm._shown import shown
from ipfs_comm.ipld.codecs.dag_pb import PBLink
from ipfs_comm.unixfs import hamt
from ipfs_comm.unixfs._links import Links

if TYPE_CHECKING:
    from ipfs_comm.unixfs._reader import Node, Reader
    from ipfs_comm.unixfs.builder import Builder, Made
    from ipfs_comm.unixfs.hamt import Entry, Shape


class _Level(NamedTuple):
    """One shard on the way to a name: its links, the slot of the name, and the place of that slot's link."""

    node: Node
    slot: int
    place: int | None


async def put(reader: Reader, builder: Builder, root: Node, entry: Entry) -> Made:
    """Add an entry to a sharded directory, or replace the one of that name.

    Parameters
    ----------
    reader, builder
        The builder's fanout does not matter: a directory keeps its own.
    root : Node
        Of the directory.
    entry : Entry

    Returns
    -------
    Made
        The new root, the same that building the directory at once would make; mode and mtime are kept.

    Raises
    ------
    NotUnixFSError
        The shards break the rules.
    LimitError
        Another name has the same hash.
    """
    shape = hamt.shape_of(root)
    builder = _shaped(builder, shape)
    hashed = hamt.hash_of(entry.name)
    levels = await _way(reader, root, shape, hashed, entry.name)
    level = levels[-1]
    link = PBLink(entry.cid, shape.prefix(level.slot) + entry.name, entry.tsize)
    if level.place is not None:
        there = level.node.links[level.place]
        name = (there.name or "")[shape.width :]
        if name != entry.name:
            other = hamt.Entry(name, there.hash, there.tsize or 0)
            members = [(hamt.hash_of(name), other), (hashed, entry)]
            made = await hamt.build_below(builder, members, len(levels) * shape.bits)
            link = PBLink(made.cid, shape.prefix(level.slot), made.size)
    return await _rebuild(builder, shape, levels, link)


async def remove(reader: Reader, builder: Builder, root: Node, name: str) -> Made | None:
    """Take an entry out of a sharded directory; None where it is not there.

    A shard that is left with one entry goes into the one above, so that the result is what building the remaining
    directory at once would make. Parameters and errors are those of `put`.
    """
    shape = hamt.shape_of(root)
    levels = await _way(reader, root, shape, hamt.hash_of(name), name)
    level = levels[-1]
    if level.place is None or (level.node.links[level.place].name or "")[shape.width :] != name:
        return None
    link: PBLink | None = None
    while len(levels) > 1 and len(level.node.links) == (2 if link is None else 1):
        left = link or next(other for at, other in enumerate(level.node.links) if at != level.place)
        if not (left.name or "")[shape.width :]:
            break
        levels.pop()
        level = levels[-1]
        link = PBLink(left.hash, shape.prefix(level.slot) + (left.name or "")[shape.width :], left.tsize)
    return await _rebuild(_shaped(builder, shape), shape, levels, link)


def _shaped(builder: Builder, shape: Shape) -> Builder:
    return builder.with_options(replace(builder.options, hamt_fanout=shape.fanout))


async def _way(reader: Reader, root: Node, shape: Shape, hashed: int, name: str) -> list[_Level]:
    """Return the shards from the root to the one in which the name is, or would be."""
    levels: list[_Level] = []
    node = root
    while True:
        used = len(levels) * shape.bits
        if used + shape.bits > hamt.HASH_BITS:
            raise hamt.bad_shard(root, f"it is deeper than the hash of the name {shown(name)} is long")
        slot = shape.slot(hashed, used)
        index: int | None = None
        for at, link in enumerate(node.links):
            found, _ = hamt.slot_of(node, link, shape)
            if found == slot:
                if index is not None:
                    raise hamt.bad_shard(node, f"its slot {slot} is taken twice")
                index = at
        levels.append(_Level(node, slot, index))
        if index is None or (node.links[index].name or "")[shape.width :]:
            return levels
        node = await reader.node(node.links[index].hash)
        hamt.shape_of(node, shape)


async def _rebuild(builder: Builder, shape: Shape, levels: list[_Level], link: PBLink | None) -> Made:
    """Put `link` (None: nothing) into the slot of the deepest level, and every new shard into the one above it."""
    for depth in reversed(range(len(levels))):
        node, _, index = levels[depth]
        # Names of one slot begin with its digits, so the order of names is that of slots.
        links = Links.of(node.links)
        if index is not None:
            links = links.without(node.links[index].name or "")
        if link is not None:
            links = links.put(link)
        message = node.message
        assert message is not None, "shape_of has looked at it"
        slots = [hamt.slot_of(node, one, shape)[0] for one in links]
        made = await builder.node(hamt.shard_message(shape, slots, message.mode, message.mtime), links)
        if depth:
            link = PBLink(made.cid, shape.prefix(levels[depth - 1].slot), made.size)
    return made
