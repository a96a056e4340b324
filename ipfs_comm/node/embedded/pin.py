"""``pin``: add, add_all, ls, rm, rm_all, update."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError, IPFSCommError, NotFoundError
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import CIDLike, PinEntry, PinInput, PinSource
from ipfs_comm.node.embedded import pin_update, pinset
from ipfs_comm.node.embedded.context import Context, one_cid, target
from ipfs_comm.node.embedded.pin_remote import RemotePins
from ipfs_comm.node.embedded.pinset import Pin
from ipfs_comm.node.embedded.reach import identity, reachable
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.node.embedded.reach import Before

TYPES: Final = ("direct", "indirect", "recursive", "all")
#: Blocks of a DAG fetched from elsewhere at once.
_FETCHES: Final = 8
#: Roots whose DAGs are walked together when indirect pins are looked for.
_ROOTS: Final = 256


class Pins:
    """Roots that garbage collection keeps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.remote = RemotePins(context)

    async def add(
        self,
        path: CIDLike,
        *,
        recursive: bool = True,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> CID:
        """Keep a block and everything under it; what is not here is fetched first.

        Parameters
        ----------
        path : CID or path
        recursive : bool
            False keeps the block alone.
        name : str, optional
            What the pin is called, at most 255 bytes.
        metadata : mapping, optional
            JSON values to keep with the pin.
        offline : bool
            Ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds.

        Returns
        -------
        CID
            The root that is kept.

        Raises
        ------
        InvalidInputError
            With code ``ERR_ALREADY_PINNED`` for a direct pin of what is pinned recursively.
        NotFoundError
            When nobody has a block of it; nothing is pinned then.
        """
        async with deadline(timeout, f"pin.add of {path!s}"):
            return await self._add(PinInput(path, recursive, metadata, name), offline)

    async def _add(self, given: PinInput, offline: bool) -> CID:
        async with self._context.keeping():
            cid = await resolved(self._context, given.path, offline=offline)
            pin = Pin(cid, "recursive" if given.recursive else "direct", given.name, given.metadata)
            await pin_root(self._context, pin, offline=offline)
        return cid

    def add_all(
        self,
        source: Iterable[PinSource] | AsyncIterable[PinSource],
        *,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[CID, list[CID]]:
        """Keep many roots, one after another.

        Parameters
        ----------
        source : (async) iterable of CID, path, PinInput or mapping
        offline : bool
            Ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds for any one of them.

        Returns
        -------
        Stream of CID
            Each as soon as it is pinned.
        """

        async def added() -> AsyncGenerator[CID, None]:
            async with aclosing(_inputs(source)) as given:
                async for one in given:
                    yield await self._add(one, offline)

        return Stream(added, as_list, timeout=timeout, what="pin.add_all")

    def ls(
        self,
        paths: CIDLike | Iterable[CIDLike] | None = None,
        *,
        type: str = "all",
        name: str | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[PinEntry, list[PinEntry]]:
        """List what is kept.

        Parameters
        ----------
        paths : CID or path, or several of these, optional
            Tell of these, what keeps them.
        type : str
            ``recursive``, ``direct``, ``indirect`` (in a DAG that is pinned recursively) or ``all``.
        name : str, optional
            Only pins in whose name this occurs.
        offline : bool
            Ask nobody else for the blocks on the way along a path.
        timeout : float, optional
            Seconds for any one of them.

        Returns
        -------
        Stream of PinEntry

        Raises
        ------
        InvalidInputError
            With code ``ERR_INVALID_PIN_TYPE`` for any other type.
        NotFoundError
            With code ``ERR_NOT_PINNED`` when one of the paths is not kept that way.
        """
        if type not in TYPES:
            raise InvalidInputError(
                f"invalid type {str(type)[:40]!r}, must be one of {{{', '.join(TYPES)}}}", code="ERR_INVALID_PIN_TYPE"
            )
        if paths is None:
            return Stream(lambda: self._ls(type, name), as_list, timeout=timeout, what="pin.ls")
        wanted = list(paths) if isinstance(paths, list | tuple | set | frozenset) else [paths]
        return Stream(lambda: self._ls_paths(wanted, type, offline), as_list, timeout=timeout, what="pin.ls")

    async def _ls(self, type: str, name: str | None) -> AsyncGenerator[PinEntry, None]:
        roots = set[bytes]()
        if type in ("direct", "recursive", "all"):
            async for pin in pinset.pins(self._context.state):
                if type in (pin.type, "all") and (name is None or name in (pin.name or "")):
                    yield PinEntry(pin.cid, pin.type, pin.metadata, pin.name)
        if type in ("indirect", "all") and name is None:
            async for pin in pinset.pins(self._context.state):
                if type == "all" or pin.recursive:
                    roots.add(identity(pin.cid))
            async with aclosing(_under_pins(self._context)) as found:
                async for cid in found:
                    if identity(cid) not in roots:
                        yield PinEntry(cid, "indirect")

    async def _ls_paths(self, paths: Sequence[CIDLike], type: str, offline: bool) -> AsyncGenerator[PinEntry, None]:
        for path in paths:
            cid = await resolved(self._context, path, offline=offline)
            pin = None if type == "indirect" else await pinset.find(self._context.state, cid)
            if pin is not None and type in (pin.type, "all"):
                yield PinEntry(cid, pin.type, pin.metadata, pin.name)
                continue
            root = None
            if type in ("indirect", "all"):
                root = (await roots_of(self._context, [cid])).get(identity(cid))
            if root is None:
                raise NotFoundError(
                    f"path '{path!s}' is not pinned", code="ERR_NOT_PINNED", detail={"path": str(path), "cid": str(cid)}
                )
            yield PinEntry(cid, f"indirect through {root}")

    async def rm(
        self, path: CIDLike, *, recursive: bool = True, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Stop keeping a root; its blocks stay until the next garbage collection.

        Parameters
        ----------
        path : CID or path
        recursive : bool
            False refuses to remove a recursive pin.
        offline : bool
            Ask nobody else for the blocks on the way along a path.
        timeout : float, optional
            Seconds.

        Returns
        -------
        CID

        Raises
        ------
        NotFoundError
            With code ``ERR_NOT_PINNED`` when it has no pin of its own.
        InvalidInputError
            With code ``ERR_PINNED_RECURSIVELY`` without ``recursive`` where the pin is.
        """
        async with deadline(timeout, f"pin.rm of {path!s}"):
            return await self._rm(PinInput(path, recursive), offline)

    async def _rm(self, given: PinInput, offline: bool) -> CID:
        cid = await resolved(self._context, given.path, offline=offline)
        async with self._context.state.transaction() as transaction:
            pin = await pinset.find(transaction, cid)
            if pin is None:
                raise NotFoundError(
                    f"{cid} is not pinned or pinned indirectly: only a root that was pinned itself can be unpinned",
                    code="ERR_NOT_PINNED",
                    detail={"cid": str(cid)},
                )
            if pin.recursive and not given.recursive:
                raise InvalidInputError(
                    f"{cid} is pinned recursively: unpin it with recursive=True",
                    code="ERR_PINNED_RECURSIVELY",
                    detail={"cid": str(cid)},
                )
            await pinset.forget(transaction, cid)
        return cid

    async def update(
        self, old: CIDLike, new: CIDLike, *, unpin: bool = True, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Keep another root in the place of one, with its name and metadata; only what differs is looked at.

        Parameters
        ----------
        old : CID or path
            Pinned recursively.
        new : CID or path
            What is to be pinned so.
        unpin : bool
            False keeps the old one too.
        offline : bool
            Ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds.

        Returns
        -------
        CID
            The new root.

        Raises
        ------
        NotFoundError
            With code ``ERR_NOT_PINNED`` when the old root is not pinned recursively; also when nobody has a block of
            the new one. Nothing has changed then.
        InvalidInputError
            With code ``ERR_ALREADY_PINNED`` when the new root is pinned recursively already.
        """
        async with deadline(timeout, f"pin.update of {old!s:.200}"), self._context.keeping():
            before = await resolved(self._context, old, offline=offline)
            after = await resolved(self._context, new, offline=offline)
            have = _before(self._context, after, offline)
            await pin_update.update(self._context, before, after, unpin=unpin, have=have)
        return after

    def rm_all(
        self,
        source: Iterable[PinSource] | AsyncIterable[PinSource],
        *,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[CID, list[CID]]:
        """Stop keeping many roots, one after another.

        Parameters
        ----------
        source : (async) iterable of CID, path, PinInput, PinEntry or mapping
        offline : bool
            Ask nobody else for the blocks on the way along a path.
        timeout : float, optional
            Seconds for any one of them.

        Returns
        -------
        Stream of CID
        """

        async def removed() -> AsyncGenerator[CID, None]:
            async with aclosing(_inputs(source)) as given:
                async for one in given:
                    yield await self._rm(one, offline)

        return Stream(removed, as_list, timeout=timeout, what="pin.rm_all")


async def pin_root(context: Context, root: CID | Pin, *, offline: bool = False) -> None:
    """Pin a root when every block under it is here; the caller holds ``context.keeping()``.

    Parameters
    ----------
    context : Context
    root : CID or Pin
        A CID that is pinned already keeps its name and metadata.
    offline : bool
        Ask nobody else for blocks that are missing.

    Raises
    ------
    NotFoundError
        When nobody has a block of it; nothing is pinned then.
    """
    pin = root if isinstance(root, Pin) else Pin(root)
    before = _before(context, pin.cid, offline)
    await before([pin.cid])
    if pin.recursive:
        async with aclosing(reachable(context, [pin.cid], set(), before=before)) as batches:
            async for _ in batches:
                pass
    await context.store.sync()
    await pinset.record(context.state, [pin], keep_names=not isinstance(root, Pin))


def _before(context: Context, root: CID, offline: bool) -> Before:
    have = _present if offline else _fetched

    async def before(cids: Sequence[CID]) -> None:
        await have(context, root, cids)

    return before


async def _missing(context: Context, cids: Sequence[CID]) -> list[CID]:
    there = await context.store.has_many(cids)
    return [cid for cid, here in zip(cids, there, strict=True) if not here]


async def _present(context: Context, root: CID, cids: Sequence[CID]) -> None:
    """Refuse to go on where a block is not in the store."""
    for cid in await _missing(context, cids):
        raise NotFoundError(
            f"block was not found locally: {cid}, which is part of the DAG under {root}; import the CAR that "
            "holds it too, or pin the root while the network can be reached",
            detail={"cid": str(cid), "root": str(root)},
        )


async def _fetched(context: Context, _root: CID, cids: Sequence[CID]) -> None:
    """Fetch those blocks that are not in the store."""
    missing = await _missing(context, cids)
    for start in range(0, len(missing), _FETCHES):
        tasks = [asyncio.create_task(context.load(cid)) for cid in missing[start : start + _FETCHES]]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def roots_of(context: Context, cids: Iterable[CID]) -> dict[bytes, CID]:
    """Return for each of the CIDs, by its `identity`, a recursive pin that it is under, if there is one."""
    wanted = {identity(cid) for cid in cids}
    found: dict[bytes, CID] = {}
    seen = set[bytes]()
    async for pin in pinset.pins(context.state):
        if not pin.recursive:
            continue
        own = identity(pin.cid)
        async with aclosing(reachable(context, [pin.cid], seen)) as batches:
            async for batch in batches:
                for cid in batch:
                    if (key := identity(cid)) in wanted and key != own:
                        found.setdefault(key, pin.cid)
        # A root itself may be under another one.
        seen -= wanted - found.keys()
        if len(found) == len(wanted):
            break
    return found


async def pins_of_blocks(context: Context, cids: Iterable[CID]) -> dict[bytes, IPFSCommError]:
    """Return for each block that pins need, by its multihash, the error that says which.

    Blocks of recursive pins are looked for by reading all of them: linear in what is pinned.
    """
    found: dict[bytes, IPFSCommError] = {}
    wanted: dict[bytes, CID] = {}
    for cid in cids:
        pin = await pinset.of_block(context.state, cid)
        if pin is not None:
            found[cid.multihash_bytes] = _needed(cid, f"pinned: {pin.type}")
        else:
            wanted[cid.multihash_bytes] = cid
    if not any(await context.store.has_many(list(wanted.values()))):
        return found
    async with aclosing(_under_pins(context)) as under:
        async for cid in under:
            if (asked := wanted.pop(cid.multihash_bytes, None)) is not None:
                found[cid.multihash_bytes] = _needed(asked, "pinned: indirect")
                if not wanted:
                    break
    return found


def _needed(cid: CID, how: str) -> IPFSCommError:
    return InvalidInputError(
        f"block {cid} is {how}: remove the pin before the block", code="ERR_PINNED", detail={"cid": str(cid)}
    )


async def _under_pins(context: Context) -> AsyncGenerator[CID, None]:
    """Generate what recursive pins keep, their roots included, each CID once."""
    seen = set[bytes]()
    roots: list[CID] = []

    async def walked() -> AsyncGenerator[CID, None]:
        async with aclosing(reachable(context, roots, seen)) as batches:
            async for batch in batches:
                for cid in batch:
                    yield cid
        roots.clear()

    async for pin in pinset.pins(context.state):
        if pin.recursive:
            roots.append(pin.cid)
        if len(roots) == _ROOTS:
            async with aclosing(walked()) as found:
                async for cid in found:
                    yield cid
    async with aclosing(walked()) as found:
        async for cid in found:
            yield cid


async def resolved(context: Context, path: CIDLike, *, offline: bool = False) -> CID:
    """Return the CID at the end of a path, through directories or through data."""
    if not isinstance(path, str):
        return one_cid(path)
    wanted = await context.settle(target(path, offline=offline))
    found = await exporter.resolve(context.loader(wanted), wanted.root, wanted.segments)
    if found.remainder:
        raise InvalidInputError(
            f"{path} ends inside block {found.cid}: a path to a whole block is needed here", detail={"path": path}
        )
    return found.cid


async def _inputs(source: Any) -> AsyncGenerator[PinInput, None]:
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield _input(item)
    elif isinstance(source, Iterable) and not isinstance(source, str | bytes | CID | Mapping):
        for item in source:
            yield _input(item)
    else:
        yield _input(source)


def _input(given: Any) -> PinInput:
    if isinstance(given, PinInput):
        return given
    if isinstance(given, PinEntry):
        return PinInput(given.cid)
    if isinstance(given, Mapping) and "/" not in given:
        path = given.get("cid") if given.get("cid") is not None else given.get("path")
        if path is None:
            raise InvalidInputError(
                f"Unexpected input: a mapping of {', '.join(map(str, list(given)[:5]))}: it needs cid or path"
            )
        return PinInput(path, given.get("recursive", True), given.get("metadata"), given.get("name"))
    return PinInput(given)
