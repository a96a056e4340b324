"""The unmodified ipfs-message-port-client in a page of JupyterLab, over `connect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Lab, Server


@pytest.fixture(scope="module")
def notebook(server: Server) -> str:
    """Return a notebook whose only cell loads the extension."""
    return server.write("client.ipynb", "%load_ext ipfs_comm", "import time; time.sleep(4)")


@pytest.fixture(scope="module")
def lab(
    server: Server, notebook: str, open_shared_lab: Callable[..., Lab], page_library: str, message_port_client: str
) -> Lab:
    """Return a page with the extension loaded and both libraries in it."""
    opened = open_shared_lab(server, notebook)
    opened.run_cell(0)
    assert opened.errors(0) == []
    opened.load_clients(page_library, message_port_client)
    return opened


PORTS = pytest.mark.parametrize("native", [False, True], ids=["our port", "native port"])


@PORTS
def test_adds_and_cats(lab: Lab, native: bool) -> None:
    found = lab.evaluate(
        """const client = await lab.client(argument);
        const { cid } = await client.add('hello');
        return [String(cid), new TextDecoder().decode(await lab.collect(client.cat(cid)))];""",
        {"native": native},
    )
    assert found == ["QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", "hello"]


@PORTS
def test_adds_and_cats_twenty_mebibytes(lab: Lab, native: bool) -> None:
    found = lab.evaluate(
        """const client = await lab.client(argument);
        const data = new Uint8Array(20 * 2 ** 20);
        for (let i = 0; i < data.length; i += 4096) data[i] = i / 4096;
        const { cid } = await client.add(data);
        const bytes = await lab.collect(client.cat(cid));
        return bytes.length === data.length && bytes.every((byte, i) => byte === data[i]);""",
        {"native": native},
    )
    assert found is True


def test_adds_from_an_async_iterable_with_progress(lab: Lab) -> None:
    found = lab.evaluate(
        """const client = await lab.client();
        const seen = [];
        async function* chunks() { for (let i = 0; i < 10; i++) yield new Uint8Array(100_000).fill(i); }
        const { cid } = await client.add(chunks(), { progress: n => seen.push(n) });
        const bytes = await lab.collect(client.cat(cid));
        return [bytes.length, seen.at(-1), bytes[999_999]];"""
    )
    assert found == [1_000_000, 1_000_000, 9]


def test_puts_and_gets_a_dag_with_links(lab: Lab) -> None:
    found = lab.evaluate(
        """const client = await lab.client();
        const options = { format: 'dag-cbor', hashAlg: 'sha2-256' };
        const leaf = await client.dag.put({ n: 1 }, options);
        const root = await client.dag.put({ leaf, text: 'root' }, options);
        const { value } = await client.dag.get(root);
        const deep = await client.dag.get(root, { path: '/leaf/n' });
        return [String(value.leaf) === String(leaf), value.text, deep.value];"""
    )
    assert found == [True, "root", 1]


def test_answers_while_a_cell_runs(lab: Lab) -> None:
    lab.start_cell(1)
    lab.wait("() => lab.kernel.status === 'busy'")
    found = lab.evaluate(
        """const client = await lab.client();
        const { cid } = await client.add('busy');
        return [String(cid).slice(0, 2), kernel.status];"""
    )
    assert found == ["Qm", "busy"]
    lab.wait("() => lab.idle")


def test_works_on_a_second_connection_of_the_page_to_the_kernel(lab: Lab) -> None:
    found = lab.evaluate(
        """const second = kernel.clone();
        try {
          const client = theirs.IPFSClient.from(await ours.connect(second));
          return [second.handleComms, String((await client.add('second')).cid).slice(0, 2)];
        } finally {
          second.dispose();
        }"""
    )
    assert found == [False, "Qm"]


def test_works_over_an_ordinary_comm_where_control_is_silent(lab: Lab) -> None:
    found = lab.evaluate(
        """const deaf = new Proxy(kernel, {
          get(target, key) {
            if (key === 'sendControlMessage') return () => ({ dispose() {} });
            const value = Reflect.get(target, key);
            return typeof value === 'function' ? value.bind(target) : value;
          }
        });
        const client = theirs.IPFSClient.from(await ours.connect(deaf));
        const { cid } = await client.add(new Uint8Array(3_000_000));
        return (await lab.collect(client.cat(cid))).length;"""
    )
    assert found == 3_000_000


def test_an_aborted_connect_rejects_with_the_reason(lab: Lab) -> None:
    found = lab.evaluate(
        """const signal = AbortSignal.abort(new Error('enough'));
        return ours.connect(kernel, { signal }).catch(error => error.message);"""
    )
    assert found == "enough"


def test_leaves_no_pending_futures_behind(lab: Lab) -> None:
    found = lab.evaluate(
        """const client = await lab.client();
        const before = kernel._futures.size;
        for (let i = 0; i < 20; i++) await client.add('f' + i);
        return kernel._futures.size - before;"""
    )
    assert found == 0
