"""Blocks from trustless HTTP gateways: several asked in turn, the next one early where one is slow.

A gateway is believed nothing: what it sends is a block if its hash says so, and a failure of the gateway otherwise.
One that fails is left alone for a while, twice as long after each failure that follows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ipfs_comm._importing import imported
from ipfs_comm._version import __version__
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError, RepositoryError, UnknownHashError
from ipfs_comm.exchange._request import RefusedError, request_block
from ipfs_comm.exchange.addresses import parse
from ipfs_comm.exchange.missing import not_found
from ipfs_comm.ipld import multihash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp.abc import AbstractResolver

    from ipfs_comm.exchange.base import FetchContext
    from ipfs_comm.ipld import CID

__all__ = ["Gateways", "Pace"]

#: Share of the caller's time, and its most in seconds, that is kept to say in an error what each gateway said.
_SHARE_KEPT, _MOST_KEPT = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited for gateways, in seconds, and how much is asked of them.

    Parameters
    ----------
    answer : float
        For one whole block from one gateway.
    total : float
        For one block from all gateways.
    hedge : float
        Until the next gateway is asked as well, while those asked before are silent.
    rest : float
        For which a gateway is left alone after a failure; doubled after each that follows.
    longest_rest : float
        Most that this comes to, and most that a gateway may demand.
    absent : float
        Most that it comes to for a gateway that cannot be reached: perhaps it is this machine that has no network.
    patience : float
        Rests that are no longer are waited for, unless the gateway cannot be reached at all.
    tries : int
        How often one gateway is asked for one block where it is busy.
    connections : int
        Requests to one gateway at a time.
    """

    answer: float = 30.0
    total: float = 60.0
    hedge: float = 2.0
    rest: float = 1.0
    longest_rest: float = 300.0
    absent: float = 15.0
    patience: float = 5.0
    tries: int = 3
    connections: int = 8


class _Gateway:
    """One gateway, and how it has behaved."""

    def __init__(self, address: str, pace: Pace, pool: Pool) -> None:
        self.address = address
        self._pool = pool
        self._pace = pace
        self._slots = asyncio.Semaphore(pace.connections)
        self._failures = 0
        self._failed_at = 0.0
        self._rest_until = 0.0
        self._last = RefusedError("")

    def resting(self) -> float:
        """Return for how many seconds it is still to be left alone."""
        return max(0.0, self._rest_until - asyncio.get_running_loop().time())

    async def block(self, session: Any, cid: CID) -> bytes:
        """Return a block, verified.

        Raises
        ------
        RefusedError
            Where there is none, whatever the cause.
        """
        self._rest()
        async with self._slots:
            await asyncio.sleep(self._rest())
            began = asyncio.get_running_loop().time()
            try:
                data = await self._ask(session, cid)
            except RefusedError as error:
                if error.blame:
                    self._failed(began, error)
                else:
                    self._failures = 0
                raise
            self._failures = 0
            return data

    def _rest(self) -> float:
        """Return for how many seconds to wait; raise RefusedError if that is too long."""
        if (rest := self.resting()) > (0 if self._last.absent else self._pace.patience):
            raise RefusedError(f"not asked for another {rest:.1f} s, since it failed: {self._last.said}", blame=False)
        return rest

    async def _ask(self, session: Any, cid: CID) -> bytes:
        from aiohttp import ClientConnectionError, ClientError, ServerDisconnectedError

        try:
            async with asyncio.timeout(self._pace.answer):
                return await request_block(session, self.address, cid, run=self._pool.run)
        except TimeoutError:
            raise RefusedError(f"sent no whole block within {self._pace.answer:g} s") from None
        except ServerDisconnectedError:
            raise RefusedError("hung up", again=True) from None
        except (ClientConnectionError, OSError) as error:
            raise RefusedError(f"cannot be reached ({_short(error)})", absent=True) from None
        except (ClientError, UnicodeError) as error:
            raise RefusedError(f"broke HTTP ({_short(error)})") from None

    def _failed(self, began: float, error: RefusedError) -> None:
        now = asyncio.get_running_loop().time()
        # Requests that were under way together fail together: that is one failure.
        if not self._failures or began >= self._failed_at:
            self._failures += 1
            self._failed_at = now
        rest = max(self._pace.rest * 2.0 ** min(self._failures - 1, 16), error.after)
        longest = self._pace.absent if error.absent else self._pace.longest_rest
        self._rest_until = max(self._rest_until, now + min(rest, longest))
        self._last = error


@dataclass(eq=False)
class _Search:
    """The search for one block, shared by all who want it at the same time."""

    began: dict[str, float] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    waiting: int = 0
    task: asyncio.Task[bytes | None] | None = None

    def said(self, addresses: Iterable[str]) -> dict[str, str]:
        """Return what each gateway has said so far, if only by saying nothing."""
        now = asyncio.get_running_loop().time()
        said = dict.fromkeys(addresses, "was not asked, the time was over first")
        said |= {address: f"has not answered within {now - began:.1f} s" for address, began in self.began.items()}
        return said | self.answers


