"""Each comm target has its policy, which is the kernel's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from ipfs_comm.errors import LinkError, NotSupportedError
from ipfs_comm.rpc import IPFSClient

if TYPE_CHECKING:
    from kernel_support import Page

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

CONFIGURED = """
from traitlets.config import Config
get_ipython().config.IPFSComm = Config(targets={
    "public": {"read_only": True, "namespaces": ["core", "dag"]},
    "trusted": {"admin": True, "max_calls": 1},
})
%load_ext ipfs_comm
hello = (await ipfs.add(b"hello")).cid
"""
HELLO = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"
CARRIERS = pytest.mark.parametrize("carrier", ["direct", "comm"])


@pytest_asyncio.fixture(loop_scope="module")
async def configured(page: Page) -> Page:
    """A client of a kernel with three targets."""
    await page.run(CONFIGURED)
    return page


async def connect(page: Page, target: str, carrier: str) -> IPFSClient:
    return IPFSClient.from_port((await page.open(carrier=carrier, target=target)).port)


@CARRIERS
async def test_a_public_target_reads_and_no_more(configured: Page, carrier: str) -> None:
    public = await connect(configured, "public", carrier)
    assert await public.cat(HELLO) == b"hello"
    with pytest.raises(NotSupportedError, match="read-only"):
        await public.add(b"more")
    with pytest.raises(Exception, match="Namespace 'pin' is not found"):
        await public.pin.ls()


@CARRIERS
async def test_the_usual_target_writes_and_leaves_the_node_to_who_runs_it(configured: Page, carrier: str) -> None:
    usual = await connect(configured, "ipfs_comm", carrier)
    assert (await usual.add(b"more")).size
    with pytest.raises(NotSupportedError, match="for who runs the node"):
        await usual.repo.gc()


@CARRIERS
async def test_a_trusted_target_may_do_everything(configured: Page, carrier: str) -> None:
    trusted = await connect(configured, "trusted", carrier)
    await trusted.repo.gc()
    assert await trusted.cat(HELLO) == b"hello"


async def test_a_target_that_nobody_named_is_no_target(configured: Page) -> None:
    with pytest.raises(LinkError):
        await configured.open(carrier="comm", target="private")


async def test_a_link_belongs_to_the_target_that_it_was_opened_to(configured: Page) -> None:
    await configured.open(carrier="direct", target="public")
    await configured.run("from ipfs_comm.extension import loaded")
    names = "sorted(name for name, acceptor in loaded()._acceptors.items() if acceptor.links)"
    assert (await configured.run(f"print({names})")).text() == "['public']\n"


async def test_what_the_session_makes_read_only_is_so_for_every_target(configured: Page) -> None:
    trusted = await connect(configured, "trusted", "direct")
    await configured.run("%ipfs read_only true")
    with pytest.raises(NotSupportedError, match="read-only"):
        await trusted.add(b"more")


async def test_administration_can_be_allowed_and_forbidden_in_the_session(configured: Page) -> None:
    usual = await connect(configured, "ipfs_comm", "direct")
    await configured.run("%ipfs admin true")
    await usual.repo.gc()
    await configured.run("%ipfs admin false")
    with pytest.raises(NotSupportedError, match="%ipfs admin"):
        await usual.repo.gc()
