"""A kernel while a stream runs on its control channel: nothing stops the stream, and the stream stops nothing."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from flow_support import Flow
from kernel_support import LIMIT, Execution, Kernel, Page, start_kernel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

#: Milliseconds that any answer may take here; the measured ones are in the report of the tests.
GENEROUS = 3_000.0

#: An interrupt that comes while something is still imported may be lost: Python raises none in what it calls of locks.
BEGUN = "print('begun', flush=True)\n"
BUSY = {
    "sleep": f"import time\n{BEGUN}time.sleep(600)",
    "numpy": f"import numpy\nx = numpy.ones((300, 300))\n{BEGUN}while True: x = (x @ x) * 0 + 1",
    "python": f"n = 0\n{BEGUN}while True: n += 1",
    "await": f"import asyncio\n{BEGUN}while True: await asyncio.sleep(0.02)",
}


async def begun(execution: Execution) -> None:
    await execution.output(lambda message: message["msg_type"] == "stream")


@pytest.mark.parametrize("cell", BUSY)
async def test_a_busy_main_thread_does_not_stop_the_service(loaded: Page, kernel: Kernel, cell: str) -> None:
    async with Flow(await loaded.open()) as flow:
        busy = loaded.execute(BUSY[cell])
        await begun(busy)
        await flow.go_on()
        assert not busy.done.done()
        await kernel.interrupt()
        assert (await busy.reply())["status"] == "error"


async def test_interrupts_never_land_in_the_port_layer(loaded: Page, kernel: Kernel) -> None:
    # Interrupts outside of a user's code would end an ipykernel of some versions, so they are armed here.
    code = """
import signal, threading
hits, armed = 0, False
def interrupted(*_):
    global hits, armed
    hits += 1
    if armed:
        armed = False
        raise KeyboardInterrupt
signal.signal(signal.SIGINT, interrupted)
print("armed", flush=True)
while hits < 30:
    try:
        armed = True
        while True:
            sum(range(1_000))
    except KeyboardInterrupt:
        pass
signal.signal(signal.SIGINT, signal.SIG_IGN)
"""
    threads = "import threading; print([t.name for t in threading.enumerate() if t.name == 'ipfs_comm'])"
    async with Flow(await loaded.open()) as flow:
        busy = loaded.execute(code)
        await busy.output(lambda message: message["msg_type"] == "stream")
        sent = 0
        while not busy.done.done():
            await kernel.interrupt()
            await loaded.request("control", "interrupt_request")
            sent += 2
        assert sent >= 10
        # Also where nothing runs that could be interrupted.
        for _ in range(10):
            await kernel.interrupt()
            await loaded.request("control", "interrupt_request")
        await flow.go_on()
        assert flow.link.error is None
    assert (await loaded.run(threads)).text() == "['ipfs_comm']\n"


async def delays(page: Page, channel: str, kind: str, content: dict[str, Any]) -> list[float]:
    """Return how many milliseconds each of some requests took."""
    taken = []
    for _ in range(8):
        started = time.perf_counter()
        await page.request(channel, kind, content)
        taken.append((time.perf_counter() - started) * 1_000)
    return taken


@pytest.mark.parametrize(
    ("channel", "kind", "content"),
    [
        ("control", "kernel_info_request", {}),
        ("control", "interrupt_request", {}),
        ("control", "debug_request", {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}}),
        ("shell", "complete_request", {"code": "pri", "cursor_pos": 3}),
        ("shell", "inspect_request", {"code": "print", "cursor_pos": 5, "detail_level": 0}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_other_requests_are_answered_while_a_stream_runs(
    loaded: Page,
    channel: str,
    kind: str,
    content: dict[str, Any],
    record_property: Callable[[str, object], None],
) -> None:
    alone = await delays(loaded, channel, kind, content)
    async with Flow(await loaded.open()):
        beside = await delays(loaded, channel, kind, content)
    record_property("milliseconds alone, median", round(median(alone), 1))
    record_property("milliseconds beside a stream, median and most", [round(median(beside), 1), round(max(beside), 1)])
    assert max(beside) < GENEROUS


async def test_an_interrupt_ends_a_cell_while_a_stream_runs(loaded: Page) -> None:
    async with Flow(await loaded.open()):
        busy = loaded.execute(BUSY["sleep"])
        await begun(busy)
        await loaded.request("control", "interrupt_request")
        assert (await busy.reply())["ename"] == "KeyboardInterrupt"


async def test_shutdown_is_not_held_up_by_a_stream(fresh: Page) -> None:
    await fresh.run("%load_ext ipfs_comm")
    flow = Flow(await fresh.open())
    await flow.begin()
    reply = await fresh.request("control", "shutdown_request", {"restart": False})
    assert reply["status"] == "ok"
    assert await gone(fresh)
    flow.link.end()
    await flow.stop()


async def gone(page: Page) -> bool:
    manager = page.client.parent
    assert manager is not None
    started = time.monotonic()
    await manager._async_finish_shutdown(waittime=LIMIT)
    return time.monotonic() - started < LIMIT / 2 and not await manager.is_alive()


#: What a kernel has that loading takes and unloading gives back.
STATE = """
import gc, os, threading
gc.collect()
kernel = get_ipython().kernel
def opened():
    # IPython's history opens and closes a file as it likes.
    for number in os.listdir("/dev/fd"):
        try:
            yield "sqlite" not in os.readlink(f"/dev/fd/{number}")
        except OSError:
            pass
