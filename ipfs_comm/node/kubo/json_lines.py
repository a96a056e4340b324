"""The JSON of an answer: one value, or one a line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ipfs_comm._shown import shown
from ipfs_comm.errors import LimitError, UnreachableError
from ipfs_comm.node.kubo.errors import refusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.node.kubo.address import Address

__all__ = ["decoded", "split"]

#: Bytes of one line.
MAX_LINE: Final = 16 * 2**20

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON's")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)


async def split(command: str, chunks: AsyncIterator[bytes], address: Address) -> AsyncGenerator[Any, None]:
    """Generate the JSON values of an answer, one a line.

    Raises
    ------
    LimitError
        A line has more than `MAX_LINE` bytes.
    UnreachableError, IPFSCommError
        As `decoded`.
    """
    rest: list[bytes] = []
    size = 0
    async for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for line in whole:
            content = b"".join([*rest, line]) if rest else line
            rest.clear()
            size = 0
            if content.strip():
                yield decoded(command, content, address)
        if last:
            rest.append(last)
            size += len(last)
            if size > MAX_LINE:
                raise LimitError(f"{command}: a line of the daemon's answer has more than {MAX_LINE} bytes")
    if content := b"".join(rest).strip():
        yield decoded(command, content, address)


def decoded(command: str, content: bytes, address: Address) -> Any:
    """Return the one JSON value of an answer or a line.

    Raises
    ------
    UnreachableError
        It is no JSON.
    IPFSCommError
        It is a refusal; see `refusal`.
    """
    try:
        value = _DECODER.decode(content.decode("utf-8"))
        if _SURROGATE.search(content):
            # Half of a pair is no text, and would fail wherever this goes.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise UnreachableError(
            f"{command}: what answers at {address} is no Kubo daemon, or something between changes what it "
            f"says: its answer is no JSON but {shown(content[:80])}",
            detail={"address": str(address), "command": command},
        ) from error
    if isinstance(value, dict) and value.get("Type") == "error" and isinstance(value.get("Message"), str):
        raise refusal(command, 500, value["Message"], address)
    return value
