"""``%%ipfs_js`` as the kernel sees it; the page is played in Python."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from kernel_support import CELL, LIMIT, VIEW, Execution, Kernel, Page

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.rpc import IPFSClient

if TYPE_CHECKING:
    from ipfs_comm.wire import Link, MessageEvent, MessagePort

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

CODE = "const { cid } = await ipfs.add('hi');\nreturn cid;"


class Run:
    """A page's end of a cell: what the kernel says, and what the page answers."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._events: asyncio.Queue[MessageEvent] = asyncio.Queue()
        link.port.onmessage = self._events.put_nowait

    async def next(self) -> MessageEvent:
        return await asyncio.wait_for(self._events.get(), LIMIT)

    async def client(self) -> tuple[dict[str, Any], IPFSClient]:
        """Take the order to run, and the client of the port that comes with it."""
        event = await self.next()
        [port] = event.ports
        return event.data, IPFSClient.from_port(port)

    def say(self, message: dict[str, Any], ports: list[MessagePort] | None = None) -> None:
        self.link.port.post_message(message, ports or [])


async def claim(page: Page, execution: Execution, carrier: str = "direct") -> Run:
    """Do what the labextension does when it sees the output."""
    bundle = await execution.cell()
    return Run(await page.open("cell", {"token": bundle[CELL]["token"], "page": "page-1"}, carrier))


async def test_the_value_that_the_page_returns_is_the_result_of_the_cell_and_bound_to_a_name(loaded: Page) -> None:
    execution = loaded.execute(f"%%ipfs_js -o found\n{CODE}", allow_stdin=True)
    run = await claim(loaded, execution)
    order, client = await run.client()
    assert (order["type"], order["code"].strip()) == ("run", CODE)
    added = await client.add(b"hi")
    shape = {"code": added.cid.code, "version": added.cid.version, "bytes": bytes(added.cid)}
    multihash = {"code": 18, "size": 32, "digest": added.cid.multihash.digest, "bytes": bytes(added.cid.multihash)}
    run.say({"type": "snapshot", "html": "<b>drawn</b>"})
    run.say(
        {"type": "result", "value": {"cid": {**shape, "multihash": multihash}, "bytes": b"\x00\x01", "list": [1, None]}}
    )
    reply = await execution.reply()
    assert reply["status"] == "ok"
    assert "CID" in execution.result()
    checked = await loaded.run("print(await ipfs.cat(found['cid']), found['bytes'], found['list'])")
    assert checked.text() == "b'hi' b'\\x00\\x01' [1, None]\n"
    stored = await execution.cell("done")
    assert stored["text/html"] == "<b>drawn</b>"


async def test_the_page_may_use_the_node_after_the_cell_has_ended(loaded: Page) -> None:
    execution = loaded.execute(f"%%ipfs_js\n{CODE}")
    run = await claim(loaded, execution)
    _order, client = await run.client()
    run.say({"type": "result", "value": 1})
    await execution.reply()
    assert (await client.add(b"later")).size > 0


async def test_an_exception_in_the_page_is_the_exception_of_the_cell_with_the_stack_of_the_page(loaded: Page) -> None:
    execution = loaded.execute(f"%%ipfs_js\n{CODE}")
    run = await claim(loaded, execution)
    await run.client()
    run.say({"type": "error", "name": "TypeError", "message": "x is not a function", "stack": "    at cell-2.js:3:5"})
    reply = await execution.reply()
    assert (reply["ename"], reply["evalue"]) == ("PageError", "TypeError: x is not a function")
    assert reply["traceback"] == ["PageError: TypeError: x is not a function", "    at cell-2.js:3:5"]
    assert (await execution.cell("error"))["text/plain"] == ""


async def test_only_the_first_page_that_shows_a_cell_runs_it(loaded: Page, kernel: Kernel) -> None:
    other = await kernel.page()
    execution = loaded.execute(f"%%ipfs_js\n{CODE}")
    run = await claim(loaded, execution)
    await run.client()
    token = (await execution.cell())[CELL]["token"]
    second = Run(await other.open("cell", {"token": token, "page": "page-2"}))
    assert (await second.next()).data == {"type": "taken"}
    run.say({"type": "result", "value": 7})
    await execution.reply()
    assert execution.result() == "7"


async def test_a_token_that_is_not_known_runs_nothing(loaded: Page) -> None:
    run = Run(await loaded.open("cell", {"token": "stolen from another notebook", "page": "page-1"}))
    assert (await run.next()).data == {"type": "unknown"}


async def test_an_interrupt_aborts_the_page_and_raises_in_the_cell(loaded: Page, kernel: Kernel) -> None:
    execution = loaded.execute(f"%%ipfs_js\n{CODE}")
    run = await claim(loaded, execution)
    await run.client()
    await kernel.interrupt()
    assert (await run.next()).data == {"type": "abort"}
    assert (await execution.reply())["ename"] == "KeyboardInterrupt"


async def test_a_page_that_goes_away_ends_the_cell_with_an_error(loaded: Page) -> None:
    execution = loaded.execute(f"%%ipfs_js\n{CODE}")
    run = await claim(loaded, execution)
    await run.client()
    run.link.end()
    reply = await execution.reply()
    assert (reply["ename"], "is gone" in reply["evalue"]) == ("PageError", True)


