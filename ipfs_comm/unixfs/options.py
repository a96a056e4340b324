"""How content becomes a DAG: every choice that an import has, with Kubo's defaults."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, LimitError

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID

#: Keeps one block: ``await put(cid, data)``. Never called for identity CIDs, nor with ``only_hash``.
Put = Callable[["CID", bytes], Awaitable[None]]
#: Returns one verified block: ``await load(cid)``. Raises NotFoundError where nobody has it. Never called for identity
#: CIDs.
Load = Callable[["CID"], Awaitable[bytes]]
#: Returns of several blocks those that are at hand, and None for others, which may be loaded all the same. What is read
#: ahead is asked for by this where a `Load` has it as its attribute ``many``.
Many = Callable[[Sequence["CID"]], Awaitable[Sequence[bytes | None]]]
#: Gives the bytes of a file: ``read(cid)``.
Read = Callable[["CID"], AsyncGenerator[bytes | memoryview, None]]
#: Told of each part of a file as it is taken: ``progress(nbytes, path)``; the sum over a file is its length. An empty
#: file tells 0 once.
Progress = Callable[[int, str], None]

#: The longest identity digest that Kubo and this package make, in bytes.
MAX_INLINE: Final = 128
#: More links than this do not fit a block of 2 MiB.
_MAX_LINKS: Final = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Options of an import; names are js-ipfs's in snake_case.

    Parameters
    ----------
    cid_version : {0, 1}
        Of directory and file nodes. Another hash than sha2-256 makes it 1.
    raw_leaves : bool, optional
        Leaves are raw blocks (always CIDv1); where not given: whether `cid_version` is 1 and the file has neither mode
        nor mtime, as in Kubo.
    hash_alg : str
        Multihash name.
    chunker : str
        ``size-N`` (bytes), ``rabin``, ``rabin-AVG``, ``rabin-MIN-AVG-MAX`` or ``buzhash``.
    layout : {"balanced", "trickle", "flat"}
        Shape of a file's DAG.
    max_links : int
        Most links of a file node.
    max_directory_links : int, optional
        A directory of more entries becomes a HAMT; no limit where not given.
    leaf_type : {"file", "raw"}, optional
        UnixFS type of leaves that are no raw blocks; where not given: "raw" for trickle, as Kubo does, else "file".
    reduce_single_leaf : bool, optional
        A file of one chunk is its leaf; where not given: unless the layout is trickle, as Kubo does.
    inline_limit : int
        Blocks up to this many bytes become identity CIDs; 0 for none, at most 128.
    only_hash : bool
        Make CIDs only; `put` is never called.
    shard_split_threshold : int
        A directory whose estimated size exceeds this many bytes becomes a HAMT.
    hamt_estimation : {"links", "block"}
        The estimate: bytes of names and CIDs, or of the whole directory block.
    hamt_fanout : int
        A power of two from 8 to 1024.
    """

    cid_version: int = 0
    raw_leaves: bool | None = None
    hash_alg: str = "sha2-256"
    chunker: str = "size-262144"
    layout: Literal["balanced", "trickle", "flat"] = "balanced"
    max_links: int = 174
    max_directory_links: int | None = None
    leaf_type: Literal["file", "raw"] | None = None
    reduce_single_leaf: bool | None = None
    inline_limit: int = 0
    only_hash: bool = False
    shard_split_threshold: int = 262_144
    hamt_estimation: Literal["links", "block"] = "links"
    hamt_fanout: int = 256

    @classmethod
    def profile(cls, name: str, **changes: Any) -> ImportOptions:
        """Return a named profile's options with `changes` applied.

        Parameters
        ----------
        name : {"kubo", "unixfs-v0-2015", "unixfs-v1-2025"}
            Kubo's defaults, which IPIP-499 calls unixfs-v0-2015, or its newer ones: CIDv1, raw leaves, 1 MiB chunks,
            1024 links, directories sharded by block size.
        **changes
            Fields of this class.

        Raises
        ------
        InvalidInputError
            There is no such profile.
        """
        if name in ("kubo", "unixfs-v0-2015"):
            return cls(**changes)
        if name == "unixfs-v1-2025":
            base = cls(cid_version=1, raw_leaves=True, chunker="size-1048576", max_links=1024, hamt_estimation="block")
            return replace(base, **changes)
        raise InvalidInputError(f"there is no import profile {shown(name)}: use 'kubo' or 'unixfs-v1-2025'")

    def resolved(self) -> ImportOptions:
        """Return the same options with everything that was left open decided.

        Raises
        ------
        InvalidInputError
            An option that cannot be meant.
        """
        if self.cid_version not in (0, 1):
            raise InvalidInputError(f"cid_version is {shown(self.cid_version)}: use 0 or 1")
        if self.layout not in ("balanced", "trickle", "flat"):
            raise InvalidInputError(f"layout is {shown(self.layout)}: use 'balanced', 'trickle' or 'flat'")
        if self.leaf_type not in (None, "file", "raw"):
            raise InvalidInputError(f"leaf_type is {shown(self.leaf_type)}: use 'file' or 'raw'")
        if self.hamt_estimation not in ("links", "block"):
            raise InvalidInputError(f"hamt_estimation is {shown(self.hamt_estimation)}: use 'links' or 'block'")
        _in_range("max_links", self.max_links, 2, _MAX_LINKS)
        if self.max_directory_links is not None:
            _in_range("max_directory_links", self.max_directory_links, 1, _MAX_LINKS)
        _in_range("shard_split_threshold", self.shard_split_threshold, 0, 1 << 53)
        if isinstance(self.inline_limit, int) and self.inline_limit > MAX_INLINE:
            raise LimitError(
                f"inline_limit {self.inline_limit} exceeds maximum allowed size of {MAX_INLINE} bytes",
                detail={"limit": MAX_INLINE},
            )
        _in_range("inline_limit", self.inline_limit, 0, MAX_INLINE)
        _in_range("hamt_fanout", self.hamt_fanout, 8, 1024)
        if self.hamt_fanout & (self.hamt_fanout - 1):
            raise InvalidInputError(f"hamt_fanout is {self.hamt_fanout}: use a power of two from 8 to 1024")
        version = self.cid_version if self.hash_alg == "sha2-256" else 1
        trickle = self.layout == "trickle"
        return replace(
            self,
            cid_version=version,
            raw_leaves=version == 1 if self.raw_leaves is None else self.raw_leaves,
            leaf_type=("raw" if trickle else "file") if self.leaf_type is None else self.leaf_type,
            reduce_single_leaf=not trickle if self.reduce_single_leaf is None else self.reduce_single_leaf,
        )


def _in_range(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInputError(f"{name} is {shown(value)}: use a whole number from {low} to {high}")
