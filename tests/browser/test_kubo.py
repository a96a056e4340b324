"""The same notebook and the same page code on a real Kubo daemon."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from browser.lab import texts
from browser.test_quickstart import QUICKSTART, drawing
from kubo_support import Part, Repository, Restarted, active, running, scratch, why_absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from browser.lab import Lab, Server
    from kubo_support import Daemon

LOAD = "%load_ext ipfs_comm"
#: Enough that a daemon is still busy with it when a page has read its beginning.
LARGE = 64 * 2**20

CLIENTS = pytest.mark.parametrize("client", ["ours", "theirs"])

#: A client of the library that `argument.client` names.
OPEN = """
const client = window[argument.client].IPFSClient.from(await ours.connect(kernel));
const sha = async data => {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('');
};
/** The first bytes of a stream, and the error that it ends with after `then`. */
const interrupted = async (stream, then) => {
  const items = stream[Symbol.asyncIterator]();
  const first = await items.next();
  await then();
  try {
    while (!(await items.next()).done);
  } catch ({ name, code, message }) {
    return { first: first.value.length, name, code, message };
  }
  return { first: first.value.length };
};
"""


@pytest.fixture(scope="module", autouse=True)
def _kubo() -> None:
    """See that there is a Kubo; in CI its absence is an error."""
    if reason := why_absent():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with pubsub, which is online for it, and that nobody can reach."""
    settings = {"Pubsub.Enabled": True}
    with scratch(tmp_path_factory, settings) as repository, running(repository, offline=False) as started:
        yield started


@pytest.fixture(scope="module")
def kernel(server: Server, daemon: Daemon) -> str:
    """A kernel whose node is that daemon."""
    return server.add_kernel("kubo", IPFS_COMM_NODE="kubo", IPFS_COMM_KUBO_API=daemon.api)


@pytest.fixture(scope="module")
def large(daemon: Daemon) -> str:
    """The CID of a large file that the daemon has."""
    return daemon.add([Part("large", bytes(LARGE - 1) + b"!")], cid_version=1)[0].cid


@pytest.fixture(scope="module")
def lab(
    server: Server,
    kernel: str,
    daemon: Daemon,
    open_shared_lab: Callable[..., Lab],
    page_library: str,
    message_port_client: str,
) -> Lab:
    """A page with both libraries, which can ask what the daemon is working on."""
    opened = open_shared_lab(server, server.write("kubo.ipynb", LOAD, kernel=kernel))
    opened.run_cell(0)
    opened.load_clients(page_library, message_port_client)
    opened.page.expose_function("working", lambda command: active(daemon, command))
    return opened


def told(outputs: list[dict[str, Any]]) -> list[str]:
    """What a cell's outputs say, but for the one line that tells which node it is."""
    found = (re.sub(r"^IPFS node: .*\n", "", text) for text in texts(outputs))
    return [text for text in found if text]


def test_the_same_notebook_says_the_same_on_both_nodes(
    server: Server, kernel: str, daemon: Daemon, open_lab: Callable[..., Lab]
) -> None:
    embedded = server.add_kernel("embedded", IPFS_COMM_NODE="embedded", IPFS_COMM_REPO=":memory:")
    cells = nbformat.read(QUICKSTART, as_version=4).cells
    code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
    said: dict[str, list[list[str]]] = {}
    announced: dict[str, str] = {}
    for name in (kernel, embedded):
        lab = open_lab(server, server.copy(QUICKSTART, f"quickstart-{name}.ipynb", name))
        lab.run_all()
        lab.finished()
        assert {index: lab.errors(index) for index in code} == {index: [] for index in code}
        said[name] = [told(lab.outputs(index)) for index in code]
        announced[name] = next(line for index in code for line in lab.text(index).splitlines() if "IPFS node" in line)
        lab.show_image(drawing(cells))
        lab.picture(f"quickstart-{name}")
        lab.shut_kernels()
    assert said[kernel] == said[embedded]
    assert announced[kernel].startswith(f"IPFS node: Kubo 0.43.0 at {daemon.api} (IPFS_COMM_KUBO_API names it)")
    assert announced[embedded] == "IPFS node: embedded, in memory, where nothing is kept"
    (hello,) = re.findall(r"\bQm\w{44}\b", said[embedded][1][0])
    assert daemon.call("cat", hello) == b"Hello from both sides!"


@CLIENTS
@pytest.mark.parametrize("content", ["Blob", "async iterable"])
def test_eight_mebibytes_go_up_and_come_back(lab: Lab, daemon: Daemon, client: str, content: str) -> None:
    found = lab.evaluate(
        f"""{OPEN}
        const bytes = new Uint8Array(8 * 2 ** 20);
        for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
        async function* pieces() {{
          for (let at = 0; at < bytes.length; at += 300_000) yield bytes.slice(at, at + 300_000);
        }}
        const seen = [];
        const given = argument.content === 'Blob' ? new Blob([bytes]) : pieces();
        const {{ cid }} = await client.add(given, {{ cidVersion: 1, progress: sent => seen.push(sent) }});
        const back = await lab.collect(client.cat(cid));
        return {{ cid: String(cid), sent: await sha(bytes), back: await sha(back), seen: seen.at(-1) }};""",
        {"client": client, "content": content},
    )
    assert found["back"] == found["sent"]
    assert found["seen"] == 8 * 2**20
    kept = daemon.call("cat", found["cid"])
    assert hashlib.sha256(kept).hexdigest() == found["sent"]
    assert daemon.add([Part("same", kept)], cid_version=1)[0].cid == found["cid"]


