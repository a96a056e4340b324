"""The records of pins: which roots are kept, how, and under which name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from ipfs_comm.errors import InvalidInputError, RepositoryError
from ipfs_comm.ipld import CID

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

    from ipfs_comm.blockstore import State, Transaction

    Records: TypeAlias = State | Transaction

#: Where pins are in a repository's state.
SPACE: Final = "pins"
#: Longest name of a pin, in bytes, as in Kubo.
MAX_NAME: Final = 255
_DAG_PB: Final = 0x70


@dataclass(frozen=True, slots=True)
class Pin:
    """One root that is kept: alone (``direct``) or with everything under it (``recursive``)."""

    cid: CID
    type: Literal["recursive", "direct"] = "recursive"
    name: str | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def recursive(self) -> bool:
        """Whether everything under the root is kept too."""
        return self.type == "recursive"


def _key(cid: CID) -> str:
    # By multihash first: a CID of version 0 and its other form are one pin, and whoever knows only the multihash of a
    # block finds the pins of all its codecs.
    return f"{cid.multihash_bytes.hex()}.{cid.code:x}"


def _encode(pin: Pin) -> bytes:
    if pin.name is not None and len(pin.name.encode()) > MAX_NAME:
        raise InvalidInputError(f"a pin's name of {len(pin.name.encode())} bytes: at most {MAX_NAME} can be kept")
    record: dict[str, Any] = {"type": pin.type, "version": pin.cid.version}
    if pin.name is not None:
        record["name"] = pin.name
    if pin.metadata is not None:
        record["metadata"] = dict(pin.metadata)
    try:
        return json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"the metadata of the pin of {pin.cid} cannot be kept: {error}; give a mapping of JSON values"
        ) from None


def _decode(key: str, value: bytes) -> Pin:
    try:
        multihash, _, code = key.partition(".")
        record = json.loads(value)
        cid = CID.create(1, int(code, 16), bytes.fromhex(multihash))
        if record["version"] == 0:
            cid = cid.to_v0()
        return Pin(cid, record["type"], record.get("name"), record.get("metadata"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RepositoryError(
            f"the record of pin {key[:200]} in this repository is damaged: {error}; restore state.sqlite from a copy",
            detail={"key": key[:200]},
        ) from error


async def find(state: Records, cid: CID) -> Pin | None:
    """Return the pin of a CID, whichever its version, or None."""
    value = await state.get(SPACE, key := _key(cid))
    return None if value is None else _decode(key, value)


async def find_many(state: Records, cids: Iterable[CID]) -> list[Pin | None]:
    """Return the pins of CIDs, whichever their versions, None for each that has none."""
    keys = [_key(cid) for cid in cids]
    values = await state.get_many(SPACE, keys)
    return [None if value is None else _decode(key, value) for key, value in zip(keys, values, strict=True)]


async def of_block(state: State, cid: CID) -> Pin | None:
    """Return a pin of the block, whichever its codec, or None."""
    async for key, value in state.items(SPACE, f"{cid.multihash_bytes.hex()}."):
        return _decode(key, value)
    return None


async def pins(state: State) -> AsyncGenerator[Pin, None]:
    """Iterate over all pins, reading them in pages."""
    async for key, value in state.items(SPACE):
        yield _decode(key, value)


async def record(state: State, given: Iterable[Pin], *, keep_names: bool = False) -> None:
    """Record pins, durable together.

    Parameters
    ----------
    state : State
    given : iterable of Pin
    keep_names : bool
        Leave a root that is pinned recursively already as it is, with its name and metadata.

    Raises
    ------
    InvalidInputError
        ``already pinned recursively``, for a direct pin of such a root; nothing was recorded then.
    """
    wanted = [(_key(pin.cid), pin, _encode(pin)) for pin in given]
    keys = [key for key, _, _ in wanted]
    # Most roots that are added again are pinned already: no transaction then, and nothing to make durable.
    if not _changes(wanted, await state.get_many(SPACE, keys), keep_names):
        return
    async with state.transaction() as transaction:
        there = await transaction.get_many(SPACE, keys)
        for key, value in _changes(wanted, there, keep_names).items():
            await transaction.put(SPACE, key, value)


def _changes(
    wanted: Sequence[tuple[str, Pin, bytes]], there: Iterable[bytes | None], keep_names: bool
) -> dict[str, bytes]:
    """Return what is to be written so that all wanted pins are there, one after another."""
    changes: dict[str, bytes] = {}
    for (key, pin, value), recorded in zip(wanted, there, strict=True):
        before = changes.get(key, recorded)
        if before == value:
            continue
        if before is not None and _decode(key, before).recursive:
            if not pin.recursive:
                raise InvalidInputError(
                    f"{pin.cid} already pinned recursively: remove that pin first to pin it directly",
                    code="ERR_ALREADY_PINNED",
                    detail={"cid": str(pin.cid)},
                )
            if keep_names:
                continue
        changes[key] = value
    return changes


async def put(transaction: Transaction, pin: Pin) -> None:
    """Record a pin in the place of any other of its CID."""
    await transaction.put(SPACE, _key(pin.cid), _encode(pin))


async def forget(transaction: Transaction, cid: CID) -> None:
    """Remove the pin of a CID."""
    await transaction.delete(SPACE, _key(cid))
