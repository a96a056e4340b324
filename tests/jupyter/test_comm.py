"""The ordinary comm, for what cannot use the control channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.rpc import IPFSClient

if TYPE_CHECKING:
    from kernel_support import Kernel, Page

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]


async def test_a_page_is_served_over_an_ordinary_comm(loaded: Page) -> None:
    link = await loaded.open(carrier="comm")
    client = IPFSClient.from_port(link.port)
    content = bytes(range(256)) * 12_000
    added = await client.add(content)
    assert await client.cat(added.cid) == content


async def test_other_clients_that_hear_every_packet_are_not_disturbed(loaded: Page, kernel: Kernel) -> None:
    other = await kernel.page()
    mine = IPFSClient.from_port((await loaded.open(carrier="comm")).port)
    theirs = IPFSClient.from_port((await other.open(carrier="comm")).port)
    one, two = await mine.add(b"one"), await theirs.add(b"two")
    assert (await theirs.cat(one.cid), await mine.cat(two.cid)) == (b"one", b"two")


async def test_the_kernel_lets_go_of_a_comm_whose_link_is_over(loaded: Page) -> None:
    link = await loaded.open(carrier="comm")
    count = "print(len([c for c in get_ipython().kernel.comm_manager.comms.values() if c.target_name == 'ipfs_comm']))"
    assert (await loaded.run(count)).text() == "1\n"
    link.end()
    # The end goes over shell as the next cell does, and before it.
    assert (await loaded.run(count)).text() == "0\n"


async def test_a_page_that_comes_before_the_extension_is_told_by_a_close(page: Page) -> None:
    from ipfs_comm.errors import LinkError

    with pytest.raises(LinkError, match="the kernel closed the comm") as caught:
        await page.open(carrier="comm")
    assert caught.value.code == "ERR_CARRIER"


async def test_a_kernel_whose_control_channel_cannot_be_hooked_serves_comms(fresh: Page) -> None:
    await fresh.run("get_ipython().kernel.control_thread = None\n%load_ext ipfs_comm")
    assert "direct" not in (await fresh.run("%ipfs")).text()
    client = IPFSClient.from_port((await fresh.open(carrier="comm")).port)
    assert (await client.add(b"plain")).size > 0


async def test_a_widget_of_the_users_own_is_served_and_a_page_that_comes_later_takes_its_place(loaded: Page) -> None:
    code = "import ipywidgets\nfrom ipfs_comm.widgets import serve\nw = ipywidgets.HTML()\nport = serve(w)"
    model = (await loaded.run(f"{code}\nprint(w.model_id)")).text().strip()
    first = await loaded.open_model(model, "ipfs", {})
    client = IPFSClient.from_port(first.port)
    added = await client.add(b"by widget")
    assert await client.cat(added.cid) == b"by widget"
    second = await loaded.open_model(model, "ipfs", {})
    assert await IPFSClient.from_port(second.port).cat(added.cid) == b"by widget"
    links = "print([l.carrier.name for l in __import__('ipfs_comm').extension.loaded()._acceptors['ipfs_comm'].links])"
    assert (await loaded.run(links)).text() == "['widget']\n"
