"""Values of the IPLD data model, for laws."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ipfs_comm.ipld import CID, Multihash, multihash

multihashes = st.one_of(
    st.binary(min_size=32, max_size=32).map(lambda digest: Multihash.create("sha2-256", digest)),
    st.binary(max_size=40).map(lambda data: multihash.digest(data, "identity")),
    st.binary(min_size=64, max_size=64).map(lambda digest: Multihash.create("sha2-512", digest)),
    st.builds(Multihash.create, st.integers(0x300000, 0x400000), st.binary(max_size=40)),
)
cids = st.one_of(
    st.binary(min_size=32, max_size=32).map(
        lambda digest: CID.create(0, "dag-pb", Multihash.create("sha2-256", digest))
    ),
    st.builds(lambda codec, hashed: CID.create(1, codec, hashed), st.integers(0, 1 << 40), multihashes),
)
floats = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: str(number) != "-0.0")
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(1 << 64), (1 << 64) - 1), floats, st.text(max_size=20))


def _nest(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5), max_leaves=25
    )


keys = st.text(max_size=8) | st.sampled_from(["/", "bytes"])
plain_values = _nest(scalars, keys)
values = _nest(scalars | st.binary(max_size=30) | cids, keys)
