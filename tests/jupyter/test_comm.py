"""The ordinary comm, for what cannot use the control channel."""

from __future__ import annotations

import pytest
from ipfs_comm.rpc import IPFSClient
from kernel_support import Kernel, Page

pytestmark = pytest.mark.kernel


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

    with pytest.raises(LinkError, match="carrier comm is gone") as caught:
        await page.open(carrier="comm")
    assert caught.value.code == "ERR_CARRIER"


async def test_a_kernel_whose_control_channel_cannot_be_hooked_serves_comms(page: Page) -> None:
    await page.run("get_ipython().kernel.control_thread = None\n%load_ext ipfs_comm")
    assert "direct" not in (await page.run("%ipfs")).text()
    client = IPFSClient.from_port((await page.open(carrier="comm")).port)
    assert (await client.add(b"plain")).size > 0
