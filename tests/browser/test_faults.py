"""Transfers in a page while the channel, the server or the page itself misbehaves; contents are compared by hash."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Lab, Server

#: A page that goes may find no room left in its websocket to say so: then its silence tells, here soon.
LOAD = """
get_ipython().config.IPFSComm.limits = {"ping_after": 3, "expire_after": 12}
%load_ext ipfs_comm
"""
FLOOD = "for _ in range(20_000): print('x' * 1_000)"
#: How many links are open, once there are no more than `expected`, or have been more for longer than they may.
COUNT = """
import asyncio, gc, time
from ipfs_comm.wire import Link
def open_links():
    gc.collect()
    return sum(isinstance(thing, Link) and thing.error is None for thing in gc.get_objects())
deadline = time.monotonic() + 30
while (found := open_links()) > {expected} and time.monotonic() < deadline:
    await asyncio.sleep(0.2)
print(found)
"""

#: Up and down through the unmodified client, with `trouble(share)` called on the way; says whether bytes came back.
BOTH = """
const size = argument.size;
const bytes = new Uint8Array(size);
for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, size)));
const sha = async data => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', data))).join();
const client = await lab.client();
async function* pieces() {
  for (let at = 0; at < size; at += 262144) {
    await trouble(at / size);
    yield bytes.slice(at, at + 262144);
  }
}
const { cid } = await client.add(pieces());
const parts = [];
let got = 0;
for await (const part of client.cat(cid)) {
  parts.push(part);
  got += part.byteLength;
  await trouble(got / size);
}
return [(await sha(bytes)) === (await sha(await new Blob(parts).arrayBuffer())), got];
"""
SIZE = 12 * 2**20


@pytest.fixture
def lab(
    server: Server,
    open_lab: Callable[..., Lab],
    page_library: str,
    message_port_client: str,
    request: pytest.FixtureRequest,
) -> Lab:
    """A notebook with the extension loaded, and both libraries in the page."""
    lab = open_lab(
        server,
        server.write(f"{request.node.name}.ipynb", LOAD, FLOOD, COUNT.format(expected=0), COUNT.format(expected=1)),
    )
    lab.run_cell(0)
    lab.load_clients(page_library, message_port_client)
    return lab


def both_ways(lab: Lab, trouble: str) -> None:
    """Send and fetch, `trouble` being the body of a function of the share that has gone."""
    same, size = lab.evaluate(f"const trouble = async share => {{ {trouble} }};\n{BOTH}", {"size": SIZE})
    assert size == SIZE
    assert same


def test_a_print_flood_of_20_mb_loses_nothing_of_a_transfer(lab: Lab) -> None:
    both_ways(lab, "if (!window.flooded) { window.flooded = true; lab.start(1); }")
    lab.wait("() => lab.ran(1, null)")


def test_a_websocket_that_is_cut_again_and_again_loses_nothing(lab: Lab) -> None:
    # JupyterLab's own reconnection, ten times each way.
    both_ways(
        lab,
        """
        window.cuts ??= 0;
        if (window.cuts < 20 && share * 10 >= window.cuts % 10) {
          window.cuts++;
          kernel._ws.close();
          await lab.until(() => kernel.connectionStatus !== 'connected');
        }
        """,
    )
    assert lab.evaluate("return window.cuts") == 20


def test_a_server_that_stands_still_for_two_seconds_loses_nothing(server: Server, lab: Lab) -> None:
    lab.page.expose_function("standStill", lambda: server.signal(signal.SIGSTOP, seconds=2, then=signal.SIGCONT))
    both_ways(lab, "if (share > 0.3 && !window.stopped) { window.stopped = true; await standStill(); }")


def test_a_page_reloaded_in_mid_transfer_starts_afresh_and_leaves_nothing_in_the_kernel(
    lab: Lab, page_library: str, message_port_client: str
) -> None:
    lab.evaluate(
        """
        const client = await lab.client();
        const half = new Promise(resolve => (window.half = resolve));
        async function* endless() {
          for (let piece = 0; ; piece++) {
            if (piece === 20) window.half();
            yield new Uint8Array(262144);
          }
        }
        client.add(endless()).catch(() => undefined);
        await half;
        """
    )
    lab.reload()
    lab.load_clients(page_library, message_port_client)
    both_ways(lab, "")
    lab.run_cell(3)
    assert lab.text(3).strip() == "1"


def test_a_page_that_leaves_two_thousand_streams_early_keeps_no_link_of_its_own(lab: Lab) -> None:
    left = lab.evaluate(
        """
        const port = await ours.connect(kernel);
        const client = theirs.IPFSClient.from(port);
        const { cid } = await client.add('small');
        for (let batch = 0; batch < 20; batch++) {
          await Promise.all(Array.from({ length: 100 }, async () => { for await (const _ of client.cat(cid)) break; }));
        }
        port.close();
        return kernel.status;
        """
    )
    assert left in ("idle", "busy")
    lab.run_cell(2)
    assert lab.text(2).strip() == "0"