async def test_without_a_page_a_cell_that_nobody_watches_fails_within_its_limit(loaded: Page) -> None:
    await loaded.run("%ipfs page_timeout 1")
    execution = loaded.execute(f"%%ipfs_js\n{CODE}")
    reply = await execution.reply()
    assert reply["ename"] == "NoPageError"
    assert "pip install ipfs-comm" in reply["evalue"]
    token = (await execution.cell())[CELL]["token"]
    late = Run(await loaded.open("cell", {"token": token, "page": "page-1"}))
    assert (await late.next()).data == {"type": "unknown"}


async def test_without_the_labextension_a_widget_takes_the_cell_and_its_result_fills_in(loaded: Page) -> None:
    execution = loaded.execute(f"%%ipfs_js -o found\n{CODE}", allow_stdin=True)
    reply = await execution.reply()
    assert reply["status"] == "ok"
    bundle = (await execution.output(lambda m: VIEW in m["content"].get("data", {})))["data"]
    assert "pip install ipfs-comm" in bundle["text/plain"]
    model = bundle[VIEW]["model_id"]
    run = Run(await loaded.open_model(model, "cell", {"token": bundle[CELL]["token"], "page": "page-1"}))
    _order, client = await run.client()
    added = await client.add(b"by widget")
    run.say({"type": "snapshot", "html": "<i>drawn</i>"})
    run.say({"type": "result", "value": str(added.cid)})
    stored = await execution.cell("done")
    assert stored["text/html"].startswith("<i>drawn</i>")
    assert (await loaded.run("print(await ipfs.cat(found))")).text() == "b'by widget'\n"


async def test_a_frontend_of_widgets_gets_the_widget_at_once(kernel: Kernel, page: Page) -> None:
    await page.run("import os; os.environ['VSCODE_PID'] = '1'\n%load_ext ipfs_comm")
    execution = page.execute(f"%%ipfs_js\n{CODE}", allow_stdin=True)
    bundle = await execution.cell()
    assert VIEW in bundle
    assert (await execution.reply())["status"] == "ok"
    run = Run(await page.open_model(bundle[VIEW]["model_id"], "cell", {"token": bundle[CELL]["token"], "page": "p"}))
    await run.client()
    run.say({"type": "error", "name": "Error", "message": "no", "stack": "at cell"})
    assert (await execution.cell("error"))["text/plain"] == "PageError: Error: no\nat cell"


async def test_a_widget_that_no_page_shows_says_so_in_the_output(loaded: Page) -> None:
    await loaded.run("import os; os.environ['VSCODE_PID'] = '1'\n%ipfs page_timeout 1")
    execution = loaded.execute(f"%%ipfs_js\n{CODE}", allow_stdin=True)
    assert (await execution.reply())["status"] == "ok"
    assert (await execution.cell("error"))["text/plain"].startswith("NoPageError: ")


async def test_unloading_aborts_the_page_of_a_cell_that_goes_on(loaded: Page) -> None:
    execution = loaded.execute(f"%%ipfs_js\n{CODE}")
    run = await claim(loaded, execution)
    await run.client()
    run.say({"type": "result", "value": 1})
    await execution.reply()
    await loaded.run("%unload_ext ipfs_comm")
    assert (await asyncio.wait_for(asyncio.shield(run.link.ended), LIMIT)).code == "ERR_CLOSED"


@pytest.mark.parametrize("line", ["-o", "-o 1x", "-o class", "--out x", "x"])
async def test_a_line_that_means_nothing_is_refused(loaded: Page, line: str) -> None:
    reply = await loaded.execute(f"%%ipfs_js {line}\nreturn 1;").reply()
    assert reply["status"] == "error"


async def test_the_oldest_finished_cells_give_their_links_up_for_new_ones(loaded: Page) -> None:
    await loaded.run("%config IPFSComm.max_links = 4")
    links = []
    for number in range(6):
        execution = loaded.execute(f"%%ipfs_js\n{CODE}", allow_stdin=True)
        run = await claim(loaded, execution)
        await run.client()
        run.say({"type": "result", "value": number})
        assert (await execution.reply())["status"] == "ok"
        assert str(number) in execution.result()
        links.append(run.link)
    assert (await asyncio.wait_for(links[0].ended, 10)).code == "ERR_LIMIT"
    assert not links[-1].ended.done()


async def test_pages_that_are_open_obey_read_only_from_the_next_call_on(loaded: Page) -> None:
    execution = loaded.execute(f"%%ipfs_js\n{CODE}", allow_stdin=True)
    run = await claim(loaded, execution)
    _order, client = await run.client()
    run.say({"type": "result", "value": None})
    await execution.reply()
    assert (await client.add(b"before")).size > 0
    await loaded.run("%ipfs read_only true")
    with pytest.raises(IPFSCommError, match="read-only"):
        await client.add(b"after")


async def test_a_page_may_end_its_link_right_after_the_result(loaded: Page) -> None:
    for number in range(10):
        execution = loaded.execute(f"%%ipfs_js\n{CODE}", allow_stdin=True)
        run = await claim(loaded, execution)
        await run.next()
        run.say({"type": "result", "value": number})
        run.link.end()
        assert (await execution.reply())["status"] == "ok"
        assert str(number) in execution.result()
