"""What loading the extension costs in a real kernel: time and memory."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

from jupyter_client.manager import AsyncKernelManager

if TYPE_CHECKING:
    from embedded.bench import Bench

#: What a user would not notice: milliseconds, milliseconds, and MiB.
LOADED, FIRST, MEMORY = 150.0, 500.0, 40.0
LIMIT = 60.0

CELL = """
import re, time
def rss():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
before = rss()
began = time.perf_counter()
get_ipython().run_line_magic("load_ext", "ipfs_comm")
loaded = time.perf_counter()
await ipfs.add(b"hello")
first = time.perf_counter()
figures = [(loaded - began) * 1000, (first - began) * 1000, rss() - before]
"""


async def loading(bench: Bench) -> None:
    """Load the extension in fresh kernels, each with a new repository on disk, and add a first file."""
    # Bytecode is there, as pip leaves it; where the environment forbids to write any, every start would compile all.
    shared = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    shared |= {"PYTHONPYCACHEPREFIX": str(bench.place("bytecode")), "IPFS_COMM_GATEWAYS": ""}
    places = [str(bench.place("repo")) for _ in range(1 + bench.repeat)]
    figures = [await _in_a_kernel({**shared, "IPFS_COMM_REPO": place}) for place in places][1:]
    loaded, first, memory = ([row[at] for row in figures] for at in range(3))
    bench.bound("%load_ext ipfs_comm", "ms", loaded, LOADED)
    bench.bound("a cold %load_ext to the first add's result", "ms", first, FIRST)
    bench.bound("kernel's resident memory after it", "MiB", memory, MEMORY)


async def _in_a_kernel(environment: dict[str, str]) -> list[float]:
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel(env=environment)
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=LIMIT)
        # IPython's own first use of a cell with await costs what is none of ours.
        await client.execute_interactive("import asyncio; await asyncio.sleep(0)", timeout=LIMIT)
        reply = await client.execute_interactive(CELL, user_expressions={"figures": "figures"}, timeout=LIMIT)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(reply["content"]["evalue"])
        # A list of numbers looks the same in Python and in JSON.
        figures: list[float] = json.loads(reply["content"]["user_expressions"]["figures"]["data"]["text/plain"])
        return figures
    finally:
        client.stop_channels()
        await asyncio.wait_for(manager.shutdown_kernel(now=True), LIMIT)
