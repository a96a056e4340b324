"""dag-cbor, beside the standard library's JSON of a value of the same shape."""

from __future__ import annotations

import json
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ipfs_comm.ipld import CID, codecs, multihash

if TYPE_CHECKING:
    from embedded.bench import Bench

LINKS = 200
ROUNDS = 50


async def cbor(bench: Bench) -> None:
    """Encode and decode a node of about 32 KB with 200 links."""
    cids = [CID.create(1, 0x71, multihash.digest(b"%d" % at, "sha2-256")) for at in range(LINKS)]
    node: dict[str, Any] = {
        "children": [{"name": f"child number {at}", "size": at * 1000, "link": cid} for at, cid in enumerate(cids)],
        "flags": [bool(at % 3) for at in range(1000)],
        "text": "x" * 8000,
    }
    plain = {**node, "children": [{**child, "link": str(child["link"])} for child in node["children"]]}
    codec = codecs.get("dag-cbor")
    block, text = codec.encode(node), json.dumps(plain)
    size = len(block) / (1 << 20)
    figures: dict[str, tuple[list[float], list[float]]] = {"encode": ([], []), "decode": ([], [])}
    work = {
        "encode": (lambda: codec.encode(node), lambda: json.dumps(plain)),
        "decode": (lambda: codec.decode(block), lambda: json.loads(text)),
    }
    for _ in range(bench.repeat):
        for what, both in work.items():
            for kept, one in zip(figures[what], both, strict=True):
                began = perf_counter()
                for _ in range(ROUNDS):
                    one()
                kept.append(size * ROUNDS / (perf_counter() - began))
    for what, (ours, theirs) in figures.items():
        bench.add(f"dag-cbor {what}, {LINKS} links", "MiB/s", ours, theirs, "json of the same with text for links")
