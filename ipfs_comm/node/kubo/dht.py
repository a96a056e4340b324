"""``dht``: who has what, asked of the routing system that the daemon uses."""

from __future__ import annotations

import base64
import binascii
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import DaemonError, InvalidInputError, NotFoundError
from ipfs_comm.ipns import Name
from ipfs_comm.node.api import PeerInfo, RoutingEvent
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.node.stream import Stream, as_list
from ipfs_comm.node.target import one_cid

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.kubo.context import Context

#: The steps of a search by their numbers.
_NAMES: Final = (
    "SENDING_QUERY",
    "PEER_RESPONSE",
    "FINAL_PEER",
    "QUERY_ERROR",
    "PROVIDER",
    "VALUE",
    "ADDING_PEER",
    "DIALING_PEER",
)
#: Most bytes of a record that is put.
_MOST: Final = 2**20


class Dht:
    """The routing of a daemon: the hash table, or what else ``Routing.Type`` says.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def find_peer(self, peer_id: str, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Stream the search for a peer's addresses."""
        return self._search("findpeer", "routing/findpeer", Name.parse(peer_id).peer_id, timeout=timeout)

    def find_provs(
        self, cid: CIDLike, *, num_providers: int = 20, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Stream the search for peers that have a block."""
        if isinstance(num_providers, bool) or not isinstance(num_providers, int) or num_providers < 1:
            raise InvalidInputError(f"num_providers is {num_providers!r:.80}: give a whole number from 1")
        return self._search(
            "findprovs", "routing/findprovs", str(one_cid(cid)), timeout=timeout, num_providers=num_providers
        )

    def get(self, key: str | bytes, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Stream the search for the value of a key: ``/ipns/<name>``, whose value is the record of the name."""
        return self._search("get", "routing/get", _key(key), timeout=timeout)

    def provide(
        self, cids: CIDLike | Iterable[CIDLike], *, recursive: bool = False, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Tell the network that blocks are here, with ``recursive`` whole DAGs."""
        many = isinstance(cids, list | tuple | set | frozenset) or hasattr(cids, "__next__")
        wanted = [str(one_cid(cid)) for cid in (cids if many else [cids])]  # type: ignore[union-attr]  # many are iterable
        if not wanted:
            raise InvalidInputError("dht.provide needs at least one CID")
        return self._search("provide", "routing/provide", *wanted, timeout=timeout, recursive=recursive or None)

    def put(
        self, key: str | bytes, value: bytes, *, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Keep a value under a key in the network: a signed record under ``/ipns/<name>``."""
        content = bytes(value)
        if len(content) > _MOST:
            raise InvalidInputError(f"a record of {len(content)} bytes is too large: at most {_MOST}")
        self._context.writing("dht.put")
        return self._search("put", "routing/put", _key(key), timeout=timeout, body=content)

    def query(self, peer_id: str, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Stream the search for the peers that are closest to one."""
        return self._search("query", "dht/query", Name.parse(peer_id).peer_id, timeout=timeout)

    def _search(
        self,
        verb: str,
        command: str,
        *arguments: str,
        timeout: float | None,
        body: bytes | None = None,
        **options: int | bool | None,
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        async def events() -> AsyncGenerator[RoutingEvent, None]:
            sent = None if body is None else Body.of(body)
            lines = self._context.rpc.lines(command, *arguments, body=sent, **options)
            async with aclosing(lines) as told:
                try:
                    async for line in told:
                        if (event := _event(Said(command, line))) is not None:
                            yield event
                except NotFoundError as error:
                    # A search that finds nothing has ended like any other; js-ipfs says so in its last step.
                    yield RoutingEvent(_NAMES.index("QUERY_ERROR"), "QUERY_ERROR", error=str(error))

        return Stream(events, as_list, timeout=timeout, what=f"dht.{verb}")


def _key(key: str | bytes) -> str:
    """Return a key as Kubo takes it: of names alone, for it keeps nothing else."""
    name = Name.from_routing_key(bytes(key)) if isinstance(key, bytes | bytearray | memoryview) else None
    if name is None and isinstance(key, str) and key.startswith("/ipns/"):
        name = Name.parse(key)
    if name is None:
        raise InvalidInputError(f"{key!r:.120} is no key that Kubo knows: give /ipns/ and a name")
    return name.path


def _event(said: Said) -> RoutingEvent | None:
    kind = said.whole("Type")
    if kind >= len(_NAMES):
        # One of a later Kubo, which nobody here can ask for.
        return None
    name = _NAMES[kind]
    peers = tuple(PeerInfo(one.text("ID"), tuple(one.texts("Addrs"))) for one in said.each("Responses"))
    sender = said.text("ID", "") or None
    extra = said.text("Extra", "")
    peer = None
    if name in ("FINAL_PEER", "ADDING_PEER", "DIALING_PEER"):
        peer = peers[0] if peers else None if sender is None else PeerInfo(sender, ())
    return RoutingEvent(
        kind,
        name,  # type: ignore[arg-type]  # it is one of them
        from_=sender,
        peer=peer,
        closer=peers if name == "PEER_RESPONSE" else (),
        providers=peers if name in ("PROVIDER", "PEER_RESPONSE") else (),
        value=_value(extra) if name == "VALUE" and extra else None,
        error=extra if name == "QUERY_ERROR" else None,
    )


def _value(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise DaemonError(f"routing/get: the daemon tells a value that is no base64: {text[:80]!r}") from error
