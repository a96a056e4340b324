"""A native port, in the hands of the unmodified client: in a dedicated worker, and in a sandboxed iframe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browser.lab import Lab, Server

#: Runs the body of an async function elsewhere, with `IPFSClient` and `port` in scope; `end()` ends the place.
ELSEWHERE = """
const SCRIPT = `
onmessage = async ({ data: { client, body }, ports: [port, reply] }) => {
  onmessage = null;
  try {
    const { IPFSClient } = await import(URL.createObjectURL(new Blob([client], { type: 'text/javascript' })));
    const run = new Function('IPFSClient', 'port', 'tell', 'return (async () => {' + body + '})()');
    reply.postMessage({ value: await run(IPFSClient, port, told => reply.postMessage({ told })) });
  } catch (error) {
    reply.postMessage({ error: String(error?.stack ?? error) });
  }
};`;

function worker() {
  const url = URL.createObjectURL(new Blob([SCRIPT], { type: 'text/javascript' }));
  const made = new Worker(url);
  return { post: (data, ports) => made.postMessage(data, ports), end: () => made.terminate() };
}

async function frame() {
  const made = document.createElement('iframe');
  made.sandbox = 'allow-scripts';
  made.srcdoc = `<script>${SCRIPT}</scr` + 'ipt>';
  const loaded = new Promise(resolve => made.addEventListener('load', resolve, { once: true }));
  document.body.append(made);
  await loaded;
  return { post: (data, ports) => made.contentWindow.postMessage(data, '*', ports), end: () => made.remove() };
}

const places = [];

/** Run the body there; `onTold` hears what it tells meanwhile. */
export async function run(where, client, port, body, onTold = () => undefined) {
  const place = await (where === 'worker' ? worker() : frame());
  places.push(place);
  const { port1, port2 } = new MessageChannel();
  const result = new Promise((resolve, reject) => {
    port1.onmessage = ({ data }) => {
      if ('told' in data) onTold(data.told);
      else if ('error' in data) reject(new Error(data.error));
      else resolve(data.value);
    };
  });
  place.post({ client, body }, [port, port2]);
  return result;
}

