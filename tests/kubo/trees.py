"""Files, trees and import options at random, for Kubo and for this package alike."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from kubo_support import Daemon, Part

from ipfs_comm.ipld import CID
from ipfs_comm.unixfs import ImportOptions, Mtime
from ipfs_comm.unixfs.directory import TreeEntry, build_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Hash functions that both have and that Kubo lets blocks be made with.
HASHES = (
    "sha2-256",
    "sha2-512",
    "sha3-256",
    "sha3-512",
    "blake2b-256",
    "blake2b-512",
    "blake2s-256",
    "blake3",
    "dbl-sha2-256",
)


@dataclass(frozen=True)
class Bulk:
    """Many bytes, shown as few where an example is printed."""

    size: int
    seed: int = 0

    def __bytes__(self) -> bytes:
        return random.Random(self.seed).randbytes(self.size)


@dataclass(frozen=True)
class Link:
    """A symlink."""

    target: str


@dataclass(frozen=True)
class Tree:
    """A directory; `stated` says whether a part of its own announces it."""

    children: dict[str, Any] = field(default_factory=dict)
    stated: bool = True


@dataclass(frozen=True)
class Stat:
    """Metadata of one entry."""

    mode: int | None = None
    mtime: tuple[int, int] | None = None


#: Stands for no metadata.
BARE = Stat()

modes = st.integers(1, 0o777)
mtimes = st.tuples(st.integers(-(1 << 40), 1 << 40), st.sampled_from([0, 1, 999_999_999]) | st.integers(0, 999_999_999))
names = (
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1, max_size=12)
    | st.from_regex(r"[0-9A-F]{2}[a-z]?", fullmatch=True)
).filter(lambda name: name not in (".", ".."))
few_bytes = st.binary(max_size=200) | st.builds(Bulk, st.integers(0, 3_000), st.integers(0, 9))
small_chunks = st.integers(1, 700).map(lambda size: f"size-{size}")
leaves = few_bytes | st.builds(Link, st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text))


def trees(contents: st.SearchStrategy[Any] = leaves, most: int = 12) -> st.SearchStrategy[Tree]:
    """Directories of files, symlinks and directories."""

    def directory(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
        children = st.dictionaries(names, inner, max_size=5)
        # Without a part of its own only what it holds tells that it is there.
        return st.builds(lambda found, stated: Tree(found, stated or not found), children, st.booleans())

    return directory(st.recursive(contents, directory, max_leaves=most))


def walk(named: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield paths and what is there, a directory right before what it holds."""
    for name, node in named.items():
        path = f"{above}/{name}" if above else name
        yield path, node
        if isinstance(node, Tree):
            yield from walk(node.children, path)


def is_stated(node: Any) -> bool:
    return not isinstance(node, Tree) or node.stated


def parts(named: dict[str, Any], stats: Sequence[Stat] = (BARE,)) -> list[Part]:
    """Return what Kubo is sent; entries take the metadata in turn."""
    found = []
    for index, (path, node) in enumerate(walk(named)):
        stat = stats[index % len(stats)]
        if isinstance(node, Link):
            found.append(Part(path, target=node.target, mode=stat.mode, mtime=stat.mtime))
        elif isinstance(node, Tree):
            if node.stated:
                found.append(Part(path, mode=stat.mode, mtime=stat.mtime))
        else:
            found.append(Part(path, bytes(node), mode=stat.mode, mtime=stat.mtime))
    return found


def entries(named: dict[str, Any], stats: Sequence[Stat] = (BARE,)) -> Iterator[TreeEntry]:
    """Yield the same for this package."""
    for index, (path, node) in enumerate(walk(named)):
        stat = stats[index % len(stats)]
        mtime = None if stat.mtime is None else Mtime(*stat.mtime)
        if isinstance(node, Link):
            # Kubo gives symlinks no mode.
            yield TreeEntry(path, target=node.target, mtime=mtime)
        elif isinstance(node, Tree):
            if node.stated:
                yield TreeEntry(path, mode=stat.mode, mtime=mtime)
        else:
            yield TreeEntry(path, bytes(node), mode=stat.mode, mtime=mtime)


@dataclass(frozen=True)
class Plan:
    """One choice of import options, as each of the two says it."""

    kubo: dict[str, Any]
    ours: dict[str, Any]
    wrap: bool = False
    stats: tuple[Stat, ...] = (BARE,)

    @property
    def options(self) -> ImportOptions:
        return ImportOptions(**self.ours)


@st.composite
def plans(draw: st.DrawFn, chunkers: st.SearchStrategy[str] = small_chunks, most_links: int = 12) -> Plan:
    """Every import option that both have, but those of sharding."""
    kubo: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    version = draw(st.sampled_from([None, 0, 1]))
    hashed = draw(st.sampled_from([None, *HASHES]))
    if hashed not in (None, "sha2-256") and version == 0:
        version = None
    raw = draw(st.sampled_from([None, False, True]))
    stats: tuple[Stat, ...] = (BARE,)
    kept = draw(st.sampled_from(["", "", "mode", "mtime", "both"]))
    if kept:
        # Kubo has no raw leaves beside metadata, and refuses them where they were asked for.
        raw = draw(st.sampled_from([None, False]))
        of_mode = st.none() | modes if kept != "both" else modes
        one = st.builds(
            Stat,
            of_mode if kept != "mtime" else st.none(),
            mtimes if kept != "mode" else st.none(),
        )
        # With a mode and no time, Kubo's RPC takes the epoch for the time.
        stats = tuple(draw(st.lists(one if kept != "both" else one | st.just(BARE), min_size=1, max_size=4)))
        if any(stat == BARE for stat in stats):
            # What Kubo decides for the whole call is decided here for each file, by whether it has metadata.
            raw = False
        if kept != "mtime":
            kubo["preserve_mode"] = True
        if kept != "mode":
            kubo["preserve_mtime"] = True
    for name, value in (("cid_version", version), ("raw_leaves", raw)):
        if value is not None:
            kubo[name] = ours[name] = value
    if hashed is not None:
        kubo["hash"] = ours["hash_alg"] = hashed
    if draw(st.booleans()):
        kubo["trickle"] = True
        ours["layout"] = "trickle"
    if draw(st.booleans()):
        kubo["inline"] = True
        kubo["inline_limit"] = ours["inline_limit"] = draw(st.sampled_from([1, 2, 4, 32, 64, 127, 128]))
    if draw(st.booleans()):
        kubo["max_file_links"] = ours["max_links"] = draw(st.integers(2, most_links))
    chunker = draw(st.none() | chunkers)
    if chunker is not None:
        kubo["chunker"] = ours["chunker"] = chunker
    wrap = draw(st.booleans())
    if wrap:
        kubo["wrap_with_directory"] = True
    return Plan(kubo, ours, wrap, stats)


Found = dict[str, tuple[CID, int]]


def by_kubo(kubo: Daemon, named: dict[str, Any], plan: Plan) -> Found:
    """Return what Kubo makes of it, CID and size by path."""
    added = kubo.add(parts(named, plan.stats), **plan.kubo)
    return {entry.name: (CID.parse(entry.cid), entry.size) for entry in added}


async def by_us(named: dict[str, Any], plan: Plan, put: Any = None) -> Found:
    """Return what this package makes of it."""

    async def nowhere(cid: CID, data: bytes) -> None:
        pass

    made = build_tree(entries(named, plan.stats), put=put or nowhere, options=plan.options, wrap=plan.wrap)
    return {entry.path: (entry.cid, entry.size) async for entry in made}
