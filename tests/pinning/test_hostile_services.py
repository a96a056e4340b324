"""Pinning services that mean harm: each ends in an error that says what it did, in time, and never shows the key."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from exchange.gateway_support import saying
from hypothesis import given
from hypothesis import strategies as st
from pinning.support import KEY, ROOT, answering, pin, service, with_json

from ipfs_comm.errors import NotFoundError, PinningServiceError
from ipfs_comm.pinning import answers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ipfs_comm.pinning import PinningService

    Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def listed(asked: PinningService) -> list[Any]:
    return [one async for one in asked.pins(cids=[ROOT], name="", status=["pinned"])]


async def error_of(url: str) -> PinningServiceError:
    """Return what listing pins of a service raises."""
    async with asyncio.timeout(20), service(url) as asked:
        with pytest.raises(PinningServiceError) as caught:
            await listed(asked)
    error = caught.value
    assert KEY not in f"{error} {error.detail} {error!r} {error.__cause__!r}"
    assert error.detail["service"] == "test"
    return error


async def test_a_body_without_end_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with saying(head, b"10000\r\n" + b" " * 0x10000 + b"\r\n") as url:
        text = str(await error_of(url))
    # Whichever limit a machine as busy as this one comes to first.
    assert re.search("sent more than 8388608 bytes|sent no whole answer", text)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 1000\r\n\r\n",
    ],
    ids=["header", "body", "failure"],
)
async def test_what_comes_drop_by_drop_is_cut_off(head: bytes) -> None:
    async with saying(head, b"x", every=0.02) as url:
        assert "sent no whole answer within 0.5 s" in str(await error_of(url))


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 2000 OK\r\n\r\n", b"SSH-2.0\r\n\r\n", b""], ids=["status", "ssh", "nothing"]
)
async def test_what_is_no_http_is_an_error(first: bytes) -> None:
    async with saying(first, b"") as url:
        assert re.search("broke HTTP|cannot be reached", str(await error_of(url)))


async def test_who_is_not_there_cannot_be_reached() -> None:
    assert "cannot be reached" in str(await error_of("http://127.0.0.1:9"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_gets_no_key(status: int) -> None:
    asked: list[web.Request] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        return web.json_response({"count": 0, "results": []})

    async with answering(elsewhere) as there:

        async def redirect(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": f"{there}/pins?{KEY}"})

        async with answering(redirect) as url:
            error = await error_of(url)
    assert "redirects to 127.0.0.1" in str(error)
    assert asked == []


async def test_what_comes_packed_is_not_unpacked() -> None:
    packed = gzip.compress(bytes(32 << 20), 1)

    async def bomb(_: web.Request) -> web.StreamResponse:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with answering(bomb) as url:
        assert "no JSON" in str(await error_of(url))


@pytest.mark.parametrize(
    "page",
    [
        [],
        {},
        {"count": "1", "results": []},
        {"count": True, "results": []},
        {"count": -1, "results": []},
        {"count": 1, "results": {}},
        {"count": 1, "results": [None]},
        {"count": 2000, "results": [pin(str(number)) for number in range(1001)]},
        {"count": 1, "results": [pin(pin=None)]},
        {"count": 1, "results": [pin(status="lost")]},
        {"count": 1, "results": [pin(status=["pinned"])]},
        {"count": 1, "results": [pin(requestid="")]},
        {"count": 1, "results": [pin(requestid=1)]},
        {"count": 1, "results": [pin(requestid="x" * 5000)]},
        {"count": 1, "results": [pin(created="yesterday")]},
        {"count": 1, "results": [pin(created="2024-01-01T00:00:00")]},
        {"count": 1, "results": [pin(cid="no CID")]},
        {"count": 1, "results": [pin(pin={"cid": str(ROOT), "name": 1})]},
    ],
)
async def test_what_is_no_answer_of_this_protocol_is_an_error(page: Any) -> None:
    async with answering(with_json(page)) as url:
        assert "something else than this protocol has" in str(await error_of(url))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"count": ' + b"9" * 10_000 + b"}"])
async def test_what_is_no_json_is_an_error(body: bytes) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    async with answering(answer) as url:
        assert "no JSON" in str(await error_of(url))


@pytest.mark.parametrize(
    "other",
    [pin(cid="bafkqaaa"), pin(status="failed"), pin(pin={"cid": str(ROOT), "name": "another"})],
    ids=["cid", "status", "name"],
)
async def test_pins_that_were_not_asked_for_are_not_taken(other: Any) -> None:
    async with answering(with_json({"count": 1, "results": [other]})) as url:
        assert "which it was not asked for" in str(await error_of(url))


async def test_pages_that_go_round_in_a_circle_are_left() -> None:
    async with answering(with_json({"count": 100, "results": [pin(second=1), pin(second=2)]})) as url:
        assert "the same pins again" in str(await error_of(url))


async def test_an_empty_page_that_promises_more_is_the_last() -> None:
    async with answering(with_json({"count": 100, "results": []})) as url, service(url) as asked:
        assert await listed(asked) == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ERR_PINNING_SERVICE"),
        (401, "ERR_UNAUTHORIZED"),
        (409, "ERR_PINNING_SERVICE"),
        (500, "ERR_PINNING_SERVICE"),
    ],
)
async def test_a_refusal_says_why_but_not_the_key(status: int, code: str) -> None:
    said = {"error": {"reason": "SORRY", "details": f"not with\n{KEY} today {'x' * 1000}"}}
    async with answering(with_json(said, status)) as url:
        error = await error_of(url)
    assert (error.code, error.detail["status"]) == (code, status)
    assert "SORRY: not with [key] today" in str(error)
    assert len(str(error)) < 600


@pytest.mark.parametrize("said", [[], {"error": []}, {"error": {"reason": 1}}, {"error": {"reason": "\x00\n"}}])
async def test_a_refusal_that_says_nothing_is_told_by_its_status(said: Any) -> None:
    async with answering(with_json(said, 503)) as url:
        assert "refused with HTTP 503" in str(await error_of(url))


async def test_a_pin_that_turns_into_another_is_an_error() -> None:
    async with answering(with_json(pin("other"))) as url, service(url) as asked:
        made = answers.status(
            b'{"requestid": "mine", "status": "queued", "created": "2024-01-01T00:00:00Z", '
            b'"pin": {"cid": "%s"}}' % str(ROOT).encode()
        )
        with pytest.raises(PinningServiceError, match="told of 'other'"):
            await asked.pinned(made)


async def test_what_a_service_calls_a_pin_leads_to_no_other_path() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.raw_path)
        return web.Response(status=404)

    async with answering(answer) as url, service(f"{url}/psa") as asked:
        for name in ("../admin", "..", "a/b?c#d", "%2e%2e"):
            made = pin(name, status="queued")
            with pytest.raises(NotFoundError):
                await asked.pinned(answers.status(web.json_response(made).body))  # type: ignore[arg-type]  # bytes here
    assert seen == ["/psa/pins/%2E%2E%2Fadmin", "/psa/pins/%2E%2E", "/psa/pins/a%2Fb%3Fc%23d", "/psa/pins/%252e%252e"]


async def test_nothing_is_logged_with_the_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with answering(with_json({}, 401)) as url:
            await error_of(url)
    assert KEY not in caplog.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["count", "results", "pin", "status"]), inner)
    ),
    max_leaves=8,
)


@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode) | json_values.map(json.dumps).map(str.encode))
def test_bytes_at_random_are_an_answer_or_a_value_error(body: bytes) -> None:
    for parse in (answers.page, answers.status):
        # Whatever else it raised would end the test.
        with suppress(ValueError):
            parse(body)
    assert isinstance(answers.failure(body), str)
