"""Which daemon a node is opened on, that it is no other, and what is told of it."""

from __future__ import annotations

import asyncio
import json
import os
import traceback
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import Repository, running
from proxy_support import answer, scripted

from ipfs_comm import open_node
from ipfs_comm.errors import DaemonError, InvalidInputError, NotSupportedError, UnreachableError
from ipfs_comm.node.kubo import find as find_module
from ipfs_comm.node.kubo import rpc as rpc_module
from ipfs_comm.node.kubo.address import Address, Credentials
from ipfs_comm.node.kubo.find import Found
from ipfs_comm.node.kubo.rpc import Rpc
from ipfs_comm.node.kubo.telling import announced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kubo_support import Daemon
    from proxy_support import Scripted

PEER = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("IPFS_COMM_KUBO_API", "IPFS_COMM_KUBO_AUTH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IPFS_PATH", str(tmp_path / "none"))


async def told_of(kind: str, **options: Any) -> str:
    """Return what is told of a node that is opened."""
    lines: list[str] = []
    async with open_node(kind, tell=lines.append, **options) as node:
        await node.version()
    (line,) = lines
    return line


class TestNamed:
    """An address that somebody gave counts, and nothing else does."""

    async def test_it_is_used(self, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        line = await told_of("kubo", kubo_api=daemon.api)
        assert f"Kubo 0.43.0 at {daemon.api} (its address was given)" in line
        monkeypatch.setenv("IPFS_COMM_KUBO_API", daemon.api)
        for kind in ("kubo", "auto"):
            assert "(IPFS_COMM_KUBO_API names it)" in await told_of(kind)

    @pytest.mark.parametrize("kind", ["kubo", "auto"])
    async def test_unreachable_it_is_an_error_at_once(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scripted() as server:
            url = server.url
        async with asyncio.timeout(5):
            with pytest.raises(UnreachableError, match="`ipfs daemon`"):
                await told_of(kind, kubo_api=url)
            monkeypatch.setenv("IPFS_COMM_KUBO_API", url)
            with pytest.raises(UnreachableError, match=url):
                await told_of(kind)

    @pytest.mark.parametrize("said", [b"[]", b"{}", b'{"ID": 3}', b"<html>"])
    async def test_what_is_no_daemon_is_told(self, said: bytes) -> None:
        async with scripted(id=answer(said)) as server:
            with pytest.raises(DaemonError, match="no Kubo daemon"):
                await told_of("kubo", kubo_api=server.url)

    async def test_wrong_credentials_are_told(self, guarded: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(DaemonError, match="kubo_auth") as caught:
            await told_of("kubo", kubo_api=guarded.api, kubo_auth="basic:alice:wrong")
        assert (caught.value.code, "wrong" in str(caught.value)) == ("ERR_DENIED", False)
        assert "0.43.0" in await told_of("kubo", kubo_api=guarded.api, kubo_auth="basic:alice:se:cret")
        assert "0.43.0" in await told_of("kubo", kubo_api=guarded.api.replace("//", "//alice:se:cret@"))
        monkeypatch.setenv("IPFS_COMM_KUBO_AUTH", "bearer:token")
        assert "0.43.0" in await told_of("kubo", kubo_api=guarded.api)

    async def test_what_lets_one_into_a_daemon_is_told_to_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IPFS_COMM_KUBO_AUTH", "bearer:secret")
        async with scripted(id=answer(json.dumps({"ID": PEER}).encode())) as server:
            other = server.url.replace("//", "//alice:word@")
            async with open_node("kubo", kubo_api=other):
                assert b"Authorization: Basic" in server.heads[0]
            async with open_node("kubo", kubo_api=server.url):
                assert b"Authorization: Bearer secret" in server.heads[1]

    @pytest.mark.parametrize(
        "said", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", answer(b"", status="403 Forbidden"), answer(b"{")]
    )
    async def test_no_error_shows_what_lets_one_in(self, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IPFS_COMM_KUBO_AUTH", "bearer:secret")
        async with scripted(id=said) as server:
            with pytest.raises((UnreachableError, DaemonError)) as caught:
                await told_of("kubo", kubo_api=server.url)
            assert b"secret" in server.heads[0]
        error: traceback.TracebackException | None
        error = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        while error is not None:
            ours = [frame.locals for frame in error.stack if frame.filename != __file__]
            assert "secret" not in f"{ours} {error}"
            error = error.__cause__ or error.__context__

    async def test_options_of_the_other_kind_are_refused(self, daemon: Daemon) -> None:
        with pytest.raises(InvalidInputError, match="storage_max"):
            await told_of("kubo", kubo_api=daemon.api, storage_max="1GB")
        with pytest.raises(InvalidInputError, match="kubo_api"):
            await told_of("embedded", repo=":memory:", kubo_api=daemon.api)
        assert "Kubo" in await told_of("auto", kubo_api=daemon.api, repo=":memory:", gateways=[])


class TestOwn:
    """This user's own daemon is found by its repository, and is known by its PeerID."""

    @pytest.fixture
    def repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The folder of a repository whose daemon is not there."""
        folder = tmp_path / "ipfs"
        folder.mkdir()
        (folder / "config").write_text(json.dumps({"Identity": {"PeerID": PEER}}))
        monkeypatch.setenv("IPFS_PATH", str(folder))
        return folder

    @pytest.fixture
    async def other(self, repository: Path) -> AsyncIterator[Scripted]:
        """Somebody else's daemon, at the address in the file."""
        async with scripted(id=answer(b'{"ID": "12D3KooWSomebodyElse"}')) as server:
            port = server.url.rpartition(":")[2]
            (repository / "api").write_text(f"/ip4/127.0.0.1/tcp/{port}\n")
            yield server

    async def test_it_is_found(self, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IPFS_PATH", str(daemon.repository.folder))
        for kind in ("kubo", "auto"):
            line = await told_of(kind)
            assert str(daemon.repository.folder / "api") in line
            assert "PeerID" in line

    async def test_where_there_is_none_auto_is_the_embedded_node(self, tmp_path: Path) -> None:
        line = await told_of("auto", repo=":memory:")
        why = f"no Kubo daemon to use: there is no {tmp_path / 'none' / 'api'}"
        assert line == f"embedded, in memory, where nothing is kept ({why})"
        with pytest.raises(UnreachableError, match="`ipfs daemon`"):
            await told_of("kubo")

    async def test_somebody_else_s_daemon_is_not_used_and_gets_no_credentials(self, other: Scripted) -> None:
        line = await told_of("auto", repo=":memory:", kubo_auth="bearer:secret")
        assert line.startswith("embedded")
        assert "12D3KooWSomebodyElse" in line
        with pytest.raises(UnreachableError, match="PeerID"):
            await told_of("kubo", kubo_auth="bearer:secret")
        assert len(other.asked) == 2
        assert not any(b"secret" in head or b"Authorization" in head for head in other.heads)

    async def test_the_default_port_is_not_tried(self) -> None:
        asked = []

        async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(1)
            writer.close()

        server = None
        # Where that fails somebody else's daemon does listen there.
        with suppress(OSError):
            server = await asyncio.start_server(take, "127.0.0.1", 5001)
        try:
            assert (await told_of("auto", repo=":memory:")).startswith("embedded")
            with pytest.raises(UnreachableError):
                await told_of("kubo")
        finally:
            if server is not None:
                server.close()
        assert asked == []

    @pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have other owners there")
    async def test_a_file_of_another_user_is_not_believed(
        self, other: Scripted, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "getuid", lambda: 54321)
        assert "another user" in await told_of("auto", repo=":memory:")
        assert other.asked == []

    @pytest.mark.parametrize("text", ["", "nonsense", "/ip4/127.0.0.1/udp/1", "\x00", "é" * 3])
    async def test_a_file_that_says_nothing_is_told(self, text: str, repository: Path) -> None:
        (repository / "api").write_text(text, "utf-8")
        assert "cannot be used" in await told_of("auto", repo=":memory:")

    @pytest.mark.parametrize("config", ["", "[]", '{"Identity": 3}', "{}", "[" * 100_000])
    async def test_a_configuration_that_says_nothing_is_told(
        self, config: str, other: Scripted, repository: Path
    ) -> None:
        (repository / "config").write_text(config)
        assert "cannot be used" in await told_of("auto", repo=":memory:")
        assert other.asked == []

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files")
    async def test_a_pipe_in_place_of_the_file_keeps_nobody_waiting(self, repository: Path) -> None:
        os.mkfifo(repository / "api")
        async with asyncio.timeout(5):
            assert "is no file" in await told_of("auto", repo=":memory:")

    async def test_one_that_listens_everywhere_is_reached_on_this_machine(
        self, other: Scripted, repository: Path
    ) -> None:
        port = other.url.rpartition(":")[2]
        other.answers["id"] = answer(json.dumps({"ID": PEER}).encode())
        (repository / "api").write_text(f"/ip4/0.0.0.0/tcp/{port}")
        async with open_node("kubo") as node:
            assert node.repo_path == f"Kubo at http://127.0.0.1:{port}"


class TestComingBack:
    """A daemon that goes away and comes back needs no new node."""

    async def test_at_the_same_address(self, tmp_path: Path) -> None:
        async with scripted() as server:
            port = server.url.rpartition(":")[2]
        repository = Repository(tmp_path / "repo", {"Addresses.API": f"/ip4/127.0.0.1/tcp/{port}"})
        with ExitStack() as up:
            daemon = up.enter_context(running(repository))
            async with open_node("kubo", kubo_api=daemon.api) as node:
                added = await node.add(b"hello")
                up.close()
                with pytest.raises(UnreachableError, match="`ipfs daemon`"):
                    await node.cat(added.cid)
                up.enter_context(running(repository))
                assert await node.cat(added.cid) == b"hello"

    async def test_at_another_address_that_its_repository_tells(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository = Repository(tmp_path / "repo")
        monkeypatch.setenv("IPFS_PATH", str(repository.folder))
        with ExitStack() as up:
            first = up.enter_context(running(repository)).api
            async with open_node("kubo", kubo_auth="bearer:secret") as node:
                added = await node.add(b"hello")
                up.close()
                with pytest.raises(UnreachableError, match="`ipfs daemon`"):
                    await node.cat(added.cid)
                # A file that leads to somebody else's daemon by now is not followed, and it is told nothing.
                async with scripted(id=answer(b'{"ID": "12D3KooWSomebodyElse"}')) as server:
                    port = server.url.rpartition(":")[2]
                    (repository.folder / "api").write_text(f"/ip4/127.0.0.1/tcp/{port}")
                    with pytest.raises(UnreachableError, match="12D3KooWSomebodyElse"):
                        await node.cat(added.cid)
                    assert [line for line in server.asked if "/id" not in line] == []
                    assert not any(b"Authorization" in head for head in server.heads)
                assert up.enter_context(running(repository)).api != first
                many = await asyncio.gather(*(node.cat(added.cid) for _ in range(20)))
                assert set(many) == {b"hello"}

    async def test_whoever_has_its_port_by_now_is_asked_who_it_is_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rpc_module, "FRESH", 0.0)
        (tmp_path / "config").write_text(json.dumps({"Identity": {"PeerID": PEER}}))
        monkeypatch.setenv("IPFS_PATH", str(tmp_path))
        async with scripted(id=answer(json.dumps({"ID": PEER}).encode())) as server:
            (tmp_path / "api").write_text(f"/ip4/127.0.0.1/tcp/{server.url.rpartition(':')[2]}")
            async with open_node("kubo", kubo_auth="bearer:secret") as node:
                server.answers["version"] = answer(b'{"Version": "0.43.0", "Repo": "18"}')
                await node.version()
                assert b"secret" in server.heads[-1]
                server.answers["id"] = answer(b'{"ID": "12D3KooWSomebodyElse"}')
                server.heads.clear()
                with pytest.raises(UnreachableError, match="12D3KooWSomebodyElse"):
                    await node.version()
                assert len(server.heads) == 1
                assert b"secret" not in server.heads[0]

    async def test_calls_that_wait_for_it_wait_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rpc_module, "FRESH", 0.0)
        monkeypatch.setattr(find_module, "PATIENCE", 0.5)
        (tmp_path / "config").write_text(json.dumps({"Identity": {"PeerID": PEER}}))
        monkeypatch.setenv("IPFS_PATH", str(tmp_path))

        async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()

        async with scripted(id=answer(json.dumps({"ID": PEER}).encode())) as server:
            (tmp_path / "api").write_text(f"/ip4/127.0.0.1/tcp/{server.url.rpartition(':')[2]}")
            async with open_node("kubo") as node:
                server.answers["id"] = silence
                server.asked.clear()
                calls = [asyncio.ensure_future(node.version()) for _ in range(20)]
                await asyncio.sleep(0)
                calls[0].cancel()
                ended = await asyncio.gather(*calls, return_exceptions=True)
                assert isinstance(ended[0], asyncio.CancelledError)
                assert {type(error) for error in ended[1:]} == {UnreachableError}
                assert len(server.asked) == 1

    async def test_a_node_that_is_closed_waits_for_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rpc_module, "FRESH", 0.0)
        (tmp_path / "config").write_text(json.dumps({"Identity": {"PeerID": PEER}}))
        monkeypatch.setenv("IPFS_PATH", str(tmp_path))
        asked = asyncio.Event()

        async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            asked.set()
            await reader.read()

        async with scripted(id=answer(json.dumps({"ID": PEER}).encode())) as server:
            (tmp_path / "api").write_text(f"/ip4/127.0.0.1/tcp/{server.url.rpartition(':')[2]}")
            async with open_node("kubo") as node:
                server.answers["id"] = silence
                calling = asyncio.ensure_future(node.version())
                await asked.wait()
            with pytest.raises(NotSupportedError, match="stopped or closed"):
                await calling


class TestTelling:
    """Who adds private data is told whether it becomes known."""

    @pytest.mark.parametrize(
        ("config", "online", "says"),
        [
            ({"Bootstrap": ["auto"]}, True, "is announced to the public IPFS network, unless its swarm is a private"),
            ({"Bootstrap": ["auto"], "Provide": {"Enabled": None}}, True, "is announced to the public"),
            ({"Bootstrap": ["auto"], "Provide": {"Strategy": "pinned"}}, True, "(Provide.Strategy is 'pinned')"),
            ({"Bootstrap": ["auto"]}, False, "is not announced: it is offline"),
            ({"Bootstrap": ["auto"], "Provide": {"Enabled": False}}, True, "not announced: Provide.Enabled is false"),
            ({"Bootstrap": ["auto"], "Routing": {"Type": "none"}}, True, "not announced: Routing.Type is none"),
            ({"Bootstrap": [], "Addresses": {"Swarm": []}}, True, "not announced: it has no peers"),
            ({"Bootstrap": [], "Addresses": {"Swarm": ["/ip4/1.2.3.4/tcp/4001"]}}, True, "is announced to the public"),
            ({}, True, "does not tell"),
            ({"Provide": 3, "Routing": [], "Bootstrap": "auto"}, True, "is announced to the public"),
        ],
    )
    async def test_it_is_told_from_the_configuration(self, config: Any, online: bool, says: str) -> None:
        system = {"net": {"online": online}}
        async with scripted(
            id=answer(json.dumps({"ID": PEER}).encode()),
            version=answer(b'{"Version": "0.43.0"}'),
            config__show=answer(json.dumps(config).encode()),
            diag__sys=answer(json.dumps(system).encode()),
        ) as server:
            assert says in await told_of_scripted(server)

    async def test_one_that_tells_nothing_is_used_all_the_same(self) -> None:
        denied = answer(b"403 - Forbidden", "403 Forbidden")
        async with scripted(
            id=answer(json.dumps({"ID": PEER}).encode()), version=denied, config__show=denied, diag__sys=denied
        ) as server:
            line = await told_of_scripted(server)
        assert line.startswith(f"Kubo at {server.url} (its address was given); it does not tell")

    async def test_a_private_swarm_is_told(
        self, tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "swarm.key").write_text("/key/swarm/psk/1.0.0/")
        config = {"Bootstrap": ["auto"]}
        async with scripted(
            config__show=answer(json.dumps(config).encode()), diag__sys=answer(b'{"net": {"online": true}}')
        ) as server:
            rpc = Rpc(Address.parse(server.url)[0])
            assert "private swarm" in await announced(Found(rpc, "", tmp_path))
            await rpc.close()


async def told_of_scripted(server: Scripted) -> str:
    lines: list[str] = []
    async with open_node("kubo", kubo_api=server.url, tell=lines.append):
        return lines[0]


class TestAddresses:
    """Texts that are addresses and credentials, and those that are not."""

    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
            ("http://127.0.0.1:5001/api/v0/", "http://127.0.0.1:5001"),
            ("127.0.0.1:5001", "http://127.0.0.1:5001"),
            ("https://kubo.example", "https://kubo.example:443"),
            ("http://[::1]:5001", "http://[::1]:5001"),
            ("/ip4/127.0.0.1/tcp/5001", "http://127.0.0.1:5001"),
            ("/ip6/::1/tcp/5001", "http://[::1]:5001"),
            ("/dns/kubo.example/tcp/443/https", "https://kubo.example:443"),
            ("/dns4/kubo.example/tcp/443/tls/http", "https://kubo.example:443"),
            ("/unix/run/kubo.sock", "/unix/run/kubo.sock"),
        ],
    )
    def test_an_address(self, text: str, url: str) -> None:
        assert str(Address.parse(text)[0]) == url

    @pytest.mark.parametrize(
        "text",
        [
            *("", " ", "ftp://host", "http://", "http://host:x", "http://host:99999", "http://h/other", "http://h?x=1"),
            *("/ip4", "/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/5001", "/p2p/12D3", "http://h\nh", "x" * 5000),
            "/ip4/1.2.3.4/tcp/0",
        ],
    )
    def test_no_address(self, text: str) -> None:
        with pytest.raises(InvalidInputError, match="no address"):
            Address.parse(text)

    def test_a_password_in_an_address_is_not_told(self) -> None:
        address, credentials = Address.parse("https://alice:s%40cret@host")
        assert credentials == Credentials("basic", "alice:s@cret")
        assert "cret" not in f"{address} {address!r} {credentials!r}"
        with pytest.raises(InvalidInputError) as caught:
            Address.parse("https://alice:secret@host/elsewhere")
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        "text",
        [
            *("http://alice:sec/ret@host:5001", "ftp://alice:x@secret@host", "http://alice:secret@host\x00"),
            *("alice:secret@", "http://alice:secret@" + "h" * 5000, "bearer:secret", " Basic:alice:secret"),
        ],
    )
    def test_a_password_in_what_is_no_address_is_not_told(self, text: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            Address.parse(text)
        assert "sec" not in str(caught.value)

    def test_the_end_of_a_line_is_no_part_of_an_address(self) -> None:
        assert str(Address.parse("http://alice:secret@host\n")[0]) == "http://host:5001"

    @pytest.mark.parametrize("text", ["", "secret", "digest:a:b", "basic:secret", "bearer:", "bearer:a\nb", "basic:"])
    def test_no_credentials(self, text: str) -> None:
        with pytest.raises(InvalidInputError) as caught:
            Credentials.parse(text)
        assert "secret" not in str(caught.value).removeprefix("the secret of")


async def test_a_kind_that_there_is_not_is_told() -> None:
    with pytest.raises(NotSupportedError, match="kind='auto'"):
        await told_of("helia")
