"""Daemons as the nodes of kernels: chosen, told in one line, gone and back again; three of them in a swarm."""

from __future__ import annotations

import json
import sys
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING

import pytest
from kernel_support import start_kernel
from kubo_support import KuboError, Repository, active, running, swarm

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
            assert "not now" not in (await page.run("%ipfs")).text()
            up.close()
            reply = await page.execute("await ipfs.cat(added.cid)").reply()
            assert reply["ename"] == "UnreachableError"
            assert "ipfs daemon" in reply["evalue"]
            shown = (await page.run("%ipfs")).text()
            assert f"at {daemon.api}" in shown
            assert f"not now   the Kubo daemon of {repository.folder} cannot be reached" in shown
            again = up.enter_context(running(repository))
            assert again.api != daemon.api
            assert (await page.run("print(await ipfs.cat(added.cid))")).text() == "b'the same on every node'\n"
            shown = (await page.run("%ipfs")).text()
            assert f"Kubo 0.43.0 at {again.api}" in shown
            assert "not now" not in shown
            # What nobody has waited for is told when it is collected.
            await page.run("import gc; gc.collect()")
            assert "Traceback" not in page.printed


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


async def test_what_one_kernel_adds_and_pins_the_others_read_while_a_daemon_is_killed(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    async with AsyncExitStack() as up:
        daemons = up.enter_context(swarm(tmp_path_factory))
        pages = []
        for number, daemon in enumerate(daemons):
            environment = {"IPFS_COMM_NODE": "kubo", "IPFS_PATH": str(daemon.repository.folder)}
            kernel = await up.enter_async_context(
                start_kernel(sys.executable, tmp_path / f"kernel{number}", **environment)
            )
            pages.append(await kernel.page())
            said = (await pages[-1].run("%load_ext ipfs_comm\nimport hashlib, secrets\nawait ipfs.id()")).text()
            assert daemon.api in said
        first, second, third = pages

        # Far more than daemons read ahead and sockets hold.
        adding = "content = secrets.token_bytes(2**25)\nadded = await ipfs.add(content, cid_version=1)"
        await first.run(f"{adding}\nawait ipfs.pin.add(added.cid, name='of the first')")
        cid, digest = (await first.run("print(added.cid, hashlib.sha256(content).hexdigest())")).text().split()
        # A read that has begun does not turn to a peer that got the content later.
        await second.run(f"await ipfs.pin.add({cid!r}, name='of the second')")
        begin = f"reading = ipfs.cat({cid!r})\ndigest = hashlib.sha256(await anext(reading))"
        go_on = "async for piece in reading:\n    digest.update(piece)\nprint(digest.hexdigest())"
        for page in (first, third):
            await page.run(begin)
        last = daemons[0].lines("refs", cid, recursive=True)[-1]["Ref"]
        assert active(daemons[2], "cat")
        with pytest.raises(KuboError):
            daemons[2].call("block/stat", last, offline=True)

        daemons[0].process.kill()
        daemons[0].process.wait()
        assert (await third.run(go_on)).text().strip() == digest
        assert (await second.run(f"print([pin.name for pin in await ipfs.pin.ls({cid!r})])")).text() == (
            "['of the second']\n"
        )
        for cell in (go_on, begin, "await ipfs.add(b'nobody takes this')"):
            reply = await first.execute(cell).reply()
            assert (reply["ename"], "ipfs daemon" in reply["evalue"]) == ("UnreachableError", True), reply
        later = (await second.run("print((await ipfs.add(b'after that', cid_version=1)).cid)")).text().strip()
        read_later = f"print(await ipfs.cat({later!r}))"
        assert (await third.run(read_later)).text() == "b'after that'\n"

        again = up.enter_context(running(daemons[0].repository, offline=False))
        again.call("swarm/connect", json.loads(daemons[1].call("id"))["Addresses"][0])
        assert (await first.run(f"{begin}\n{go_on}")).text().strip() == digest
        assert (await first.run(read_later)).text() == "b'after that'\n"
