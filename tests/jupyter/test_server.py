"""Ports through a real Jupyter server: its limits are kept, and it knows that the kernel is alive."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from flow_support import Flow
from kernel_support import LIMIT
from server_support import Server, SocketPage, start_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

#: A service that pours out one thing after another; on the ordinary comm that is as many messages as the pace allows.
POUR = """
import threading
from ipfs_comm.extension import loaded
stopped = threading.Event()
def pour(link, port, params):
    def more():
        if not stopped.is_set() and link.error is None:
            for _ in range(max(0, 4 - link.bytes_queued // 2**20)):
                port.post_message(bytes(2**20))
            link.loop.call_later(0.01, more)
    more()
loaded()._acceptors["ipfs_comm"].services["pour"] = pour
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(python: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The server of a module's tests."""
    async with start_server(python, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(server: Server) -> AsyncIterator[SocketPage]:
    """A page of a kernel in which the extension is loaded."""
    async with server.page() as page:
        await page.run("%load_ext ipfs_comm")
        yield page


async def test_a_flood_through_a_port_leaves_the_users_prints_and_widgets_their_part_of_the_limit(
    page: SocketPage,
) -> None:
    (await page.open()).end()
    await page.run(POUR)
    pouring = await page.open("pour", carrier="comm")
    poured: list[int] = []
    flowing = asyncio.Event()

    def take(event: Any) -> None:
        poured.append(len(event.data))
        flowing.set()

    pouring.port.onmessage = take
    await asyncio.wait_for(flowing.wait(), LIMIT)
    # The cell is over at once, since without subshells its thread is the one that hears the page.
    cell = """
import threading, time, ipywidgets
slider = ipywidgets.IntSlider(max=10_000)
print(slider.comm.comm_id)
def talk():
    for number in range(600):
        print(number, flush=True)
        slider.value = number + 1
        time.sleep(0.006)
    stopped.set()
    print("over", flush=True)
talking = threading.Thread(target=talk)
talking.start()
"""
    await page.run(cell)
    async with asyncio.timeout(LIMIT):
        while not page.printed.endswith("over\n"):
            page.news.clear()
            await page.news.wait()
    comm_id, *numbers = page.printed.split()
    assert numbers == [*(str(number) for number in range(600)), "over"]
    values = [
        message["content"]["data"]["state"]["value"]
        for message in page.strangers
        if message["content"]["comm_id"] == comm_id and message["content"]["data"].get("method") == "update"
    ]
    assert values == list(range(1, 601))
    # It did flood: more than a cell's own messages went through at the same time.
    assert sum(poured) > 20 * 2**20
    assert pouring.error is None


async def test_a_stream_on_the_direct_carrier_keeps_the_kernel_from_looking_idle(
    page: SocketPage, server: Server
) -> None:
    await page.run("import ipfs_comm.wire.carriers.direct as direct; direct.ACTIVITY = 0.2")
    async with Flow(await page.open()) as flow:
        seen = {(await server.call("GET", f"kernels/{page.kernel_id}"))["last_activity"]}
        async with asyncio.timeout(LIMIT):
            while len(seen) < 4:
                await flow.go_on()
                seen.add((await server.call("GET", f"kernels/{page.kernel_id}"))["last_activity"])
        assert {message["content"]["comm_id"] for message in page.strangers} == {"ipfs_comm-activity"}
        # A sign of life is no cell: whoever watches the status sees none.
        assert (await server.call("GET", f"kernels/{page.kernel_id}"))["execution_state"] == "idle"


async def test_a_stream_through_the_server_goes_on_beside_a_flood_of_prints(page: SocketPage) -> None:
    async with Flow(await page.open()) as flow:
        await page.run("for _ in range(2_000): print('x' * 10_000)")
        await flow.go_on()
        assert flow.link.error is None
