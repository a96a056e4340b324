"""Requests to one pinning service: each bounded in time and size, none redirected, the key in no error.

IPFS Pinning Service API 1.0, ``/pins`` and ``/pins/{requestid}``.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from ipfs_comm._importing import imported
from ipfs_comm._version import __version__
from ipfs_comm.errors import IPFSCommError, LimitError, NotFoundError, PinningServiceError
from ipfs_comm.pinning import answers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
    from types import TracebackType

    from ipfs_comm.ipld import CID
    from ipfs_comm.pinning.answers import Page, PinStatus

__all__ = ["Pace", "PinningService"]

T = TypeVar("T")

#: Most bytes of an answer: some pins, one pin, an error.
MAX_PAGE: Final = 8 << 20
MAX_STATUS: Final = 256 << 10
MAX_FAILURE: Final = 16 << 10
#: Pins asked for at once, and CIDs that one query may name (the specification allows ten).
PAGE: Final = 100
MAX_CIDS: Final = 10
#: Most pins of one listing.
MAX_PINS: Final = 1_000_000
_FINE: Final = frozenset({200, 201, 202, 204})
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a service is waited for, in seconds.

    Parameters
    ----------
    answer : float
        For one whole answer.
    connect : float
        For a connection.
    poll : float
        Between two looks at a pin that is on its way.
    """

    answer: float = 30.0
    connect: float = 10.0
    poll: float = 0.5


