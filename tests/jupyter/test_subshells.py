"""A link on an ordinary comm, in kernels that have subshells and in kernels that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flow_support import Flow

if TYPE_CHECKING:
    from kernel_support import Kernel, Page

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]


async def has_subshells(page: Page) -> bool:
    return "kernel subshells" in (await page.request("shell", "kernel_info_request")).get("supported_features", [])


async def test_an_ordinary_comm_is_heard_in_mid_cell_where_its_subshell_hears_it(loaded: Page, kernel: Kernel) -> None:
    supported = await has_subshells(loaded)
    subshell = None
    if supported:
        subshell = (await loaded.request("control", "create_subshell_request"))["subshell_id"]
    flow = Flow(await loaded.open(carrier="comm", subshell=subshell), size=2**16)
    await flow.begin()
    busy = loaded.execute("import time; print('begun', flush=True); time.sleep(600)")
    await busy.output(lambda message: message["msg_type"] == "stream")
    if supported:
        await flow.go_on()
        assert not busy.done.done()
    await kernel.interrupt()
    assert (await busy.reply())["status"] == "error"
    # Without subshells what was sent in mid-cell has waited, and goes on.
    await flow.go_on()
    assert flow.link.error is None
    await flow.stop()


async def test_a_subshell_that_is_deleted_takes_nothing_with_it(loaded: Page) -> None:
    if not await has_subshells(loaded):
        # What such a kernel makes of a message for a subshell is what it makes of any other.
        async with Flow(await loaded.open(carrier="comm", subshell="none of mine"), size=2**16) as flow:
            await flow.go_on()
        return
    subshell = (await loaded.request("control", "create_subshell_request"))["subshell_id"]
    link = await loaded.open(carrier="comm", subshell=subshell)
    async with Flow(link, size=2**16) as flow:
        await flow.go_on()
    link.end()
    await link.released
    assert (await loaded.request("control", "delete_subshell_request", {"subshell_id": subshell}))["status"] == "ok"
    async with Flow(await loaded.open(carrier="comm"), size=2**16) as flow:
        await flow.go_on()
