"""A kernel that reads from gateways, as `%ipfs` and the environment choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from exchange.gateway_support import honest, running
from kernel_support import start_kernel

if TYPE_CHECKING:
    from pathlib import Path

    from kernel_support import Page

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]


async def test_a_gateway_chosen_in_the_session_is_asked_from_then_on(loaded: Page) -> None:
    async with running(honest) as gateway:
        cid = gateway.put(b"from elsewhere")
        before = await loaded.execute(f"await ipfs.block.get('{cid}')").reply()
        assert before["ename"] == "NotFoundError"
        assert "this node is offline" in before["evalue"]
        said = await loaded.run(
            f"%ipfs gateways {gateway.url}\n%ipfs\n"
            f"print(await ipfs.block.get('{cid}'))\nprint(ipfs.sync.block.get('{cid}', offline=True))"
        )
        assert f"gateways  {gateway.url}" in said.text()
        assert said.text().count("b'from elsewhere'") == 2
        assert gateway.asked == [cid]


async def test_the_environment_of_a_kernel_names_its_gateways(python: str, tmp_path: Path) -> None:
    async with running(honest) as gateway:
        cid = gateway.put(b"from elsewhere")
        async with start_kernel(python, tmp_path, IPFS_COMM_GATEWAYS=gateway.url) as kernel:
            page = await kernel.page()
            said = await page.run(f"%load_ext ipfs_comm\nprint(await ipfs.block.get('{cid}'))")
            assert "b'from elsewhere'" in said.text()
            refused = await page.execute(f"%ipfs offline true\nawait ipfs.block.get('{cid}')").reply()
            assert refused["ename"] == "NotFoundError"
