"""The unmodified ipfs-message-port-client in a page of JupyterLab, over `connect`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser.lab import Lab, Server


@pytest.fixture(scope="module")
def notebook(server: Server) -> str:
    """Return a notebook whose only cell loads the extension."""
    return server.write("client.ipynb", "%load_ext ipfs_comm", "import time; time.sleep(4)")


@pytest.fixture(scope="module")
def lab(server: Server, notebook: str, open_shared_lab: Callable[..., Lab], page_library: str, message_port_client: str) -> Lab:
    """Return a page with the extension loaded and both libraries in it."""
    opened = open_shared_lab(server, notebook)
    opened.run_cell(0)
    assert opened.errors(0) == []
    opened.load_module("ours", page_library)
    opened.load_module("theirs", message_port_client)
    return opened


ALL_BYTES = "const parts = []; for await (const part of client.cat(cid)) parts.push(part); const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());"
OPEN = "const port = await ours.connect(kernel, argument ?? {}); const client = theirs.IPFSClient.from(port);"


@pytest.mark.parametrize("native", [False, True], ids=["our port", "native port"])
def test_adds_and_cats(lab: Lab, native: bool) -> None:
    found = lab.evaluate(
        OPEN + "const { cid } = await client.add('hello'); " + ALL_BYTES + "return [String(cid), new TextDecoder().decode(bytes)];", {"native": native}
    )
    assert found == ["QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", "hello"]


@pytest.mark.parametrize("native", [False, True], ids=["our port", "native port"])
def test_adds_and_cats_twenty_mebibytes(lab: Lab, native: bool) -> None:
    found = lab.evaluate(
        OPEN
        + "const data = new Uint8Array(20 * 2 ** 20); for (let i = 0; i < data.length; i += 4096) data[i] = i / 4096;"
        + "const { cid } = await client.add(data); "
        + ALL_BYTES
        + "return bytes.length === data.length && bytes.every((byte, i) => byte === data[i]);",
        {"native": native},
    )
    assert found is True


def test_adds_from_an_async_iterable_with_progress(lab: Lab) -> None:
    found = lab.evaluate(
        OPEN
        + "const seen = []; async function* chunks() { for (let i = 0; i < 10; i++) yield new Uint8Array(100_000).fill(i); }"
        + "const { cid, size } = await client.add(chunks(), { progress: n => seen.push(n) }); "
        + ALL_BYTES
        + "return [bytes.length, seen.at(-1), bytes[999_999]];"
    )
    assert found == [1_000_000, 1_000_000, 9]


def test_puts_and_gets_a_dag_with_links(lab: Lab) -> None:
    found = lab.evaluate(
        OPEN
        + "const leaf = await client.dag.put({ n: 1 }, { format: 'dag-cbor', hashAlg: 'sha2-256' });"
        + "const root = await client.dag.put({ leaf, text: 'root' }, { format: 'dag-cbor', hashAlg: 'sha2-256' });"
        + "const { value } = await client.dag.get(root); const deep = await client.dag.get(root, { path: '/leaf/n' });"
        + "return [theirs.CID.asCID(value.leaf)?.equals(leaf) ?? String(value.leaf) === String(leaf), value.text, deep.value];"
    )
    assert found == [True, "root", 1]


def test_answers_while_a_cell_runs(lab: Lab) -> None:
    lab.start_cell(1)
    lab.wait("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'")
    found = lab.evaluate(OPEN + "const { cid } = await client.add('busy'); return [String(cid).slice(0, 2), kernel.status];")
    assert found == ["Qm", "busy"]


def test_works_on_a_second_connection_of_the_page_to_the_kernel(lab: Lab) -> None:
    found = lab.evaluate(
        "while (kernel.status !== 'idle') await new Promise(done => kernel.statusChanged.connect(done)); const second = kernel.clone(); try { const port = await ours.connect(second); const client = theirs.IPFSClient.from(port);"
        "return [second.handleComms, String((await client.add('second')).cid).slice(0, 2)]; } finally { second.dispose(); }"
    )
    assert found == [False, "Qm"]


def test_works_over_an_ordinary_comm_where_control_is_silent(lab: Lab) -> None:
    found = lab.evaluate(
        "const deaf = new Proxy(kernel, { get(target, key) { if (key === 'sendControlMessage') return () => ({ dispose() {} });"
        "const value = Reflect.get(target, key); return typeof value === 'function' ? value.bind(target) : value; } });"
        "const client = theirs.IPFSClient.from(await ours.connect(deaf)); const { cid } = await client.add(new Uint8Array(3_000_000)); "
        + ALL_BYTES
        + "return bytes.length;"
    )
    assert found == 3_000_000


def test_an_aborted_connect_rejects_with_the_reason(lab: Lab) -> None:
    found = lab.evaluate("return ours.connect(kernel, { signal: AbortSignal.abort(new Error('enough')) }).catch(error => error.message);")
    assert found == "enough"


def test_leaves_no_pending_futures_behind(lab: Lab) -> None:
    found = lab.evaluate(
        OPEN
        + "const before = kernel._futures.size; for (let i = 0; i < 20; i++) await client.add('f' + i); return kernel._futures.size - before;"
    )
    assert found == 0
