"""Calls to a daemon: what goes wrong on the way is told as what it is, and nothing of it stays behind."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import ROOT, active, until
from proxy_support import answer, certified, chunked, proxied, scripted

from ipfs_comm.errors import (
    CancelledByAbortError,
    DaemonError,
    LimitError,
    NotFoundError,
    NotSupportedError,
    UnreachableError,
)
from ipfs_comm.node.kubo import json_lines, session
from ipfs_comm.node.kubo import rpc as rpc_module
from ipfs_comm.node.kubo.address import Address, Credentials
from ipfs_comm.node.kubo.multipart import Body, Part
from ipfs_comm.node.kubo.rpc import Rpc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from kubo_support import Daemon

ABSENT = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"


@asynccontextmanager
async def calling(url: str, credentials: str | None = None) -> AsyncIterator[Rpc]:
    address, inside = Address.parse(url)
    rpc = Rpc(address, Credentials.parse(credentials) if credentials else inside)
    try:
        yield rpc
    finally:
        await rpc.close()


async def read(rpc: Rpc, command: str = "cat") -> bytes:
    return b"".join([chunk async for chunk in rpc.stream(command)])


class TestHostile:
    """What answers is no daemon, or one that breaks off."""

    @pytest.mark.parametrize(
        "cut",
        [
            chunked(b"half", end=False),
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200",
            b"",
            b"SSH-2.0-OpenSSH_9.6\r\n",
        ],
    )
    async def test_an_answer_that_breaks_off_is_no_answer(self, cut: bytes) -> None:
        async with scripted(cat=cut) as server, calling(server.url) as rpc:
            with pytest.raises(UnreachableError, match="ipfs daemon") as caught:
                await read(rpc)
            assert caught.value.detail == {"address": server.url, "command": "cat"}

    async def test_what_goes_wrong_after_the_beginning_is_told_in_the_trailer(self) -> None:
        failed = chunked(b"half", trailer="X-Stream-Error: block was not found locally (offline)")
        async with scripted(cat=failed) as server, calling(server.url) as rpc:
            stream = rpc.stream("cat")
            assert await anext(stream) == b"half"
            with pytest.raises(NotFoundError, match="not found locally"):
                await anext(stream)

    async def test_a_trailer_that_something_between_has_put_into_the_head_is_one(self) -> None:
        half = answer(b"half", "200 OK", "X-Stream-Error: could not find QmX")
        async with scripted(cat=half) as server, calling(server.url) as rpc:
            with pytest.raises(NotFoundError, match="could not find QmX"):
                await read(rpc)

    async def test_a_long_trailer_is_read(self) -> None:
        failed = chunked(b"half", trailer=f"X-Stream-Error: {'a' * 20_000}: no link named")
        async with scripted(cat=failed) as server, calling(server.url) as rpc:
            with pytest.raises(NotFoundError):
                await read(rpc)

    @pytest.mark.parametrize("make", [answer, chunked])
    async def test_content_that_looks_like_a_trailer_is_content(self, make: Callable[[bytes], bytes]) -> None:
        content = b"x\r\n0\r\nX-Stream-Error: not so\r\n\r\n"
        async with scripted(cat=make(content)) as server, calling(server.url) as rpc:
            assert await read(rpc) == content

    async def test_a_trailer_is_not_taken_for_that_of_the_next_answer(self) -> None:
        answers = [chunked(b"a", trailer="X-Stream-Error: no link named x"), answer(b"b")]

        async def both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answers[0])
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answers[1])
            await writer.drain()

        async with scripted(cat=both) as server, calling(server.url) as rpc:
            with pytest.raises(NotFoundError):
                await read(rpc)
            assert await read(rpc) == b"b"
            assert len(server.asked) == 1

    async def test_a_line_without_end_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_lines, "MAX_LINE", 2**20)
        sent = 0

        async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n[")
            while True:
                writer.write(b"1," * 2**15)
                sent += 2**16
                await writer.drain()

        async with scripted(ls=endless) as server, calling(server.url) as rpc:
            with pytest.raises(LimitError, match="a line"):
                async for _ in rpc.lines("ls"):
                    pass
            assert sent < 2**25

    async def test_an_answer_that_is_read_whole_has_a_limit(self) -> None:
        async with scripted(block__get=answer(b"x" * 1001)) as server, calling(server.url) as rpc:
            with pytest.raises(LimitError, match="1000"):
                await rpc.bytes("block/get", max_size=1000)

    @pytest.mark.parametrize(
        "said",
        [
            b"<!DOCTYPE html><title>Jupyter</title>",
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b"[" * 100_000,
            b'{"a": "\\ud800"}',
            b'"\xff"',
            b"1" * 5000,
        ],
        ids=["html", "nan", "infinity", "deep", "half a pair", "bytes", "long number"],
    )
    async def test_what_is_no_json_is_told(self, said: bytes) -> None:
        async with scripted(id=answer(said)) as server, calling(server.url) as rpc:
            with pytest.raises(UnreachableError, match="no Kubo daemon"):
                await rpc.call("id")

    async def test_what_is_packed_is_not_unpacked(self) -> None:
        packed = answer(gzip.compress(bytes(2**20)), "200 OK", "Content-Encoding: gzip", "Set-Cookie: a=b")
        async with scripted(cat=packed) as server, calling(server.url) as rpc:
            assert len(await read(rpc)) < 2000
            await read(rpc)
            assert b"identity" in server.heads[0]
            assert not any(b"Cookie" in head or b"gzip" in head for head in server.heads)

    async def test_whole_pairs_are_text(self) -> None:
        async with scripted(id=answer(b'{"a": "\\ud83d\\ude00"}')) as server, calling(server.url) as rpc:
            assert await rpc.call("id") == {"a": "😀"}

    async def test_an_error_among_lines_is_an_error(self) -> None:
        said = b'{"Ref": "a"}\n{"Message": "no link named x", "Code": 0, "Type": "error"}\n'
        async with scripted(refs=answer(said)) as server, calling(server.url) as rpc:
            lines = rpc.lines("refs")
            assert await anext(lines) == {"Ref": "a"}
            with pytest.raises(NotFoundError):
                await anext(lines)

    async def test_redirects_are_not_followed(self) -> None:
        async with scripted() as other:
            moved = answer(b"", "307 Temporary Redirect", f"Location: {other.url}/api/v0/id")
            async with scripted(id=moved) as server, calling(server.url, "bearer:secret") as rpc:
                with pytest.raises(NotSupportedError, match="307"):
                    await rpc.call("id")
            assert other.asked == []

    @pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
    async def test_who_is_not_let_in_is_told_what_to_give(self, status: str) -> None:
        async with scripted(id=answer(b"403 - Forbidden", status)) as server, calling(server.url, "basic:u:pw") as rpc:
            with pytest.raises(DaemonError, match="kubo_auth") as caught:
                await rpc.call("id")
            assert caught.value.code == "ERR_DENIED"
            assert "pw" not in str(caught.value)
            assert b"Authorization: Basic dTpwdw==" in server.heads[0]

    async def test_a_refusal_of_any_length_is_short(self) -> None:
        said = json.dumps({"Message": "x" * 10**6, "Code": 0, "Type": "error"}).encode()
        async with scripted(id=answer(said, "500 Internal Server Error")) as server, calling(server.url) as rpc:
            with pytest.raises(DaemonError) as caught:
                await rpc.call("id")
            assert len(str(caught.value)) <= 8192

    @pytest.mark.parametrize("said", [b"", b"null", b"[]", b'{"Message": 3}', b"\xff\xfe"])
    async def test_a_refusal_of_any_form_is_one(self, said: bytes) -> None:
        async with scripted(id=answer(said, "500 Internal Server Error")) as server, calling(server.url) as rpc:
            with pytest.raises(DaemonError):
                await rpc.call("id")

    async def test_a_daemon_that_is_slow_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rpc_module, "QUIET", 0.05)
        async with scripted() as server, calling(server.url) as rpc:

            async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await until(lambda: len(server.asked) > 2)
                writer.write(chunked(b"half", end=False))
                asked = len(server.asked)
                await until(lambda: len(server.asked) > asked + 1)
                writer.write(b"1\r\n!\r\n0\r\n\r\n")

            server.answers["cat"] = slow
            assert await read(rpc) == b"half!"
        assert {line.split(" ")[1] for line in server.asked} == {"/api/v0/cat", "/api/v0/version"}

    async def test_a_daemon_that_says_nothing_any_more_is_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rpc_module, "QUIET", 0.05)
        monkeypatch.setattr(rpc_module, "ALIVE", 0.2)
        ended = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()
            ended.set()

        async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(chunked(b"half", end=False))
            await silent(reader, writer)

        async with scripted(cat=silent, get=half, version=silent) as server, calling(server.url) as rpc:
            for command in ("cat", "get"):
                ended.clear()
                with pytest.raises(UnreachableError, match="does not answer"):
                    await read(rpc, command)
                async with asyncio.timeout(5):
                    await ended.wait()

    async def test_a_proxy_whose_daemon_is_gone_is_no_daemon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rpc_module, "QUIET", 0.1)

        async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()

        gone = answer(b"", status="502 Bad Gateway")
        async with scripted(cat=silence, version=gone) as server, calling(server.url) as rpc:
            with pytest.raises(UnreachableError, match="502"):
                await read(rpc)

    async def test_the_question_whether_it_lives_waits_for_no_other_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rpc_module, "QUIET", 0.05)
        monkeypatch.setattr(session, "CONNECTIONS", 2)

        async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async with scripted(cat=silent, id=answer(b"{}")) as server, calling(server.url) as rpc:
            taken = [asyncio.ensure_future(read(rpc)) for _ in range(2)]
            waiting = asyncio.ensure_future(rpc.call("id"))
            await until(lambda: sum("version" in line for line in server.asked) > 8)
            assert not any(task.done() for task in (*taken, waiting))
            taken[0].cancel()
            assert await waiting == {}
            taken[1].cancel()

    async def test_nobody_there_is_told_with_what_to_do(self) -> None:
        async with scripted() as server:
            url = server.url
        async with calling(url) as rpc:
            with pytest.raises(UnreachableError, match="ipfs daemon"):
                await rpc.call("id")


class TestUpload:
    """Content that fails, and daemons that want no more of it."""

    async def test_a_source_that_fails_is_the_error_and_nothing_is_kept(self, daemon: Daemon) -> None:
        before = json.loads(daemon.call("repo/stat"))["NumObjects"], daemon.call("pin/ls")

        async def failing() -> AsyncGenerator[bytes, None]:
            yield b"x" * 100_000
            raise ValueError("the source has failed")

        async with calling(daemon.api) as rpc:
            with pytest.raises(ValueError, match="the source has failed"):
                async for _ in rpc.lines("add", body=Body([Part("a", failing())])):
                    pass
            await until(lambda: not active(daemon, "add"))
        daemon.call("repo/gc")
        assert (json.loads(daemon.call("repo/stat"))["NumObjects"], daemon.call("pin/ls")) == before

    async def test_a_source_that_is_cancelled_ends_the_call(self, daemon: Daemon) -> None:
        async def cancelled() -> AsyncGenerator[bytes, None]:
            yield b"x"
            raise asyncio.CancelledError

        async with calling(daemon.api) as rpc:
            with pytest.raises(CancelledByAbortError):
                await rpc.call("add", body=Body([Part("a", cancelled())]))

    async def test_a_daemon_that_wants_no_more_says_why(self, daemon: Daemon) -> None:
        closed = 0

        async def endless() -> AsyncGenerator[bytes, None]:
            nonlocal closed
            try:
                while True:
                    yield b"x" * 2**18
            finally:
                closed += 1

        async with calling(daemon.api) as rpc:
            for _ in range(5):
                with pytest.raises(NotFoundError, match="does not exist"):
                    await rpc.call("files/write", "/no/file", body=Body([Part("a", endless())]), create=True)
        assert closed == 5

    @pytest.mark.parametrize(
        ("command", "options", "match"),
        [("add", {"chunker": "nonsense"}, "nonsense"), ("dag/import", {}, "invalid header")],
    )
    async def test_a_daemon_that_reads_on_says_why_in_the_end(
        self, daemon: Daemon, command: str, options: dict[str, Any], match: str
    ) -> None:
        """These take all content before they refuse it."""

        async def much() -> AsyncGenerator[bytes, None]:
            for _ in range(32):
                yield b"x" * 2**18

        async with calling(daemon.api) as rpc:
            with pytest.raises(DaemonError, match=match) as caught:
                await rpc.call(command, body=Body([Part("a", much())]), **options)
            assert not isinstance(caught.value, UnreachableError)

    async def test_cancelling_ends_the_source_before_it_returns(self, daemon: Daemon) -> None:
        waiting, closed = asyncio.Event(), False

        async def slow() -> AsyncGenerator[bytes, None]:
            nonlocal closed
            try:
                yield b"x"
                waiting.set()
                await asyncio.Event().wait()
            finally:
                closed = True

        async with calling(daemon.api) as rpc:
            task = asyncio.ensure_future(rpc.call("add", body=Body([Part("a", slow())])))
            await waiting.wait()
            await until(lambda: active(daemon, "add"))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert closed
            await until(lambda: not active(daemon, "add"))

    async def test_results_come_while_the_source_still_gives(self, daemon: Daemon) -> None:
        """Kubo reads and answers at the same time."""
        come = asyncio.Event()

        async def parts() -> AsyncGenerator[Part, None]:
            yield Part("a", b"first")
            yield Part("b", b"second")
            await come.wait()
            yield Part("c", b"third")

        names = []
        async with calling(daemon.api) as rpc:
            async for line in rpc.lines("add", body=Body(parts()), stream_channels=True, pin=False):
                names.append(line["Name"])
                come.set()
        assert names == ["a", "b", "c"]

    async def test_one_buffer_of_any_size_goes_out_in_pieces(self, daemon: Daemon) -> None:
        async with calling(daemon.api) as rpc:
            added = await rpc.call("add", body=Body.of(memoryview(bytearray(5 * 2**20))), only_hash=True)
        assert int(added["Size"]) > 5 * 2**20


def connections(url: str) -> int:
    """Return how many connections are open to an address on this machine."""
    port = int(url.rpartition(":")[2])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(int(row[2].rpartition(":")[2], 16) == port and row[3] == "01" for row in rows)


@pytest.fixture(scope="module")
def large(shared_daemon: Daemon) -> str:
    """A file of 128 MiB in the daemon."""
    content = b"".join(bytes([number]) * 2**20 for number in range(128))
    added = json.loads(shared_daemon.call("add", files=[content], cid_version=1, pin=False, quieter=True))
    return str(added["Hash"])


class TestEnding:
    """Whoever reads no more ends the daemon's work, and holds no connection."""

    @pytest.mark.skipif(sys.platform != "linux", reason="connections are counted in /proc")
    async def test_an_early_end_ends_the_daemon_s_work(self, shared_daemon: Daemon, large: str) -> None:
        idle = connections(shared_daemon.api)
        async with calling(shared_daemon.api) as rpc:
            stream = rpc.stream("cat", large)
            await anext(stream)
            assert active(shared_daemon, "cat")
            await stream.aclose()
            await until(lambda: not active(shared_daemon, "cat"))
            await until(lambda: connections(shared_daemon.api) == idle)
            # Read to its end the connection is used again.
            for _ in range(3):
                assert len(await read(rpc, "version")) > 10
            assert connections(shared_daemon.api) == idle + 1
        await until(lambda: connections(shared_daemon.api) == idle)

    async def test_cancelling_whoever_reads_ends_it_too(self, shared_daemon: Daemon, large: str) -> None:
        begun = asyncio.Event()

        async def slowly(rpc: Rpc) -> None:
            async for _ in rpc.stream("cat", large):
                begun.set()
                await asyncio.Event().wait()

        async with calling(shared_daemon.api) as rpc:
            task = asyncio.ensure_future(slowly(rpc))
            await begun.wait()
            assert active(shared_daemon, "cat")
            task.cancel()
            await asyncio.wait({task})
            await until(lambda: not active(shared_daemon, "cat"))

    async def test_who_reads_slowly_slows_the_daemon(self, shared_daemon: Daemon, large: str) -> None:
        async with calling(shared_daemon.api) as rpc:
            stream = rpc.stream("cat", large)
            size = len(await anext(stream))
            # Whatever has been read ahead by now waits in the sockets' buffers and in aiohttp's.
            for _ in range(50):
                await rpc.call("version")
            assert active(shared_daemon, "cat")
            async for chunk in stream:
                size += len(chunk)
        assert size == 128 * 2**20

    async def test_closing_the_node_ends_what_runs(self, shared_daemon: Daemon, large: str) -> None:
        async with calling(shared_daemon.api) as rpc:
            stream = rpc.stream("cat", large)
            await anext(stream)
            await rpc.close()
            with pytest.raises(NotSupportedError) as caught:
                async for _ in stream:
                    pass
            assert caught.value.code == "ERR_NOT_STARTED"
            with pytest.raises(NotSupportedError):
                await rpc.call("version")
        await until(lambda: not active(shared_daemon, "cat"))


