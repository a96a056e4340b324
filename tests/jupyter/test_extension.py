"""``%load_ext ipfs_comm`` in a kernel: what a user's own code sees."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from kernel_support import Page, start_kernel

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

NO_DAEMON = "no Kubo daemon to use: there is no /nonexistent/ipfs/api"


async def test_loading_is_fast(python: str, tmp_path: Path) -> None:
    code = "import time\nt = time.thread_time()\n%load_ext ipfs_comm\nprint(time.thread_time() - t)"
    seconds = []
    for number in range(3):
        # The processor's time on the thread that waits for it, and the best of three: a machine may have other things
        # to do, and so has the node's thread, which imports meanwhile what the first page will need.
        async with start_kernel(python, tmp_path / str(number)) as kernel:
            seconds.append(float((await (await kernel.page()).run(code)).text()))
    assert min(seconds) < 0.15


async def test_loading_opens_nothing_and_imports_nothing_heavy(fresh: Page) -> None:
    await fresh.run("%load_ext ipfs_comm")
    assert "not opened yet" in (await fresh.run("%ipfs")).text()
    # What the first page needs is imported on the node's thread meanwhile; importing it here waits for that.
    await fresh.run("import sys, ipfs_comm.blockstore.segments, ipfs_comm.node.embedded, ipfs_comm.wire.acceptor")
    heavy = "{'anywidget', 'multiformats', 'numpy'}"
    assert (await fresh.run(f"print({heavy} & sys.modules.keys())")).text() == "set()\n"


async def test_the_node_is_there_as_ipfs_awaited_and_without(loaded: Page) -> None:
    code = "added = await ipfs.add(b'hello'); print(added.cid, await ipfs.cat(added.cid), ipfs.sync.cat(added.cid))"
    lines = (await loaded.run(code)).text().splitlines()
    assert lines == [
        f"IPFS node: embedded, in memory, where nothing is kept ({NO_DAEMON})",
        "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX b'hello' b'hello'",
    ]


async def test_a_name_that_is_taken_is_left_alone(page: Page) -> None:
    said = await page.run("ipfs = 'mine'\n%load_ext ipfs_comm\nprint(ipfs)")
    assert "%ipfs as NAME" in said.text()
    assert said.text().endswith("mine\n")
    assert (
        (await page.run("%ipfs as node\nprint(await node.cat((await node.add(b'x')).cid))")).text().endswith("b'x'\n")
    )
    await page.run("%unload_ext ipfs_comm")
    assert (await page.run("print(ipfs, 'node' in globals())")).text() == "mine False\n"


async def test_a_busy_cell_gives_the_node_a_turn_sooner_while_loaded(page: Page) -> None:
    ask = "import sys; print(sys.getswitchinterval())"
    assert (
        await page.run(f"sys = __import__('sys'); sys.setswitchinterval(0.005)\n%load_ext ipfs_comm\n{ask}")
    ).text() == ("0.001\n")
    assert (await page.run(f"%config IPFSComm.switch_interval = 0\n{ask}")).text() == "0.005\n"
    assert (await page.run(f"%config IPFSComm.switch_interval = 0.002\n{ask}")).text() == "0.002\n"
    # What a user has set meanwhile stays.
    assert (await page.run(f"sys.setswitchinterval(0.01)\n%unload_ext ipfs_comm\n{ask}")).text() == "0.01\n"
    await page.run("sys.setswitchinterval(0.005)\n%load_ext ipfs_comm\n%unload_ext ipfs_comm")
    assert (await page.run(ask)).text() == "0.005\n"


async def test_loading_twice_is_harmless(loaded: Page) -> None:
    assert "already loaded" in (await loaded.run("%load_ext ipfs_comm")).text()
    await loaded.run("import ipfs_comm; ipfs_comm.load_ipython_extension(get_ipython())\n%reload_ext ipfs_comm")
    assert "b'x'" in (await loaded.run("print(await ipfs.cat((await ipfs.add(b'x')).cid))")).text()


async def test_what_runs_on_after_unload_says_what_to_do(loaded: Page) -> None:
    reply = await loaded.execute("kept = ipfs\n%unload_ext ipfs_comm\nawait kept.id()").reply()
    assert (reply["ename"], "%load_ext ipfs_comm" in reply["evalue"]) == ("NotSupportedError", True)


async def test_a_repository_that_cannot_be_written_is_an_error_that_says_what_to_do(
    python: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    async with start_kernel(python, tmp_path, IPFS_COMM_REPO=str(tmp_path / "file" / "repo")) as kernel:
        page = await kernel.page()
        reply = await page.execute("%load_ext ipfs_comm\nawait ipfs.add(b'x')").reply()
        assert reply["ename"] == "RepositoryError"
        for part in (str(tmp_path / "file"), "IPFS_COMM_REPO", "%ipfs repo"):
            assert part in reply["evalue"]
        # Mended in the session, the same node works.
        assert (
            "b'x'" in (await page.run("%ipfs repo :memory:\nprint(await ipfs.cat((await ipfs.add(b'x')).cid))")).text()
        )


async def test_what_was_added_is_there_in_the_next_kernel(python: str, tmp_path: Path) -> None:
    repo = str(tmp_path / "repo")
    async with start_kernel(python, tmp_path, IPFS_COMM_REPO=repo) as kernel:
        page = await kernel.page()
        said = await page.run("%load_ext ipfs_comm\nprint((await ipfs.add(b'kept')).cid)")
        first, cid = said.text().splitlines()
        assert first == f"IPFS node: embedded, the repository {repo} ({NO_DAEMON})"
        # An orderly end, by which the node is closed at exit.
        await page.request("control", "shutdown_request", {"restart": False})
        await kernel.manager._async_finish_shutdown(waittime=20)
    async with start_kernel(python, tmp_path, IPFS_COMM_REPO=repo) as kernel:
        page = await kernel.page()
        assert (await page.run(f"%load_ext ipfs_comm\nprint(await ipfs.cat('{cid}'))")).text().endswith("b'kept'\n")


async def test_a_chosen_node_that_is_not_there_is_an_error_and_no_other_node_takes_its_place(loaded: Page) -> None:
    reply = await loaded.execute("%ipfs node kubo\nawait ipfs.add(b'x')").reply()
    assert reply["ename"] == "UnreachableError"
    for part in ("ipfs daemon", "%ipfs node embedded", "/nonexistent/ipfs/api"):
        assert part in reply["evalue"]
    assert "none:" in (await loaded.run("%ipfs")).text()
    assert "b'x'" in (await loaded.run("%ipfs node embedded\nprint(await ipfs.cat((await ipfs.add(b'x')).cid))")).text()


async def test_an_option_of_the_other_kind_of_node_says_that_it_changes_nothing(loaded: Page) -> None:
    assert (await loaded.run("%ipfs kubo_api http://127.0.0.1:5001")).text() == ""
    said = (await loaded.run("%ipfs node embedded\n%ipfs kubo_api http://127.0.0.1:5002")).text()
    assert "kubo_api is for Kubo daemons, and node is 'embedded' (set by %ipfs node): `%ipfs node kubo`" in said
    assert (await loaded.run("%ipfs kubo_api none")).text() == ""
    said = (await loaded.run("%ipfs node kubo\n%ipfs repo /elsewhere\n%ipfs")).text()
    assert "repo is for the embedded node, and a Kubo daemon is used: `%ipfs node embedded`" in said
    assert "gateways" not in said
    assert "chosen    'kubo' (set by %ipfs node)" in said


async def test_a_read_only_node_refuses_what_writes(loaded: Page) -> None:
    await loaded.run("cid = (await ipfs.add(b'x')).cid")
    reply = await loaded.execute("%ipfs read_only true\nawait ipfs.add(b'y')").reply()
    assert (reply["ename"], "%ipfs read_only false" in reply["evalue"]) == ("NotSupportedError", True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a platform without fork has nothing to fork")
async def test_a_forked_child_is_told_that_the_node_stayed_in_the_kernel(loaded: Page) -> None:
    await loaded.run("await ipfs.add(b'before')")
    code = """
