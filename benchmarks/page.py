"""How fast does a page in JupyterLab reach the node in its kernel?

One round trip, and ``add`` and ``cat`` of 64 MiB through our own client over ``connect(kernel)``, in a real
JupyterLab in Chromium, beside an echo over the ordinary comm in the same run.
"""

from __future__ import annotations

import json

from harness.chromium import jupyterlab
from harness.clients import LIBRARY
from harness.server import running
from harness.sheet import Row, Sheet, middle

QUESTION = "How fast does a page in JupyterLab reach the node in its kernel?"

RUNS = 5
MIB = 64

SETUP = """
(async () => {
  const app = window.jupyterapp;
  const kernel = await app.serviceManager.kernels.startNew({ name: 'python3' });
  await kernel.info;
  const run = async code => {
    const reply = await kernel.requestExecute({ code }).done;
    if (reply.content.status !== 'ok') throw new Error(reply.content.evalue);
  };
  await run(`
%load_ext ipfs_comm
def echo(comm, message):
    @comm.on_msg
    def answer(m):
        comm.send(m["content"]["data"], buffers=m["buffers"])
get_ipython().kernel.comm_manager.register_target("echo", echo)
`);
  const source = new Blob([%(library)s], { type: 'text/javascript' });
  const { connect, IPFSClient } = await import(URL.createObjectURL(source));
  const port = await connect(kernel);
  window.bench = { kernel, port, ipfs: IPFSClient.from(port), run };
  return true;
})()
"""

COMM = """
(async () => {
  const comm = window.bench.kernel.createComm('echo');
  let wake;
  comm.onMsg = () => { wake(); };
  comm.open({});
  if (comm.subshellStarted) await Promise.race([comm.subshellStarted, new Promise(r => setTimeout(r, 1000))]);
  const call = buffers => new Promise(resolve => { wake = resolve; comm.send({}, {}, buffers); });
  await call([]);
  const times = [];
  for (let i = 0; i < 50; i++) { const t = performance.now(); await call([]); times.push(performance.now() - t); }
  comm.close();
  return times;
})()
"""

ROUND_TRIP = """
(async () => {
  const { ipfs } = window.bench;
  const cid = await ipfs.block.put(new Uint8Array([1, 2, 3]));
  const times = [];
  for (let i = 0; i < 200; i++) {
    const t = performance.now();
    await ipfs.block.stat(cid);
    times.push(performance.now() - t);
  }
  return times;
})()
"""

STREAM = """
(async () => {
  const { ipfs } = window.bench;
  const bytes = new Uint8Array(%(mib)d * 1048576);
  for (let i = 0; i < bytes.length; i += 65536) crypto.getRandomValues(bytes.subarray(i, i + 65536));
  let t = performance.now();
  const { cid } = await ipfs.add(bytes);
  const add = performance.now() - t;
  t = performance.now();
  let length = 0;
  for await (const chunk of ipfs.cat(cid)) length += chunk.byteLength;
  const cat = performance.now() - t;
  if (length !== bytes.length) throw new Error(`cat gave ${length} bytes`);
  return { add, cat };
})()
"""


#: MiB/s of js-ipfs in a SharedWorker, as measured once on such a machine.
BOUNDS = {"add": 18.6, "cat": 145.0}


def main() -> None:
    """Measure, print the table and keep it."""
    sheet = Sheet(QUESTION, "page")
    with running() as server, jupyterlab(server) as (page, _):
        page.evaluate(SETUP.replace("%(library)s", json.dumps(LIBRARY.read_text("utf-8"))))
        trips = page.evaluate(ROUND_TRIP)
        ordinary = page.evaluate(COMM)
        page.evaluate(STREAM % {"mib": 8})
        streams = [page.evaluate(STREAM % {"mib": MIB}) for _ in range(RUNS)]
    sheet.add(
        Row(
            "block.stat, one at a time",
            "ms",
            "lower",
            middle(trips),
            middle(ordinary),
            "echo over the ordinary comm",
            target=1,
        )
    )
    for verb, bound in BOUNDS.items():
        speed = MIB * 1000 / middle([stream[verb] for stream in streams])
        reference = "js-ipfs in a SharedWorker, as measured once on such a machine"
        sheet.add(Row(f"{verb} {MIB} MiB", "MiB/s", "higher", speed, bound, reference, target=1))
    sheet.save()


if __name__ == "__main__":
    main()
