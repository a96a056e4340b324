"""``pin``: what the daemon keeps."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ipfs_comm._shown import shown
from ipfs_comm.errors import DaemonError, InvalidInputError, NotSupportedError
from ipfs_comm.node.api import PinEntry, PinInput
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.cluster import check_options
from ipfs_comm.node.kubo.paths import argument, refused, root_or_path
from ipfs_comm.node.kubo.pin_remote import RemotePins
from ipfs_comm.node.pin_inputs import TYPES, pin_input
from ipfs_comm.node.stream import Stream, as_list, deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import CIDLike, PinSource
    from ipfs_comm.node.kubo.context import Context


class Pins:
    """Roots that the daemon's garbage collection keeps.

    Kubo keeps a name with a pin and nothing else: ``metadata`` is refused. Further options of a call
    (``replication_min``, ``replication_max`` and the like) go as they are to an IPFS Cluster's proxy, and are refused
    where Kubo itself answers.

    Parameters
    ----------
    context : Context
    """

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
        **more: Any,
    ) -> CID:
        """Keep a block, and unless ``recursive`` is False everything under it, fetching what is not here."""
        given = PinInput(path, recursive, metadata, name)
        more |= {"replication_min": replication_min, "replication_max": replication_max}
        async with deadline(timeout, f"pin.add of {path!s:.200}"):
            return await self._add(given, offline, more)

    async def _add(self, given: PinInput, offline: bool, more: Mapping[str, Any]) -> CID:
        refused("pin.add", metadata=given.metadata)
        self._context.writing("pin.add")
        await check_options(self._context.rpc, "pin.add", more)
        said = await self._context.rpc.call(
            "pin/add",
            argument(given.path),
            recursive=given.recursive,
            # A Cluster's word for it.
            type=None if given.recursive else "direct",
            name=given.name or None,
            **self._context.offline_if(offline),
            **more,
        )
        return _last(Said("pin/add", said))

    def add_all(
        self,
        source: Iterable[PinSource] | AsyncIterable[PinSource],
        *,
        offline: bool = False,
        timeout: float | None = None,
        **more: Any,
    ) -> Stream[CID, list[CID]]:
        """Keep many roots, one after another."""
        return _each(source, lambda one: self._add(one, offline, more), timeout, "pin.add_all")

    def ls(
        self,
        paths: CIDLike | Iterable[CIDLike] | None = None,
        *,
        type: str = "all",
        name: str | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[PinEntry, list[PinEntry]]:
        """Stream what is kept: all of a type, with ``name`` in its name, or what keeps each of ``paths``."""
        if type not in TYPES:
            raise InvalidInputError(
                f"invalid type {shown(type)}, must be one of {{{', '.join(TYPES)}}}", code="ERR_INVALID_PIN_TYPE"
            )
        wanted = [paths] if paths is not None and not isinstance(paths, list | tuple | set | frozenset) else paths
        arguments = [root_or_path(path) for path in wanted or ()]

        async def listed() -> AsyncGenerator[PinEntry, None]:
            # A Cluster's proxy looks at the first of several alone.
            for one in [()] if wanted is None else [(text,) for text in arguments]:
                async with aclosing(self._listed(*one, type=type, name=name or None, offline=offline)) as entries:
                    async for entry in entries:
                        yield entry

        return Stream(listed, as_list, timeout=timeout, what="pin.ls")

    async def _listed(self, *path: str, type: str, name: str | None, offline: bool) -> AsyncGenerator[PinEntry, None]:
        lines = self._context.rpc.lines(
            "pin/ls",
            *path,
            type=type,
            name=None if path else name,
            names=True,
            stream=True,
            **self._context.offline_if(offline),
        )
        told = False
        async with aclosing(lines) as each:
            async for line in each:
                for one in _entries(line):
                    said = Said("pin/ls", one)
                    entry = PinEntry(said.cid("Cid"), said.text("Type"), name=said.text("Name", "") or None)
                    told = True
                    if not path and name is not None and entry.name is None:
                        raise NotSupportedError(
                            f"pin.ls: what answers at {self._context.rpc.address} tells no names, as an IPFS Cluster's "
                            "proxy does not: leave out name"
                        )
                    # A Cluster's proxy tells of all types, whatever it is asked for.
                    if type == "all" or entry.type.startswith(type):
                        yield entry
        if path and not told:
            raise DaemonError(f"pin/ls: the daemon says nothing of {path[0]}")

    async def rm(
        self, path: CIDLike, *, recursive: bool = True, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Stop keeping a root."""
        async with deadline(timeout, f"pin.rm of {path!s:.200}"):
            return await self._rm(PinInput(path, recursive), offline)

    async def _rm(self, given: PinInput, offline: bool) -> CID:
        self._context.writing("pin.rm")
        said = await self._context.rpc.call(
            "pin/rm", argument(given.path), recursive=given.recursive, **self._context.offline_if(offline)
        )
        return _last(Said("pin/rm", said))

    def rm_all(
        self,
        source: Iterable[PinSource] | AsyncIterable[PinSource],
        *,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[CID, list[CID]]:
        """Stop keeping many roots, one after another."""
        return _each(source, lambda one: self._rm(one, offline), timeout, "pin.rm_all")

    async def update(
        self, old: CIDLike, new: CIDLike, *, unpin: bool = True, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Keep another root in the place of one; only what differs is looked at."""
        self._context.writing("pin.update")
        async with deadline(timeout, f"pin.update of {old!s:.200}"):
            said = await self._context.rpc.call(
                "pin/update", argument(old), argument(new), unpin=unpin, **self._context.offline_if(offline)
            )
            return _last(Said("pin/update", said))


def _each(
    source: Iterable[PinSource] | AsyncIterable[PinSource],
    change: Callable[[PinInput], Awaitable[CID]],
    timeout: float | None,
    what: str,
) -> Stream[CID, list[CID]]:
    async def changed() -> AsyncGenerator[CID, None]:
        if hasattr(source, "__aiter__"):
            async for one in source:
                yield await change(pin_input(one))
        else:
            for one in source:
                yield await change(pin_input(one))

    return Stream(changed, as_list, timeout=timeout, what=what)


def _entries(line: Any) -> Iterator[Any]:
    """Return the entries in a line: an older IPFS Cluster's proxy tells all at once, whatever it is asked for."""
    if isinstance(line, dict) and isinstance(line.get("Keys"), dict):
        return ({"Cid": cid, **(about if isinstance(about, dict) else {})} for cid, about in line["Keys"].items())
    return iter((line,))


def _last(said: Said) -> CID:
    """Return the last of the roots that a command tells."""
    try:
        return said.cids("Pins")[-1]
    except IndexError:
        raise DaemonError("pin: the daemon tells no root that it changed") from None
