from __future__ import annotations

import pytest

from ipfs_comm.errors import NotFoundError
from ipfs_comm.exchange import Exchange, FetchContext, Offline
from ipfs_comm.ipld import CID, multihash

CID_ = CID.create(1, "raw", multihash.digest(b"missing"))


async def test_a_missing_block_is_an_error_that_says_all_there_is_to_say() -> None:
    exchange = Offline("the repository /home/ada/blocks")
    with pytest.raises(NotFoundError) as caught:
        await exchange.fetch(CID_, context=FetchContext(path="/ipfs/bafy/a/b", segment="b"))
    text = str(caught.value)
    for part in (str(CID_), "'b'", "/ipfs/bafy/a/b", "the repository /home/ada/blocks", "ipfs.add"):
        assert part in text
    assert caught.value.code == "ERR_NOT_FOUND"
    assert caught.value.detail == {
        "cid": str(CID_),
        "asked": ["the repository /home/ada/blocks"],
        "segment": "b",
        "path": "/ipfs/bafy/a/b",
    }


async def test_without_a_context_the_error_names_the_cid() -> None:
    with pytest.raises(NotFoundError, match=str(CID_)):
        await Offline().fetch(CID_)


def test_it_is_an_exchange() -> None:
    assert isinstance(Offline(), Exchange)