@CLIENTS
def test_a_cat_that_is_aborted_ends_the_daemon_s_work(lab: Lab, large: str, client: str) -> None:
    found = lab.evaluate(
        f"""{OPEN}
        const abort = new AbortController();
        let during;
        const {{ first, name }} = await interrupted(client.cat(argument.cid, {{ signal: abort.signal }}), async () => {{
          during = await working('cat');
          abort.abort();
        }});
        const begun = performance.now();
        while ((await working('cat')) && performance.now() - begun < 10_000);
        return {{ first, name, during, after: await working('cat') }};""",
        {"client": client, "cid": large},
    )
    assert found.pop("first") > 0
    assert found == {"name": "AbortError", "during": True, "after": False}


def test_a_page_can_ask_what_the_daemon_can_do(lab: Lab) -> None:
    found = lab.evaluate(
        f"""{OPEN}
        const {{ kind, version, unsupported }} = await client.capabilities();
        return {{ kind, version, unsupported }};""",
        {"client": "ours"},
    )
    unsupported = found.pop("unsupported")
    assert found == {"kind": "kubo", "version": "0.43.0"}
    assert "name.pubsub.subs" in unsupported
    assert not {"pubsub.subscribe", "swarm.connect", "add"} & set(unsupported)


def test_a_page_hears_what_the_daemon_publishes(lab: Lab, daemon: Daemon) -> None:
    lab.evaluate(
        f"""{OPEN}
        window.heard = [];
        window.listening = client;
        await client.pubsub.subscribe('news', message => heard.push(message));""",
        {"client": "ours"},
    )
    topic = "u" + base64.urlsafe_b64encode(b"news").decode().rstrip("=")
    messages = [f"message {number}" for number in range(5)]
    for message in messages:
        daemon.call("pubsub/pub", topic, files=[message.encode()])
    lab.wait("count => heard.length >= count", len(messages))
    found = lab.evaluate(
        """await listening.pubsub.unsubscribe('news');
        const begun = performance.now();
        while ((await working('pubsub/sub')) && performance.now() - begun < 10_000);
        const texts = heard.map(({ data }) => new TextDecoder().decode(data));
        const origins = new Set(heard.map(({ from, topic }) => `${topic} from ${from}`));
        return [texts, [...origins], await working('pubsub/sub')];"""
    )
    assert found == [messages, [f"news from {json.loads(daemon.call('id'))['ID']}"], False]


READ = "await ipfs.cat(cid, offset=2**20, length=5)"
READ_IN_PAGE = """%%ipfs_js
for await (const chunk of ipfs.cat('{cid}', { length: 1000 }));
return 'read in the page';
"""


@pytest.fixture
def restarted(tmp_path: Path) -> Iterator[Restarted]:
    with ExitStack() as stack:
        yield Restarted(Repository(tmp_path / "repo"), stack)


def test_a_daemon_that_is_killed_and_comes_back_needs_no_new_page_and_no_new_kernel(
    server: Server,
    restarted: Restarted,
    open_lab: Callable[..., Lab],
    page_library: str,
    message_port_client: str,
) -> None:
    cid = restarted.daemon.add([Part("large", bytes(LARGE))], cid_version=1)[0].cid
    kernel = server.add_kernel("killed", IPFS_COMM_NODE="kubo", IPFS_PATH=str(restarted.repository.folder))
    in_page = READ_IN_PAGE.replace("{cid}", cid)
    lab = open_lab(server, server.write("killed.ipynb", f"{LOAD}\ncid = '{cid}'", READ, in_page, kernel=kernel))
    lab.run_cell(0)
    assert lab.run_cell(1)[-1]["data"]["text/plain"] == repr(bytes(5))
    lab.load_clients(page_library, message_port_client)
    lab.page.expose_function("kill", restarted.kill)
    for client in ("ours", "theirs"):
        broken, refused = lab.evaluate(
            f"""{OPEN}
            const broken = await interrupted(client.cat(argument.cid), kill);
            const refused = await client.add('meanwhile').then(() => ({{}}), error => error);
            window.clients = {{ ...window.clients, [argument.client]: client }};
            return [broken, {{ code: refused.code, message: refused.message }}];""",
            {"client": client, "cid": cid},
        )
        assert broken.pop("first") > 0
        for error in (broken, refused):
            assert error["code"] == "ERR_UNREACHABLE"
            assert "`ipfs daemon`" in error["message"]
        restarted.start()
        found = lab.evaluate(
            "return (await lab.collect(clients[argument.client].cat(argument.cid, { length: 1000 }))).length;",
            {"client": client, "cid": cid},
        )
        assert found == 1000
    restarted.kill()
    lab.run_cell(1)
    lab.run_cell(2)
    for index in (1, 2):
        assert "cannot be reached" in lab.text(index)
        assert "`ipfs daemon`" in lab.text(index)
    lab.picture("kubo-gone")
    restarted.start()
    assert lab.run_cell(1)[-1]["data"]["text/plain"] == repr(bytes(5))
    lab.run_cell(2)
    assert "read in the page" in lab.text(2)
    lab.picture("kubo-back")