class PinningService:
    """One service, for as long as an ``async with`` lasts.

    Parameters
    ----------
    name : str
        What it is called here, for errors.
    endpoint : str
        As ``checked_endpoint`` gives it.
    key : str
        As ``checked_key`` gives it. It stands in no error, even where the service repeats it.
    pace : Pace, optional
    """

    def __init__(self, name: str, endpoint: str, key: str, *, pace: Pace | None = None) -> None:
        self._name = name
        self._endpoint = endpoint
        self._key = key
        self._pace = pace or Pace()
        self._session: Any = None

    def __repr__(self) -> str:
        return f"PinningService({self._name!r}, {self._endpoint!r})"

    async def __aenter__(self) -> Self:
        aiohttp = await imported("aiohttp")
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Authorization": f"Bearer {self._key}",
                "User-Agent": f"ipfs_comm/{__version__}",
            },
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._pace.connect),
            # The environment's proxy is used, but not its .netrc, which would be an authorization beside the key.
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        await session.close()

    async def add(self, cid: CID, *, name: str = "", origins: Sequence[str] = ()) -> PinStatus:
        """Ask for a pin.

        Raises
        ------
        PinningServiceError
            The service cannot be reached, refuses, or answers with something else.
        """
        pin: dict[str, Any] = {"cid": str(cid)}
        if name:
            pin["name"] = name
        if origins:
            pin["origins"] = list(origins)
        return await self._parsed("POST", "/pins", answers.status, limit=MAX_STATUS, sent=pin)

    async def pinned(self, pin: PinStatus) -> PinStatus:
        """Wait until the service has pinned what it was asked for.

        Raises
        ------
        PinningServiceError
            It failed to; or as for `add`.
        """
        while pin.status not in ("pinned", "failed"):
            await asyncio.sleep(self._pace.poll)
            found = await self._parsed("GET", _one(pin), answers.status, limit=MAX_STATUS)
            if found.request != pin.request:
                raise self._error(f"was asked for pin {pin.request!r} and told of {found.request!r}")
            pin = found
        if pin.status == "failed":
            why = f" ({self._without_key(pin.details)})" if pin.details else ""
            raise self._error(f"failed to pin {pin.cid}, requestid {pin.request!r}{why}", code="ERR_PIN_FAILED")
        return pin

    async def pins(
        self, *, cids: Sequence[CID] = (), name: str | None = None, status: Sequence[str] = ()
    ) -> AsyncGenerator[PinStatus, None]:
        """Generate all pins of these CIDs, of this name, with one of these statuses; page by page.

        Raises
        ------
        PinningServiceError
            As for `add`, or it tells of pins that it was not asked for.
        LimitError
            There are more than a million.
        """
        given = 0
        for start in range(0, max(len(cids), 1), MAX_CIDS):
            some = cids[start : start + MAX_CIDS]
            async with aclosing(self._pages(some, name, status)) as pages:
                async for page in pages:
                    given += len(page.pins)
                    if given > MAX_PINS:
                        raise LimitError(f"pinning service {self._name!r} has more than {MAX_PINS} such pins")
                    for pin in page.pins:
                        yield pin

    async def _pages(self, cids: Sequence[CID], name: str | None, status: Sequence[str]) -> AsyncGenerator[Page, None]:
        query = {"limit": str(PAGE)}
        if cids:
            query["cid"] = ",".join(str(cid) for cid in cids)
        if name is not None:
            query["name"] = name
        if status:
            query["status"] = ",".join(status)
        wanted = {cid.to_v1() for cid in cids}
        oldest: PinStatus | None = None
        while True:
            page = await self._parsed("GET", f"/pins?{urlencode(query)}", answers.page, limit=MAX_PAGE)
            for pin in page.pins:
                # What is listed may be removed next: a service that knows a filter less must not make it all.
                if (
                    (cids and pin.cid.to_v1() not in wanted)
                    or (status and pin.status not in status)
                    or (name is not None and pin.name != name)
                ):
                    raise self._error(f"told of pin {pin.request!r}, which it was not asked for")
            yield page
            if not page.pins or page.count <= len(page.pins):
                return
            last = min(page.pins, key=lambda pin: pin.moment)
            if oldest is not None and last.moment >= oldest.moment:
                raise self._error("gives the same pins again where older ones were asked for")
            oldest = last
            query["before"] = last.created

    async def count(self, status: str) -> int:
        """Return how many pins have a status.

        Raises
        ------
        PinningServiceError
            As for `add`.
        """
        query = urlencode({"limit": "1", "status": status})
        return (await self._parsed("GET", f"/pins?{query}", answers.page, limit=MAX_PAGE)).count

    async def remove(self, pins: Iterable[PinStatus]) -> None:
        """Remove pins; one that is gone already counts as removed.

        Raises
        ------
        PinningServiceError
            As for `add`; those before it are removed.
        """
        for pin in pins:
            try:
                await self._ask("DELETE", _one(pin), limit=MAX_STATUS)
            except NotFoundError:
                continue

    async def _parsed(
        self, method: str, path: str, parse: Callable[[bytes], T], *, limit: int, sent: dict[str, Any] | None = None
    ) -> T:
        body = await self._ask(method, path, limit=limit, sent=sent)
        try:
            return parse(body)
        except ValueError as error:
            raise self._error(f"answered {method} /pins with something else than this protocol has: {error}") from None

    async def _ask(self, method: str, path: str, *, limit: int, sent: dict[str, Any] | None = None) -> bytes:
        from aiohttp import ClientConnectionError, ClientError

        data = None if sent is None else json.dumps(sent).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(self._pace.answer) as scope,
                self._session.request(
                    method,
                    _url(self._endpoint + path),
                    data=data,
                    headers=headers,
                    proxy=_proxy(self._endpoint),
                    allow_redirects=False,
                ) as response,
            ):
                if response.status not in _FINE:
                    raise await self._refusal(response)
                return await self._body(response, limit)
        except TimeoutError:
            if not scope.expired():
                raise self._error("cannot be reached: no connection in time") from None
            raise self._error(f"sent no whole answer within {self._pace.answer:g} s") from None
        except (ClientConnectionError, OSError) as error:
            raise self._error(f"cannot be reached ({_short(error)})") from None
        except (ClientError, UnicodeError, ValueError) as error:
            raise self._error(f"broke HTTP ({_short(error)})") from None

    async def _body(self, response: Any, limit: int) -> bytes:
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > limit:
                raise self._error(f"sent more than {limit} bytes")
        return bytes(body)

    async def _refusal(self, response: Any) -> IPFSCommError:
        status: int = response.status
        if status in _REDIRECTS:
            host = urlsplit(response.headers.get("Location", "")[:2048]).hostname or "nowhere"
            return self._error(
                f"redirects to {host[:253]}, where its key will not be sent: add it again with the address that it "
                "has now",
                status=status,
            )
        try:
            said = answers.failure(await self._body(response, MAX_FAILURE))
        except PinningServiceError:
            said = ""
        text = f"refused with HTTP {status}" + (f" ({self._without_key(said)})" if said else "")
        if status in (401, 403):
            return self._error(
                f"{text}: its key is not the right one; add it again", status=status, code="ERR_UNAUTHORIZED"
            )
        if status == 404:
            return NotFoundError(f"pinning service {self._name!r} at {self._endpoint} {text}", detail=self._detail())
        return self._error(text, status=status)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]")

    def _detail(self) -> dict[str, Any]:
        return {"service": self._name, "endpoint": self._endpoint}

    def _error(self, what: str, *, status: int | None = None, code: str | None = None) -> PinningServiceError:
        detail = self._detail() if status is None else {**self._detail(), "status": status}
        text = self._without_key(f"pinning service {self._name!r} at {self._endpoint} {what}")
        return PinningServiceError(text, code=code, detail=detail)


def _one(pin: PinStatus) -> str:
    # quote leaves dots alone, and a path of dots is another path.
    return "/pins/" + quote(pin.request, safe="").replace(".", "%2E")


def _proxy(endpoint: str) -> str | None:
    """Return the proxy that the environment names for requests there."""
    parts = urlsplit(endpoint)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def _url(text: str) -> Any:
    from yarl import URL

    return URL(text, encoded=True)


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