MEMORY = """
import asyncio, re, sys
from pathlib import Path
from ipfs_comm import open_node

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024

async def main(api, size):
    async def content():
        for number in range(size):
            yield bytes([number % 251]) * 2**20

    async with open_node("kubo", kubo_api=api) as node:
        # What every call needs is there after the first.
        await node.cat((await node.add(bytes(2**20))).cid)
        before = peak()
        added = await node.add(content(), pin=False)
        uploaded = peak()
        length = 0
        async for chunk in node.cat(added.cid):
            length += len(chunk)
        assert length == size * 2**20
        print(uploaded - before, peak() - before)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the most memory of a process is told in /proc")
@pytest.mark.parametrize("size", [256, pytest.param(1024, marks=pytest.mark.heavy)])
def test_memory_does_not_grow_with_content(daemon: Daemon, size: int) -> None:
    command = [sys.executable, "-c", MEMORY, daemon.api, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert max(map(int, done.stdout.split())) < 24


class TestRoads:
    """Other ways to a daemon than plain HTTP."""

    async def test_a_unix_socket(self, daemon: Daemon, tmp_path: Path) -> None:
        async with proxied(daemon.api, socket=tmp_path / "s") as proxy, calling(proxy.url) as rpc:
            assert (await rpc.call("version"))["Version"].startswith("0.")
            with pytest.raises(UnreachableError, match="/unix/"):
                async with calling(f"/unix{tmp_path}/absent") as other:
                    await other.call("version")

    async def test_tls_that_is_trusted(self, daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tls, certificate = certified(tmp_path)
        async with proxied(daemon.api, tls=tls) as proxy:
            async with calling(proxy.url) as rpc:
                with pytest.raises(UnreachableError, match="certificate"):
                    await rpc.call("version")
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            port = proxy.url.rpartition(":")[2]
            for url in (proxy.url, f"/ip4/127.0.0.1/tcp/{port}/https", f"/ip4/127.0.0.1/tcp/{port}/tls/http"):
                async with calling(url) as rpc:
                    assert (await rpc.call("version"))["Version"].startswith("0.")
            with pytest.raises(ssl.SSLError):
                ssl.create_default_context().load_verify_locations(tmp_path / "key.pem")

    @pytest.mark.parametrize("form", ["basic:alice:se:cret", "bearer:token"])
    async def test_credentials(self, guarded: Daemon, form: str) -> None:
        async with calling(guarded.api, form) as rpc:
            assert (await rpc.call("version"))["Version"].startswith("0.")
            added = await rpc.call("add", body=Body.of(b"hello"))
            assert await rpc.bytes("cat", added["Hash"]) == b"hello"
        for wrong in (None, "basic:alice:wrong", "bearer:wrong"):
            async with calling(guarded.api, wrong) as rpc:
                with pytest.raises(DaemonError) as caught:
                    await rpc.call("version")
                assert caught.value.code == "ERR_DENIED"