class Gateways:
    """The exchange that asks trustless HTTP gateways, in the order given.

    Parameters
    ----------
    addresses : iterable of str
        ``https://host`` or ``http://host:port`` each.
    store : str, optional
        How errors name the blockstore that was looked into first.
    pace : Pace, optional
        How long is waited, and how much is asked.
    resolver : aiohttp.abc.AbstractResolver, optional
        Who asks the name servers. Of what it says only public addresses count, but for gateways that are private by
        their own text.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        store: str = "the local blockstore",
        pace: Pace | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self._pool = Pool(1, "ipfs_comm-verify")
        self._gateways = [_Gateway(address, self._pace, self._pool) for address in parse(addresses)]
        self._store = store
        self._resolver = resolver
        self._searches: dict[CID, _Search] = {}
        self._ending: set[asyncio.Task[bytes | None]] = set()
        # Whoever waits here spends none of the time that a search has.
        self._gate = asyncio.Semaphore(max(1, len(self._gateways)) * self._pace.connections)
        self._opening = asyncio.Lock()
        self._session: Any = None
        self._closed = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The gateways, the one that is asked first at the beginning."""
        return tuple(gateway.address for gateway in self._gateways)

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> bytes:
        """Return the block's bytes, verified against `cid`.

        Calls for one CID at the same time share its requests, which end with the last of them.

        Raises
        ------
        NotFoundError
            No gateway gave it, or none in the caller's time; names the CID, what it is a part of, and what each
            gateway said.
        RepositoryError
            When the exchange is closed.
        """
        if self._closed:
            raise RepositoryError("the gateways were given back with their node: open a new node")
        try:
            multihash.check_secure(cid.multihash)
        except (UnknownHashError, InvalidInputError) as error:
            advice = f"No gateway was asked, for nothing would show that its bytes are the right ones: {error}."
            raise not_found(cid, context, store=self._store, answers={}, advice=advice) from error
        search = self._searches.get(cid)
        if search is None:
            search = self._searches[cid] = _Search()
            search.task = asyncio.create_task(self._search(cid, search), name=f"ipfs_comm gateways: {cid}")
            search.task.add_done_callback(lambda _: self._forget(cid, search))
        assert search.task is not None, "it was made with the search"
        search.waiting += 1
        try:
            await asyncio.wait({search.task}, timeout=_limit(context))
        finally:
            search.waiting -= 1
            if not search.waiting and not search.task.done():
                await self._end(cid, search)
        if self._closed:
            raise RepositoryError(f"the node was closed while it asked gateways for {cid}: open a new node")
        if search.task.done() and not search.task.cancelled() and (data := search.task.result()) is not None:
            return data
        raise not_found(
            cid,
            context,
            store=self._store,
            answers=search.said(self.addresses),
            advice="Check the CID, give a longer timeout, or choose other gateways (`gateways`, or the environment "
            "variable IPFS_COMM_GATEWAYS).",
        )

    async def close(self) -> None:
        """Give back connections and tasks; calls under way end with an error. Closing twice is allowed."""
        self._closed = True
        tasks = {search.task for search in self._searches.values() if search.task is not None} | self._ending
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._pool.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _end(self, cid: CID, search: _Search) -> None:
        """End a search that nobody waits for any more, and its requests with it."""
        task = search.task
        assert task is not None, "it was made with the search"
        self._forget(cid, search)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        task.cancel()
        await asyncio.wait({task})

    def _forget(self, cid: CID, search: _Search) -> None:
        if self._searches.get(cid) is search:
            del self._searches[cid]

    def _turn(self) -> deque[_Gateway]:
        """Return the gateways in the order in which to ask them: those that are to be left alone come last."""
        return deque(sorted(self._gateways, key=lambda gateway: gateway.resting() > 0))

    async def _search(self, cid: CID, search: _Search) -> bytes | None:
        async with self._gate:
            return await self._find(await self._open_session(), cid, search)

    async def _find(self, session: Any, cid: CID, search: _Search) -> bytes | None:
        turn = self._turn()
        tries = dict.fromkeys(turn, self._pace.tries)
        running: dict[asyncio.Task[bytes], _Gateway] = {}
        try:
            async with asyncio.timeout(self._pace.total) as scope:
                while turn or running:
                    if turn:
                        gateway = turn.popleft()
                        search.began.setdefault(gateway.address, asyncio.get_running_loop().time())
                        running[asyncio.create_task(gateway.block(session, cid))] = gateway
                    done, _ = await asyncio.wait(
                        running, timeout=self._pace.hedge if turn else None, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        gateway = running.pop(task)
                        try:
                            data = task.result()
                        except RefusedError as error:
                            search.answers[gateway.address] = error.said
                            tries[gateway] -= 1
                            if error.again and tries[gateway] > 0:
                                turn.append(gateway)
                        else:
                            self._prefer(gateway)
                            return data
        except TimeoutError:
            if not scope.expired():
                raise
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return None

    def _prefer(self, gateway: _Gateway) -> None:
        """Ask first, from now on, who had a block: most likely it has those that belong to it."""
        self._gateways.remove(gateway)
        self._gateways.insert(0, gateway)

    async def _open_session(self) -> Any:
        async with self._opening:
            if self._session is None:
                aiohttp = await imported("aiohttp")
                resolver = await imported("ipfs_comm.exchange._resolver")
                self._session = aiohttp.ClientSession(
                    auto_decompress=False,
                    connector=aiohttp.TCPConnector(
                        limit=len(self._gateways) * self._pace.connections,
                        resolver=resolver.Guard(self.addresses, self._resolver),
                    ),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    headers={"User-Agent": f"ipfs_comm/{__version__}"},
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._pace.answer),
                    trust_env=True,
                )
            return self._session


def _limit(context: FetchContext | None) -> float | None:
    """Return for how long to wait, so that there is time left to tell the caller what each gateway said."""
    if context is None or context.timeout is None:
        return None
    return context.timeout - min(_SHARE_KEPT * context.timeout, _MOST_KEPT)


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:120] or type(error).__name__
