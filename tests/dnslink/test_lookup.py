"""Looking up TXT records: by the system's resolver, and over HTTPS; what servers answer is not believed."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import dns.message
import pytest
from aiohttp import web
from dns_support import over_https, over_udp

from ipfs_comm.dnslink import HTTPSLookup, SystemLookup
from ipfs_comm.dnslink.lookup import checked_url
from ipfs_comm.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from dns_support import Handler

ZONE = {
    "_dnslink.example.com": ['60 IN TXT "v=spf1 -all"', '30 IN TXT "dnslink=/ipfs/" "abc"'],
    "empty.example.com": [],
    "alias.example.com": ["90 IN CNAME _dnslink.example.com.", '60 IN TXT@_dnslink.example.com "behind"'],
}


async def test_records_come_over_https() -> None:
    async with over_https(ZONE) as server:
        lookup = HTTPSLookup(server.url)
        found = await lookup.txt("_dnslink.example.com", seconds=5)
        assert sorted(found.texts) == [b"dnslink=/ipfs/abc", b"v=spf1 -all"]
        assert found.ttl == 30
        assert (await lookup.txt("empty.example.com", seconds=5)).texts == ()
        assert (await lookup.txt("absent.example.com", seconds=5)).texts == ()
        await lookup.close()
        await lookup.close()


async def test_an_alias_is_followed() -> None:
    async with over_https(ZONE) as server:
        lookup = HTTPSLookup(server.url)
        found = await lookup.txt("alias.example.com", seconds=5)
        await lookup.close()
    assert found.texts == (b"behind",)
    assert found.ttl == 60


async def test_records_come_by_udp() -> None:
    async with over_udp(ZONE) as server:
        lookup = SystemLookup(["127.0.0.1"], server.port)
        found = await lookup.txt("_dnslink.example.com", seconds=5)
        assert sorted(found.texts) == [b"dnslink=/ipfs/abc", b"v=spf1 -all"]
        assert (await lookup.txt("empty.example.com", seconds=5)).texts == ()
        assert (await lookup.txt("absent.example.com", seconds=5)).texts == ()
        await lookup.close()


async def test_a_resolver_that_is_not_there_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        lookup = SystemLookup(["127.0.0.1"], held.getsockname()[1])
        with pytest.raises(NotFoundError, match="the system's resolver"):
            await lookup.txt("example.com", seconds=0.2)


async def _status(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


async def _redirect(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})


async def _page(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>")


async def _garbage(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"\xff" * 200, content_type="application/dns-message")


async def _another(_request: web.Request) -> web.StreamResponse:
    response = dns.message.make_response(dns.message.make_query("other.example.", "TXT", id=0))
    return web.Response(body=response.to_wire(), content_type="application/dns-message")


async def _failure(request: web.Request) -> web.StreamResponse:
    response = dns.message.make_response(dns.message.make_query("example.com.", "TXT", id=0))
    response.set_rcode(dns.rcode.SERVFAIL)
    return web.Response(body=response.to_wire(), content_type="application/dns-message")


async def _circle(_request: web.Request) -> web.StreamResponse:
    response = dns.message.make_response(dns.message.make_query("example.com.", "TXT", id=0))
    response.answer += [
        dns.rrset.from_text("example.com.", 60, "IN", "CNAME", "a.example."),
        dns.rrset.from_text("a.example.", 60, "IN", "CNAME", "example.com."),
    ]
    return web.Response(body=response.to_wire(), content_type="application/dns-message")


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/dns-message"})
    await response.prepare(request)
    while True:
        await response.write(b"\0" * 4096)


async def _silent(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (_status, "HTTP 503"),
        (_redirect, "HTTP 302"),
        (_page, "text/html|text/plain"),
        (_garbage, "no message of DNS"),
        (_another, "answers something else"),
        (_failure, "SERVFAIL"),
        (_circle, "no message of DNS"),
        (_endless, "more than 65535 bytes"),
        (_silent, "did not answer within"),
    ],
)
async def test_a_server_that_answers_wrongly_is_named_with_what_was_wrong(handler: Handler, said: str) -> None:
    async with over_https({}, handler) as server:
        lookup = HTTPSLookup(server.url)
        with pytest.raises(NotFoundError, match=said) as caught:
            await lookup.txt("example.com", seconds=1)
        assert server.url in str(caught.value)
        await lookup.close()


async def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        lookup = HTTPSLookup(f"http://127.0.0.1:{held.getsockname()[1]}/dns-query")
        with pytest.raises(NotFoundError, match="cannot be reached"):
            await lookup.txt("example.com", seconds=1)
        await lookup.close()


@pytest.mark.parametrize(
    "url",
    ["https://dns.example/dns-query", "https://dns.example/q?a=b", "http://127.0.0.1:8053/dns-query", "http://[::1]/x"],
)
def test_addresses_of_servers(url: str) -> None:
    assert checked_url(url) == url


def test_a_templates_end_is_cut() -> None:
    assert checked_url("https://dns.example/dns-query{?dns}") == "https://dns.example/dns-query"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "dns.example",
        "ftp://dns.example/",
        "https://",
        "https://a b/",
        "https://user:secret@dns.example/",
        "https://dns.example/#a",
        "http://dns.example/dns-query",
        "http://10.0.0.1/dns-query",
        "https://dns.example:99999/",
        "https://dns.example/" + "a" * 2000,
    ],
)
def test_what_is_no_address_of_a_server_is_refused(url: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        checked_url(url)
    assert "secret" not in str(caught.value) or "in every error" in str(caught.value)
