"""Names that lead into a private network: refused, whoever names them, unless the gateway itself is named as one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from exchange.gateway_support import block, honest, redirecting, running

from ipfs_comm.errors import NotFoundError
from ipfs_comm.exchange import Gateways, Pace
from ipfs_comm.exchange._request import RefusedError
from ipfs_comm.exchange._resolver import Guard
from ipfs_comm.exchange.addresses import is_public, names_private

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT = b"a block that somebody has"
WANTED, _ = block(CONTENT)
QUICK = Pace(answer=5, total=5, hedge=60, rest=0.01, patience=0.5, tries=1)


class Names(AbstractResolver):
    """A name server that knows these names and no other."""

    def __init__(self, names: Mapping[str, tuple[str, ...]]) -> None:
        self.names = names
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self.names:
            raise OSError(f"nobody knows {host}")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in self.names[host]
        ]

    async def close(self) -> None:
        """Nothing to give back."""


async def fetched(address: str, names: Names) -> bytes:
    exchange = Gateways([address], pace=QUICK, resolver=names)
    try:
        return await exchange.fetch(WANTED)
    finally:
        await exchange.close()


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0"]
)
async def test_a_public_name_that_leads_into_a_private_network_is_refused(address: str) -> None:
    async with running(honest) as gateway:
        gateway.put(CONTENT)
        port = gateway.url.rpartition(":")[2]
        with pytest.raises(NotFoundError) as caught:
            await fetched(f"http://gateway.example:{port}", Names({"gateway.example": (address,)}))
    assert f"gateway.example resolves to {address}, which is in no public network" in str(caught.value)
    assert gateway.asked == []


async def test_a_redirect_to_a_public_name_that_leads_into_a_private_network_is_refused() -> None:
    async with running(honest) as inside:
        inside.put(CONTENT)
        port = inside.url.rpartition(":")[2]
        async with running(redirecting(lambda cid: f"http://rebound.example:{port}/ipfs/{cid}")) as gateway:
            with pytest.raises(NotFoundError, match=r"rebound\.example resolves to 127\.0\.0\.1"):
                await fetched(gateway.url, Names({"rebound.example": ("127.0.0.1",)}))
    assert inside.asked == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "gateway", "gateway.lan", "ipfs.internal"])
async def test_a_gateway_with_a_private_name_may_be_private(host: str) -> None:
    names = Names({host.lower(): ("127.0.0.1",)})
    async with running(honest) as gateway:
        gateway.put(CONTENT)
        assert await fetched(gateway.url.replace("127.0.0.1", host), names) == CONTENT
    assert names.asked == [host.lower()]


async def test_a_gateway_on_this_machine_may_redirect_to_a_name_below_its_own() -> None:
    names = Names({"localhost": ("127.0.0.1",)})
    async with running(honest) as good:
        good.put(CONTENT)
        port = good.url.rpartition(":")[2]
        async with running(redirecting(lambda cid: f"http://{cid}.ipfs.localhost:{port}/ipfs/{cid}")) as gateway:
            assert await fetched(gateway.url.replace("127.0.0.1", "localhost"), names) == CONTENT
            with pytest.raises(NotFoundError, match="redirected into a private network"):
                await fetched(gateway.url, names)


async def test_an_address_needs_no_resolver() -> None:
    names = Names({})
    async with running(honest) as gateway:
        gateway.put(CONTENT)
        assert await fetched(gateway.url, names) == CONTENT
    assert names.asked == []


async def test_of_several_addresses_only_the_public_ones_are_connected_to() -> None:
    guard = Guard(["https://gateway.example"], Names({"gateway.example": ("127.0.0.1", "93.184.216.34", "::1")}))
    assert [one["host"] for one in await guard.resolve("gateway.example", 443)] == ["93.184.216.34"]


async def test_a_private_gateway_opens_no_other_private_name() -> None:
    guard = Guard(["http://localhost:8080"], Names({"printer": ("192.168.1.9",), "localhost": ("127.0.0.1",)}))
    assert [one["host"] for one in await guard.resolve("localhost", 8080)] == ["127.0.0.1"]
    with pytest.raises(RefusedError, match=r"printer resolves to 192\.168\.1\.9"):
        await guard.resolve("printer", 80)


async def test_a_proxy_that_is_set_up_may_be_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:3128")
    guard = Guard(["https://gateway.example"], Names({"proxy.example.com": ("10.0.0.1",)}))
    assert [one["host"] for one in await guard.resolve("proxy.example.com", 3128)] == ["10.0.0.1"]


async def test_a_name_that_nobody_knows_is_a_gateway_that_cannot_be_reached() -> None:
    with pytest.raises(NotFoundError, match=r"cannot be reached .*gateway\.example"):
        await fetched("http://gateway.example", Names({}))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::7f00:1", False),
        ("::ffff:10.0.0.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("no address", False),
    ],
)
def test_an_address_is_public_or_not(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("gateway.example", False),
        ("1.1.1.1", False),
        ("localhost", True),
        ("a.localhost.", True),
        ("Router.Home.Arpa", True),
        ("127.1", True),
        ("example.0x7f", True),
        ("::1", True),
        ("notlocalhost.org", False),
    ],
)
def test_a_host_is_private_by_its_own_text_or_not(host: str, private: bool) -> None:
    assert names_private(host) is private