import os
read, write = os.pipe()
child = os.fork()
if child == 0:
    try:
        ipfs.sync.add(b'in the child')
        said = 'it worked'
    except Exception as error:
        said = f'{type(error).__name__}: {error}'
    os.write(write, said.encode())
    os._exit(0)
os.close(write)
said = os.fdopen(read).read()
os.waitpid(child, 0)
print(said)
print(await ipfs.cat((await ipfs.add(b'after')).cid))
"""
    lines = (await loaded.run(code)).text().splitlines()
    assert lines[0].startswith("NotSupportedError: this process was forked from the kernel")
    assert lines[1] == "b'after'"


async def test_user_code_in_a_stream_runs_on_the_thread_of_the_user(loaded: Page) -> None:
    code = """
import threading
names = []
async def chunks():
    for _ in range(3):
        names.append(threading.current_thread().name)
        yield b'abc'
def lines():
    names.append(threading.current_thread().name)
    yield b'def'
added = await ipfs.add(chunks(), progress=lambda count, path: names.append(threading.current_thread().name))
other = ipfs.sync.add(lines())
print(set(names), await ipfs.cat(added.cid), ipfs.sync.cat(other.cid))
"""
    assert (await loaded.run(code)).text().splitlines()[-1] == "{'MainThread'} b'abcabcabc' b'def'"


async def test_an_interrupt_ends_a_call_without_await(loaded: Page) -> None:
    code = """
import _thread, threading
async def never():
    yield b'x'
    threading.Timer(0.1, _thread.interrupt_main).start()
    import asyncio
    await asyncio.Event().wait()
try:
    ipfs.sync.add(never())
except KeyboardInterrupt:
    print('interrupted')
"""
    assert (await loaded.run(code)).text().splitlines()[-1] == "interrupted"


async def test_a_repository_chosen_by_config_takes_the_place_of_the_open_one(loaded: Page, tmp_path: Path) -> None:
    await loaded.run(f"%ipfs repo {tmp_path / 'one'}\nawait ipfs.add(b'x')")
    execution = await loaded.run(f"%config IPFSComm.repo = '{tmp_path / 'two'}'\nawait ipfs.add(b'x')\n%ipfs")
    assert str(tmp_path / "two") in execution.text()
    assert (tmp_path / "two").is_dir()
