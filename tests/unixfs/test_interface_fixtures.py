from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fixtures_support import cases, fixtures_root

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, encode
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from pathlib import Path

_ROOT = "Qmd5MhNjx3NSZm3L2QKG1TFvqkTRbtZwGJinqEfqpfHH7s"


def refs_dag(path: Path, blocks: list[bytes]) -> CID:
    """Make the blocks that the fixtures describe: plain dag-pb nodes, no UnixFS."""
    if path.is_file():
        block = encode(PBNode((), path.read_bytes()))
    else:
        block = encode(PBNode([PBLink(refs_dag(child, blocks), child.name, 8) for child in sorted(path.iterdir())]))
    blocks.append(block)
    return CID.create(0, "dag-pb", multihash.digest(block))


def snake_case(params: dict[str, Any]) -> dict[str, Any]:
    return {"".join("_" + c.lower() if c.isupper() else c for c in name): value for name, value in params.items()}


@pytest.mark.parametrize("case", cases("interface", "refs_cases.json"))
async def test_refs_are_those_that_js_ipfs_lists(case: dict[str, Any]) -> None:
    fixtures = fixtures_root()
    assert fixtures is not None
    params = snake_case(case["params"])
    if "timeout" in params:
        params["timeout"] /= 1000
    paths = [case["path"]] if isinstance(case["path"], str) else case["path"]
    blocks: list[bytes] = []
    assert str(refs_dag(fixtures / "interface" / "data" / "refs-test", blocks)) == _ROOT
    async with open_node(repo=":memory:") as ipfs:
        for block in blocks:
            await ipfs.block.put(block, format="dag-pb", version=0)
        refs: Any = ipfs.refs
        asked = [path.replace("ROOT", _ROOT) for path in paths]
        if case.get("error"):
            with pytest.raises(IPFSCommError):
                await refs(asked, **params)
            return
        assert sorted(entry.ref for entry in await refs(asked, **params)) == case["expectSorted"]


@pytest.mark.parametrize("case", cases("interface", "mfs_shard_cases.json"))
async def test_a_write_into_a_sharded_directory_makes_what_building_it_at_once_makes(case: dict[str, Any]) -> None:
    count = int(case["id"].removeprefix("mfs-shard-")) - 1
    contents = {f"file-{number}": bytes((0, 1, 2, 3, 4, number % 256)) for number in range(count + 1)}
    last, content = contents.popitem()
    async with open_node(repo=":memory:") as ipfs:
        entries = [{"path": path, "content": content} for path, content in contents.items()]
        made = await ipfs.add_all(entries, wrap_with_directory=True, shard_split_threshold=0)
        files: Any = ipfs.files
        await files.cp(f"/ipfs/{made[-1].cid}", "/d")
        await files.write(f"/d/{last}", content, create=True, shard_split_threshold=0)
        assert str((await files.stat("/d")).cid) == case["expect"]["statCid"]