print(
    sorted(thread.name for thread in threading.enumerate()),
    # What threads that are over printed through is closed by ipykernel some seconds later.
    sum(opened()) - len(kernel.iopub_thread._event_pipes),
    sorted(kernel.comm_manager.comms), sorted(kernel.comm_manager.targets),
    kernel.control_stream._recv_callback, kernel.control_stream._recv_copy,
    kernel.control_stream.socket._monitor_socket,
)
"""


async def test_unloading_in_mid_stream_leaves_nothing_behind(page: Page, kernel: Kernel) -> None:
    # The first stream starts what pyzmq keeps for good to take memory back from its sockets.
    await page.run("%load_ext ipfs_comm")
    async with Flow(await page.open()) as flow:
        await flow.go_on()
    await page.run("%unload_ext ipfs_comm")
    other = await kernel.page()
    before = (await page.run(STATE)).text()
    await page.run("%load_ext ipfs_comm")
    links = [await page.open(), await page.open(carrier="comm"), await other.open()]
    flow = Flow(links[0])
    await flow.begin()
    await page.run("%unload_ext ipfs_comm")
    for link in links:
        assert (await asyncio.wait_for(asyncio.shield(link.ended), LIMIT)).code == "ERR_CLOSED"
    await flow.stop()
    # ipykernel closes some of what threads that are over have used in its own time.
    end = asyncio.get_running_loop().time() + LIMIT
    while (state := (await page.run(STATE)).text()) != before and asyncio.get_running_loop().time() < end:
        pass
    assert state == before


async def test_a_restarted_kernel_starts_anew(python: str, tmp_path: Path) -> None:
    load = f"%load_ext ipfs_comm\n%ipfs repo {tmp_path / 'repo'}\n"
    async with start_kernel(python, tmp_path) as kernel:
        page = await kernel.page()
        cid = (await page.run(f"{load}print((await ipfs.add(b'kept')).cid)")).text().split()[-1]
        flow = Flow(await page.open())
        await flow.begin()
        await kernel.manager.restart_kernel()
        await flow.stop()
        await kernel.release()
        page = await kernel.page()
        assert (await page.run(f"{load}print(await ipfs.cat('{cid}'))")).text().endswith("b'kept'\n")
        async with Flow(await page.open()) as flow:
            await flow.go_on()


async def debug(page: Page, number: int, command: str, **arguments: Any) -> dict[str, Any]:
    """Ask the debugger."""
    reply = await page.request(
        "control", "debug_request", {"type": "request", "seq": number, "command": command, "arguments": arguments}
    )
    assert reply["success"], reply
    return dict(reply.get("body") or {})


async def test_a_breakpoint_in_a_cell_does_not_freeze_the_node(fresh: Page, tmp_path: Path) -> None:
    await fresh.run(f"%load_ext ipfs_comm\n%ipfs repo {tmp_path / 'repo'}")
    link = await fresh.open()
    code = "first = 1\nsecond = first + 1\nprint(second)"
    await debug(
        fresh,
        1,
        "initialize",
        clientID="tests",
        adapterID="python",
        pathFormat="path",
        linesStartAt1=True,
        columnsStartAt1=True,
        supportsVariableType=True,
        supportsVariablePaging=True,
        supportsRunInTerminalRequest=True,
        locale="en",
    )
    await debug(fresh, 2, "attach")
    source = await debug(fresh, 3, "dumpCell", code=code)
    await debug(
        fresh,
        4,
        "setBreakpoints",
        breakpoints=[{"line": 2}],
        source={"path": source["sourcePath"]},
        sourceModified=False,
    )
    await debug(fresh, 5, "configurationDone")
    cell = fresh.execute(code)
    async with asyncio.timeout(LIMIT):
        while (event := await fresh.debugger.get())["event"] != "stopped":
            continue
    async with Flow(link) as flow:
        await flow.go_on()
        assert not cell.done.done()
    await debug(fresh, 6, "continue", threadId=event["body"]["threadId"])
    assert (await cell.reply())["status"] == "ok"
