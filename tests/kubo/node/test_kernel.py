"""A daemon as the node of a kernel: chosen, told in one line, gone and back again."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from kernel_support import start_kernel
from kubo_support import Repository, running

if TYPE_CHECKING:
    from pathlib import Path

    from kubo_support import Daemon

#: The same cell for any node.
ADD = "added = await ipfs.add(b'the same on every node', cid_version=1)\nprint(added.cid)"


async def test_switching_the_node_is_all_it_takes(daemon: Daemon, tmp_path: Path) -> None:
    said = []
    for kind in ("embedded", "kubo", "auto"):
        environment = {"IPFS_COMM_NODE": kind, "IPFS_PATH": str(daemon.repository.folder)}
        async with start_kernel(sys.executable, tmp_path / kind, **environment) as kernel:
            page = await kernel.page()
            said.append((await page.run(f"%load_ext ipfs_comm\n{ADD}")).text().splitlines())
    first, second, third = said
    assert first[0] == "IPFS node: embedded, in memory, where nothing is kept"
    assert second[0].startswith(f"IPFS node: Kubo 0.43.0 at {daemon.api} ({daemon.repository.folder}/api names it")
    assert second[0].endswith("what is added is not announced: it is offline")
    assert second == third
    assert first[1] == second[1]
    assert daemon.call("cat", first[1]) == b"the same on every node"


async def test_a_daemon_that_comes_back_needs_no_restart_of_the_kernel(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    with ExitStack() as up:
        daemon = up.enter_context(running(repository))
        environment = {"IPFS_PATH": str(repository.folder)}
        async with start_kernel(sys.executable, tmp_path, **environment) as kernel:
            page = await kernel.page()
            await page.run(f"%load_ext ipfs_comm\n{ADD}")
            up.close()
            reply = await page.execute("await ipfs.cat(added.cid)").reply()
            assert reply["ename"] == "UnreachableError"
            assert "ipfs daemon" in reply["evalue"]
            again = up.enter_context(running(repository))
            assert again.api != daemon.api
            assert (await page.run("print(await ipfs.cat(added.cid))")).text() == "b'the same on every node'\n"
            assert "Kubo" in (await page.run("%ipfs")).text()


async def test_what_lets_one_in_is_not_shown(guarded: Daemon, tmp_path: Path) -> None:
    environment = {"IPFS_COMM_KUBO_API": guarded.api, "IPFS_COMM_KUBO_AUTH": "basic:alice:mistaken"}
    async with start_kernel(sys.executable, tmp_path, **environment) as kernel:
        page = await kernel.page()
        reply = await page.execute(f"%load_ext ipfs_comm\n{ADD}").reply()
        assert (reply["ename"], "%ipfs kubo_auth" in reply["evalue"]) == ("DaemonError", True)
        said = (await page.run(f"%ipfs kubo_auth basic:alice:se:cret\n{ADD}\n%ipfs\n%config IPFSComm")).text()
        assert "Kubo 0.43.0" in said
        assert "IPFSComm.kubo_auth" in said
        assert "se:cret" not in said + "".join(reply["traceback"])
        assert "mistaken" not in said + "".join(reply["traceback"])


async def test_a_kernel_that_may_only_read_writes_nothing(daemon: Daemon, tmp_path: Path) -> None:
    async with start_kernel(sys.executable, tmp_path, IPFS_COMM_KUBO_API=daemon.api) as kernel:
        page = await kernel.page()
        reply = await page.execute(f"%load_ext ipfs_comm\n%ipfs read_only true\n{ADD}").reply()
        assert (reply["ename"], "%ipfs read_only false" in reply["evalue"]) == ("NotSupportedError", True)
        assert (await page.run(f"%ipfs read_only false\n{ADD}")).text().splitlines()[-1].startswith("bafk")
