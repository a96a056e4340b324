"""``pin``: add, add_all, ls, rm, rm_all, update."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.node.api import CIDLike, PinEntry, PinInput, PinSource
from ipfs_comm.node.embedded import pin_update, pinset
from ipfs_comm.node.embedded.pin_remote import RemotePins
from ipfs_comm.node.embedded.pin_under import roots_of, under_pins
from ipfs_comm.node.embedded.pinset import Pin
from ipfs_comm.node.embedded.reach import identity, reachable
from ipfs_comm.node.embedded.together import LINGER, arriving, together
from ipfs_comm.node.pin_inputs import TYPES, pin_input, refuse_replication
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.node.target import one_cid, target
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.embedded.reach import Before

#: Blocks of a DAG fetched from elsewhere at once.
_FETCHES: Final = 8


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
        replication_min: int | None = None,
        replication_max: int | None = None,
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
        replication_min, replication_max : int, optional
            Refused: these are an IPFS Cluster's, and here is one node.
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
        NotSupportedError
            For what only a Cluster can do.
        """
        refuse_replication("pin.add", replication_min, replication_max)
        async with deadline(timeout, f"pin.add of {path!s}"):
            return await self._add(PinInput(path, recursive, metadata, name), offline)

    async def _add(self, given: PinInput, offline: bool) -> CID:
        async with self._context.keeping():
            cid = await resolved(self._context, given.path, offline=offline)
            await pin_root(self._context, _pin(cid, given), offline=offline)
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
            Each as soon as it is pinned for good. Those that have come by then share a change of the records, so where
            the stream is left early some of the next ones are pinned as well.
        """

        def added() -> AsyncGenerator[CID, None]:
            return together(arriving(source, pin_input), self._add_many, lambda one: self._add(one, offline))

        return Stream(added, as_list, timeout=timeout, what="pin.add_all")

    async def _add_many(self, given: Sequence[PinInput]) -> list[CID]:
        """Pin roots whose blocks are all here, and quickly walked."""
        async with self._context.keeping():
            async with asyncio.timeout(LINGER):
                pins = [_pin(await resolved(self._context, one.path, offline=True), one) for one in given]
            await pin_roots(self._context, pins)
        return [pin.cid for pin in pins]

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
                f"invalid type {shown(type)}, must be one of {{{', '.join(TYPES)}}}", code="ERR_INVALID_PIN_TYPE"
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
            async with aclosing(under_pins(self._context)) as found:
                async for cid in found:
                    if identity(cid) not in roots:
                        yield PinEntry(cid, "indirect")

    def _ls_paths(self, paths: Sequence[CIDLike], type: str, offline: bool) -> AsyncGenerator[PinEntry, None]:
        async def one(path: CIDLike) -> PinEntry:
            return (await self._held([path], type, offline))[0]

        return together(arriving(paths, lambda path: path), lambda some: self._held(some, type, True), one)

    async def _held(self, paths: Sequence[CIDLike], type: str, offline: bool) -> list[PinEntry]:
        """Tell what keeps each of the paths; what indirect ones are under is looked for once."""
        cids = [await resolved(self._context, path, offline=offline) for path in paths]
        pins = await pinset.find_many(self._context.state, cids)
        own = [None if type == "indirect" or pin is None or type not in (pin.type, "all") else pin for pin in pins]
        others = [cid for cid, pin in zip(cids, own, strict=True) if pin is None]
        roots = await roots_of(self._context, others) if others and type in ("indirect", "all") else {}
        found: list[PinEntry] = []
        for path, cid, pin in zip(paths, cids, own, strict=True):
            if pin is not None:
                found.append(PinEntry(cid, pin.type, pin.metadata, pin.name))
                continue
            root = roots.get(identity(cid))
            if root is None:
                raise NotFoundError(
                    f"path '{path!s}' is not pinned", code="ERR_NOT_PINNED", detail={"path": str(path), "cid": str(cid)}
                )
            found.append(PinEntry(cid, f"indirect through {root}"))
        return found

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
        await self._forget([(cid, given.recursive)])
        return cid

    async def _rm_many(self, given: Sequence[PinInput]) -> list[CID]:
        """Unpin roots, those of paths through blocks that are here and quickly read."""
        async with asyncio.timeout(LINGER):
            cids = [await resolved(self._context, one.path, offline=True) for one in given]
        await self._forget([(cid, one.recursive) for cid, one in zip(cids, given, strict=True)])
        return cids

    async def _forget(self, given: Sequence[tuple[CID, bool]]) -> None:
        """Remove pins, all or none; what comes with a CID is whether that may be a recursive one."""
        gone = set[bytes]()
        async with self._context.state.transaction() as transaction:
            pins = await pinset.find_many(transaction, [cid for cid, _ in given])
            for pin, (cid, recursive) in zip(pins, given, strict=True):
                if pin is None or identity(cid) in gone:
                    raise NotFoundError(
                        f"{cid} is not pinned or pinned indirectly: only a root that was pinned itself can be unpinned",
                        code="ERR_NOT_PINNED",
                        detail={"cid": str(cid)},
                    )
                if pin.recursive and not recursive:
                    raise InvalidInputError(
                        f"{cid} is pinned recursively: unpin it with recursive=True",
                        code="ERR_PINNED_RECURSIVELY",
                        detail={"cid": str(cid)},
                    )
                gone.add(identity(cid))
                await pinset.forget(transaction, cid)

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
            Each as soon as its pin is gone for good; as in `add_all`, several share a change of the records.
        """

        def removed() -> AsyncGenerator[CID, None]:
            return together(arriving(source, pin_input), self._rm_many, lambda one: self._rm(one, offline))

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
    await _have(context, [pin], _before(context, pin.cid, offline))
    await context.store.sync()
    await pinset.record(context.state, [pin], keep_names=not isinstance(root, Pin))


async def pin_roots(context: Context, pins: Sequence[Pin], *, keep_names: bool = False) -> None:
    """Pin roots together, all or none, when every block under them is here and quickly walked.

    Parameters
    ----------
    context : Context
        The caller holds its ``keeping()``.
    pins : sequence of Pin
    keep_names : bool
        Leave a root that is pinned recursively already as it is.

    Raises
    ------
    NotFoundError
        A block is not here.
    InvalidInputError
        One is to be a direct pin, and is pinned recursively.
    TimeoutError
        Walking takes longer than batches wait.
    """
    async with asyncio.timeout(LINGER):
        await _have(context, pins, lambda cids: _present(context, cids[0], cids))
    await context.store.sync()
    await pinset.record(context.state, pins, keep_names=keep_names)


def _pin(cid: CID, given: PinInput) -> Pin:
    return Pin(cid, "recursive" if given.recursive else "direct", given.name, given.metadata)


async def _have(context: Context, pins: Sequence[Pin], before: Before) -> None:
    """Give all blocks that pins need to ``before``, which fetches what is not here or raises."""
    await before([pin.cid for pin in pins])
    roots = [pin.cid for pin in pins if pin.recursive]
    async with aclosing(reachable(context, roots, set(), before=before)) as batches:
        async for _ in batches:
            pass


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