export function end() {
  for (const place of places.splice(0)) place.end();
}
"""

WHERE = pytest.mark.parametrize("where", ["worker", "frame"])

ADD_AND_CAT = """
const client = IPFSClient.from(port);
const { cid } = await client.add('hello');
let text = '';
for await (const part of client.cat(cid)) text += new TextDecoder().decode(part);
return [String(cid), text, self.origin];
"""

TWENTY_MEBIBYTES = """
const client = IPFSClient.from(port);
const data = new Uint8Array(20 * 2 ** 20);
for (let i = 0; i < data.length; i += 4096) data[i] = i / 4096;
const { cid } = await client.add(data);
let at = 0;
let same = true;
for await (const part of client.cat(cid)) for (const byte of part) same &&= byte === data[at++];
return [at, same];
"""

STREAMS = """
const client = IPFSClient.from(port);
const seen = [];
async function* chunks() { for (let i = 0; i < 10; i++) yield new Uint8Array(100_000).fill(i); }
const { cid } = await client.add(chunks(), { progress: n => seen.push(n) });
const file = await client.add({ path: 'a.txt', content: new Blob(['of a Blob']) });
const leaf = await client.dag.put({ n: 1 }, { format: 'dag-cbor', hashAlg: 'sha2-256' });
const root = await client.dag.put({ leaf }, { format: 'dag-cbor', hashAlg: 'sha2-256' });
const { value } = await client.dag.get(root, { path: '/leaf/n' });
const { size } = await client.files.stat('/ipfs/' + cid);
const failure = await client.block.get(cid, { timeout: 5_000 }).then(() => '', error => error.message);
return [seen.at(-1), file.path, value, size, failure];
"""

#: Takes two parts of a stream of 64 MiB, waits, and takes the rest.
SLOW_READER = """
const client = IPFSClient.from(port);
const { cid } = await client.add(new Uint8Array(64 * 2 ** 20));
const parts = client.cat(cid)[Symbol.asyncIterator]();
let at = 0;
for (let i = 0; i < 2; i++) at += (await parts.next()).value.length;
tell('paused');
await new Promise(resolve => setTimeout(resolve, 1_500));
tell('goes on');
for (let next = await parts.next(); !next.done; next = await parts.next()) at += next.value.length;
return at;
"""


@pytest.fixture(scope="module")
def lab(server: Server, open_shared_lab: Callable[..., Lab], page_library: str, message_port_client: str) -> Lab:
    """Return a page with the extension loaded."""
    opened = open_shared_lab(server, server.write("native.ipynb", "%load_ext ipfs_comm"))
    opened.run_cell(0)
    assert opened.errors(0) == []
    opened.load_module("ours", page_library)
    opened.load_module("elsewhere", ELSEWHERE)
    opened.page.evaluate("source => { window.clientSource = source; }", message_port_client)
    return opened


@pytest.fixture(autouse=True)
def ended(lab: Lab) -> Iterator[None]:
    """End the workers and frames of a test."""
    yield
    lab.page.evaluate("() => elsewhere.end()")


def run(lab: Lab, where: str, body: str) -> Any:
    """Run the body in a worker or frame that has a native port, and return what it gives."""
    return lab.evaluate(
        """const { where, body } = argument;
        const port = await ours.connect(kernel, { native: true });
        if (!(port instanceof MessagePort)) throw new Error('no native port');
        return elsewhere.run(where, clientSource, port, body);""",
        {"where": where, "body": body},
    )


@WHERE
def test_the_unmodified_client_adds_and_cats(lab: Lab, where: str) -> None:
    cid, text, origin = run(lab, where, ADD_AND_CAT)
    assert (cid, text) == ("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", "hello")
    assert (origin == "null") is (where == "frame")


@WHERE
def test_twenty_mebibytes_come_back_whole(lab: Lab, where: str) -> None:
    assert run(lab, where, TWENTY_MEBIBYTES) == [20 * 2**20, True]


@WHERE
def test_streams_progress_blobs_links_and_errors_work(lab: Lab, where: str) -> None:
    progress, path, value, size, failure = run(lab, where, STREAMS)
    assert (progress, path, value, size) == (1_000_000, "a.txt", 1, 1_000_000)
    assert failure == ""


@WHERE
def test_a_reader_that_waits_is_sent_no_more_than_it_asked_for(lab: Lab, where: str) -> None:
    found = lab.evaluate(
        """const port = await ours.connect(kernel, { native: true });
        let bytes = 0;
        const original = MessagePort.prototype.postMessage;
        MessagePort.prototype.postMessage = function (message, transfer) {
          for (const part of transfer ?? []) bytes += part.byteLength ?? 0;
          return original.call(this, message, transfer);
        };
        const marks = {};
        try {
          const onTold = told => { marks[told] = bytes; };
          const got = await elsewhere.run(argument.where, clientSource, port, argument.body, onTold);
          return { ...marks, got };
        } finally {
          MessagePort.prototype.postMessage = original;
        }""",
        {"where": where, "body": SLOW_READER},
    )
    assert found["got"] == 64 * 2**20
    assert found["goes on"] - found["paused"] <= 2 * 2**20


#: How many links the kernel has.
LINKS = """
let text = '';
const code = 'from ipfs_comm.extension import loaded; print(len(loaded()._acceptors["ipfs_comm"].links))';
const future = kernel.requestExecute({ code, store_history: false });
future.onIOPub = ({ content }) => { text += content.text ?? ''; };
await future.done;
return Number(text);
"""


def collect_garbage(lab: Lab) -> None:
    """Have the page collect its garbage, as it does now and then by itself."""
    session = lab.page.context.new_cdp_session(lab.page)
    session.send("HeapProfiler.collectGarbage")
    session.detach()


@WHERE
def test_the_link_ends_when_the_place_of_its_port_is_gone(lab: Lab, where: str) -> None:
    collect_garbage(lab)
    lab.evaluate("window.links = async () => {" + LINKS.replace("kernel.", "lab.kernel.") + "};")
    before = lab.evaluate("return links();")
    run(lab, where, 'await IPFSClient.from(port).add("x"); return 1;')
    collect_garbage(lab)
    assert lab.evaluate("return links();") >= 1
    lab.page.evaluate("() => elsewhere.end()")
    collect_garbage(lab)
    lab.wait("async before => await links() < before + 1", before)


def test_objects_of_the_platform_cross_as_they_are(lab: Lab) -> None:
    found = lab.evaluate(
        """const { port1, port2 } = ours.channel();
        const crossed = value => new Promise((resolve, reject) => {
          port2.onmessage = ({ data }) => resolve(data);
          port2.onmessageerror = ({ data }) => reject(data);
          port1.postMessage(value);
        });
        const transfer = new DataTransfer();
        transfer.items.add(new File(['one'], '1.txt', { type: 'text/plain', lastModified: 5 }));
        transfer.items.add(new File(['two'], '2.txt'));
        const files = await crossed(transfer.files);
        const image = new ImageData(new Uint8ClampedArray(8).fill(7), 2, 1, { colorSpace: 'display-p3' });
        const { image: got, pixels } = await crossed({ image, pixels: image.data });
        return [
          files instanceof FileList, files.length, files[0].name, files[0].type, files[0].lastModified,
          await files[1].text(), got instanceof ImageData, got.width, got.height, got.colorSpace, [...got.data],
          got.data === pixels
        ];"""
    )
    assert found == [True, 2, "1.txt", "text/plain", 5, "two", True, 2, 1, "display-p3", [7] * 8, True]


@pytest.mark.parametrize(
    "source",
    [
        "document.body",
        "window",
        "frame.contentWindow",
        "foreign.contentWindow",
        "foreign.contentWindow.location",
        "new frame.contentWindow.Promise(() => 0)",
        "frame.contentDocument.body",
        "new DOMRect()",
        "new Proxy({}, {})",
        "await import('data:text/javascript,export const a = 1')",
    ],
)
def test_what_cannot_be_cloned_is_told_by_its_path(lab: Lab, source: str) -> None:
    found = lab.page.evaluate(
        """async source => {
          const frame = document.createElement('iframe');
          const foreign = document.createElement('iframe');
          foreign.sandbox = 'allow-scripts';
          document.body.append(frame, foreign);
          try {
            const make = Function('frame', 'foreign', `return (async () => ({ in: [${source}] }))()`);
            const value = await make(frame, foreign);
            ours.channel().port1.postMessage(value);
            return 'sent';
          } catch (error) {
            return [error.name, error.code, error.message.includes('message.in[0]')];
          } finally {
            frame.remove();
            foreign.remove();
          }
        }""",
        source,
    )
    assert found == ["DataCloneError", 25, True]


def test_objects_of_a_frame_are_cloned_as_those_of_the_page(lab: Lab) -> None:
    found = lab.page.evaluate(
        """async () => {
          const frame = document.createElement('iframe');
          document.body.append(frame);
          const value = frame.contentWindow.eval(`({
            map: new Map([[1, new Set([2])]]), error: new RangeError('far'), date: new Date(5), pattern: /a/g,
            bytes: new Uint8Array([7]), blob: new Blob(['x']), exception: new DOMException('m', 'AbortError'),
            box: Object(1n)
          })`);
          const { port1, port2 } = ours.channel();
          const got = await new Promise((resolve, reject) => {
            port2.onmessage = ({ data }) => resolve(data);
            port2.onmessageerror = ({ data }) => reject(data);
            port1.postMessage(value);
          });
          frame.remove();
          return [
            got.map.get(1).has(2), got.error instanceof RangeError, got.error.message, got.date.getTime(),
            String(got.pattern), [...got.bytes], got.blob instanceof Blob, got.exception instanceof DOMException,
            got.exception.name, got.box.valueOf() === 1n
          ];
        }"""
    )
    assert found == [True, True, "far", 5, "/a/g", [7], True, True, "AbortError", True]


#: What a guest with a port of the target "public" tries: what it may do, and then everything else.
GUEST = """
const client = IPFSClient.from(port);
let text = '';
const hello = 'QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX';
for await (const part of client.cat(hello)) text += new TextDecoder().decode(part);
const refused = async attempt => {
  try {
    await attempt();
    return 'allowed';
  } catch (error) {
    return error.code ?? error.name;
  }
};
const raw = (namespace, method) => new Promise((resolve, reject) => {
  const id = 'guest@' + namespace + method;
  port.addEventListener('message', ({ data }) => {
    if (data.id === id) data.result.ok ? resolve() : reject(data.result.error);
  });
  port.postMessage({ type: 'query', namespace, method, id, input: { read_only: false, admin: true } });
});
const server = SERVER;
return [
  text,
  await refused(() => client.add('more')),
  await refused(() => raw('repo', 'gc')),
  await refused(() => raw('pin', 'ls')),
  await refused(() => raw('core', 'addAll')),
  await refused(() => fetch(server + 'api/kernels', { credentials: 'include' })),
  await refused(() => parent.document),
  await refused(() => parent.jupyterapp),
  await refused(() => document.cookie),
  await refused(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(server.replace('http', 'ws') + 'api/kernels/KERNEL/channels');
    socket.onopen = resolve;
    socket.onerror = () => reject(new TypeError('no socket'));
  })),
];
"""


def test_a_sandboxed_frame_with_a_port_of_a_read_only_target_can_read_and_nothing_else(lab: Lab) -> None:
    body = GUEST.replace("SERVER", repr(lab.server.url)).replace("KERNEL", lab.evaluate("return kernel.id"))
    found = lab.evaluate(
        """const configure = `
from ipfs_comm.extension import loaded
from traitlets.config import Config
get_ipython().run_line_magic('unload_ext', 'ipfs_comm')
get_ipython().config.IPFSComm = Config(targets={'public': {'read_only': True, 'namespaces': ['core']}})
get_ipython().run_line_magic('load_ext', 'ipfs_comm')
ipfs.sync.add(b'hello')
`;
        const done = await kernel.requestExecute({ code: configure, store_history: false }).done;
        if (done.content.status !== 'ok') throw new Error(done.content.evalue);
        const port = await ours.connect(kernel, { native: true, target: 'public' });
        return elsewhere.run('frame', clientSource, port, argument.body);""",
        {"body": body},
    )
    text, *refusals = found
    assert text == "hello"
    assert refusals[:4] == ["ERR_DENIED", "RangeError", "RangeError", "ERR_DENIED"]
    assert "allowed" not in refusals
