"""What mutable names stand for: by the records that were published in this repository, and domains by DNSLink."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ipfs_comm import ipns
from ipfs_comm.errors import InvalidInputError, LimitError, NotFoundError
from ipfs_comm.ipld.path import ContentPath, parse
from ipfs_comm.node.target import name_of

if TYPE_CHECKING:
    from ipfs_comm.blockstore.state import State
    from ipfs_comm.node.embedded.domains import Domains

#: Names that one name may lead through.
MAX_HOPS: Final = 32

_SPACE: Final = "ipns"


class Names:
    """The records of one repository, by name.

    Parameters
    ----------
    state : State
        Where they are kept, in the space ``ipns``.
    domains : Domains
        Who knows the names of domains.
    """

    def __init__(self, state: State, domains: Domains) -> None:
        self._state = state
        self._domains = domains

    async def record(self, name: ipns.Name) -> ipns.Record:
        """Return the record of a name, verified.

        Raises
        ------
        NotFoundError
            None was published here.
        InvalidRecordError
            It has ended.
        """
        data = await self._state.get(_SPACE, str(name))
        if data is None:
            raise NotFoundError(
                f"nobody has a record of the name {name}: it was not published in this repository, and this node asks "
                "no network for names; publish it with name.publish, or give the CID that it stands for",
                detail={"name": str(name)},
            )
        return ipns.validate(data, name=name)

    async def publish(
        self,
        key: ipns.PrivateKey,
        value: str,
        *,
        lifetime: timedelta,
        ttl: timedelta,
        sequence: int | None = None,
        v1: bool = True,
    ) -> tuple[ipns.Name, ipns.Record]:
        """Sign that a key's name stands for a path, and keep the record.

        The sequence grows with every other value, as in Kubo; the same value again only makes the record last longer.

        Parameters
        ----------
        key : PrivateKey
        value : str
            A content path.
        lifetime, ttl : timedelta
        sequence : int, optional
            Larger than the last.
        v1 : bool
            Add what older readers need.

        Raises
        ------
        InvalidInputError
            The sequence does not grow, or a number does not fit.
        """
        name = key.name
        async with self._state.transaction() as transaction:
            before = await transaction.get(_SPACE, str(name))
            following = 0
            if before is not None:
                last = ipns.Record.decode(before)
                following = last.sequence + (last.value != value.encode())
                if sequence is not None and sequence <= last.sequence:
                    raise InvalidInputError(
                        f"the sequence {sequence} of {name} is not larger than the last, {last.sequence}",
                        detail={"name": str(name), "sequence": last.sequence},
                    )
            try:
                expires = datetime.now(UTC) + lifetime
            except OverflowError:
                raise InvalidInputError("the record would end after the year 9999: give a shorter lifetime") from None
            record = ipns.create(
                key,
                value,
                sequence=following if sequence is None else sequence,
                expires=expires,
                ttl=ttl // timedelta(microseconds=1) * 1000,
                v1=v1,
            )
            await transaction.put(_SPACE, str(name), record.encode())
        return name, record

    async def keep(self, name: ipns.Name, data: bytes) -> ipns.Record:
        """Keep a record that was signed elsewhere.

        Raises
        ------
        InvalidRecordError
            It is none of this name, or has ended.
        InvalidInputError
            The one that there is is as late, or later.
        """
        record = ipns.validate(data, name=name)
        async with self._state.transaction() as transaction:
            before = await transaction.get(_SPACE, str(name))
            if before is not None and before != data:
                last = ipns.Record.decode(before)
                if last.sequence >= record.sequence:
                    raise InvalidInputError(
                        f"the sequence {record.sequence} of the record of {name} is not larger than that of the one "
                        f"that there is, {last.sequence}",
                        detail={"name": str(name), "sequence": last.sequence},
                    )
            await transaction.put(_SPACE, str(name), data)
        return record

    async def follow(
        self, path: ContentPath, *, recursive: bool = True, offline: bool = False, nocache: bool = False
    ) -> ContentPath:
        """Return the path that a path stands for, from name to name until it is immutable.

        Parameters
        ----------
        path : ContentPath
        recursive : bool
            False takes one step only.
        offline : bool
            Ask no DNS: a domain's name on the way is not found.
        nocache : bool
            Ask DNS even where an answer is kept.

        Raises
        ------
        NotFoundError, InvalidRecordError
            A name on the way has no record, or none that is to be believed.
        InvalidNameError, InvalidPathError
            A name on the way is none, or a record's value is no path.
        LimitError
            There is no end to it.
        """
        for _ in range(MAX_HOPS):
            if not path.mutable:
                return path
            found = name_of(str(path.root))
            if isinstance(found, ipns.Name):
                ahead = parse((await self.record(found)).path)
            else:
                ahead = parse(await self._domains.resolve(found, offline=offline, nocache=nocache))
            path = ContentPath(ahead.namespace, ahead.root, (*ahead.segments, *path.segments))
            if not recursive:
                return path
        raise LimitError(
            f"names lead from one to the next more than {MAX_HOPS} times, perhaps in a circle: the last is {path}",
            code="ERR_RECURSION_LIMIT",
            detail={"path": str(path)},
        )
