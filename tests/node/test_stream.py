"""What a stream comes to where it is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import NotFoundError
from ipfs_comm.node.stream import Stream, as_last

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


def counting(to: int) -> Stream[int | None, int | None]:
    """Return a stream of None and the numbers up to one."""

    async def items() -> AsyncGenerator[int | None, None]:
        for number in range(to):
            yield number or None

    return Stream(items, as_last)


async def test_the_last_item_is_what_comes_last() -> None:
    assert await counting(3) == 2


async def test_an_item_may_be_nothing() -> None:
    assert await counting(1) is None


async def test_of_no_items_there_is_no_last_one() -> None:
    with pytest.raises(NotFoundError, match="none came"):
        await counting(0)
