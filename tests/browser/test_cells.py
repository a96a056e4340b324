"""What a ``%%ipfs_js`` cell does in a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Lab, Server

LOAD = "%load_ext ipfs_comm"

#: Any text that only a page that ran the cell could have made.
COUNT = "localStorage.runs = Number(localStorage.runs ?? 0) + 1;"


def runs(lab: Lab) -> int:
    """How often cells with `COUNT` have run in this browser."""
    return int(lab.page.evaluate("() => Number(localStorage.runs ?? 0)"))


def test_returns_its_value_to_python(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write(
        "value.ipynb",
        LOAD,
        "%%ipfs_js -o made\nconst { cid } = await ipfs.add('from the page'); return { cid, n: [1, 2n, null] }",
        "made['n'], await ipfs.cat(made['cid'])",
    )
    lab = open_lab(server, name)
    lab.run_all()
    lab.finished()
    assert "([1, 2, None], b'from the page')" in lab.text(2)


def test_an_exception_in_the_page_is_an_exception_of_the_cell(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write("error.ipynb", LOAD, "%%ipfs_js\nconst a = 1;\nnull.nothing;\n")
    lab = open_lab(server, name)
    lab.run_cell(0)
    text = lab.run_cell(1)
    assert any(output["output_type"] == "error" for output in text)
    assert "Cannot read properties of null" in lab.text(1)
    assert ":2:" in lab.text(1), "the stack does not name the cell's own second line"


def test_a_value_that_cannot_be_cloned_is_an_error_that_says_so(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write("uncloneable.ipynb", LOAD, "%%ipfs_js\nreturn { f: () => 1 }")
    lab = open_lab(server, name)
    lab.run_cell(0)
    lab.run_cell(1)
    assert "DataCloneError" in lab.text(1)


BUTTON = """%%ipfs_js
const button = document.createElement('button');
button.id = 'live';
button.onclick = async () => { button.textContent = String((await ipfs.add('clicked')).cid); };
element.append(button);
"""


def test_what_it_drew_stays_alive_after_the_cell_is_done(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(server, server.write("alive.ipynb", LOAD, BUTTON))
    lab.run_cell(0)
    lab.run_cell(1)
    lab.page.click("#live")
    lab.wait("() => document.querySelector('#live').textContent.length > 40")


def test_what_it_drew_stays_alive_when_the_cell_moves(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(server, server.write("moves.ipynb", LOAD, BUTTON))
    lab.run_cell(0)
    lab.run_cell(1)
    lab.page.evaluate("() => window.jupyterapp.commands.execute('notebook:move-cell-up')")
    lab.wait("() => lab.cell(0).sharedModel.getSource().startsWith('%%ipfs_js')")
    lab.page.click("#live")
    lab.wait("() => document.querySelector('#live').textContent.length > 40")


TALL = """%%ipfs_js
localStorage.runs = Number(localStorage.runs ?? 0) + 1;
const tall = document.createElement('p');
tall.style.height = '400px';
element.append(tall);
return {index}
"""


def test_cells_far_below_the_visible_part_run_too(server: Server, open_lab: Callable[..., Lab]) -> None:
    cells = [TALL.replace("{index}", str(index)) for index in range(12)]
    lab = open_lab(server, server.write("far.ipynb", LOAD, *cells))
    lab.run_all()
    lab.finished()
    assert [lab.text(i + 1).strip().splitlines()[-1] for i in range(12)] == [str(i) for i in range(12)]
    assert runs(lab) == 12


#: Waits in the kernel until the links that were open in the round before are over.
ROUND = """import asyncio
from ipfs_comm.extension import loaded
earlier, links = globals().get('links', ()), loaded()._acceptors["ipfs_comm"].links
async def over():
    async with asyncio.timeout(20):
        for link in earlier: await asyncio.shield(link.ended)
await loaded()._runtime.call(over)
print(len(earlier), 'over')"""


def test_cells_far_below_the_visible_part_end_their_links_when_they_run_again(
    server: Server, open_lab: Callable[..., Lab]
) -> None:
    cells = [TALL.replace("{index}", str(index)) for index in range(12)]
    lab = open_lab(server, server.write("again.ipynb", LOAD, *cells, ROUND))
    lab.run_all()
    lab.finished()
    assert "0 over" in lab.text(13)
    lab.run_all()
    lab.wait("() => lab.state(13).outputs.length > 0 && !JSON.stringify(lab.state(13).outputs).includes('0 over')")
    assert "12 over" in lab.text(13)


def test_a_cell_that_drew_nothing_ends_its_link_with_its_result(server: Server, open_lab: Callable[..., Lab]) -> None:
    ended = ROUND.replace("earlier, links = globals().get('links', ()), ", "earlier = ")
    lab = open_lab(server, server.write("nothing.ipynb", LOAD, "%%ipfs_js\nreturn 1", ended))
    lab.run_all()
    lab.finished()
    assert "over" in lab.text(2)
    assert not lab.errors(2)


def test_a_blob_that_a_cell_returned_can_be_read_after_it(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write(
        "blob.ipynb", LOAD, "%%ipfs_js -o made\nreturn [new Map([[1, new Blob(['lent'])]])]", "await made[0][1].read()"
    )
    lab = open_lab(server, name)
    lab.run_all()
    lab.finished()
    assert "b'lent'" in lab.text(2)


def test_a_second_view_of_the_notebook_runs_nothing_again(server: Server, open_lab: Callable[..., Lab]) -> None:
    drawing = f"%%ipfs_js\n{COUNT}\nelement.textContent = 'drawn once'; return 1"
    lab = open_lab(server, server.write("views.ipynb", LOAD, drawing))
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:clone')")
    lab.wait(
        "() => [...jupyterapp.shell.widgets('main')].filter(w => w.context?.path === 'views.ipynb').length === 2",
    )
    lab.run_all()
    lab.finished()
    assert runs(lab) == 1
    assert lab.page.get_by_text("drawn once", exact=True).count() >= 1


PICTURE = """%%ipfs_js
localStorage.runs = Number(localStorage.runs ?? 0) + 1;
const canvas = document.createElement('canvas');
canvas.width = canvas.height = 20;
canvas.getContext('2d').fillRect(0, 0, 20, 20);
const { cid } = await ipfs.add(await new Promise(done => canvas.toBlob(done)));
const parts = [];
for await (const part of ipfs.cat(cid)) parts.push(part);
const image = new Image();
image.src = URL.createObjectURL(new Blob(parts, { type: 'image/png' }));
element.append(image);
const script = document.createElement('script');
script.textContent = 'localStorage.scripted = Number(localStorage.scripted ?? 0) + 1';
element.append(script);
return 'done once';
"""


def test_reload_shows_what_is_stored_and_runs_nothing(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(server, server.write("reload.ipynb", LOAD, PICTURE))
    lab.run_all()
    lab.finished()
    lab.save()
    lab.reload()
    lab.wait("() => [...document.querySelectorAll('.jp-OutputArea img')].some(image => image.naturalWidth === 20)")
    sources = lab.page.evaluate("() => [...document.querySelectorAll('.jp-OutputArea img')].map(image => image.src)")
    assert [source[:22] for source in sources] == ["data:image/png;base64,"]
    assert runs(lab) == 1
    assert lab.page.evaluate("() => localStorage.scripted") == "1"
    assert "done once" in lab.shown(1)


def test_a_notebook_of_somebody_else_runs_nothing(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write("theirs.ipynb", LOAD, f"%%ipfs_js\n{COUNT}\nreturn 1")
    notebook = server.saved(name)
    bundle = {"version": 1, "token": "A" * 32, "state": "waiting"}
    evil = "<img src=x onerror='localStorage.runs = 7'><b>stored</b>"
    data = {"application/vnd.ipfs-comm.cell+json": bundle, "text/html": evil, "text/plain": "stored"}
    notebook.cells[1].outputs = [nbformat.v4.new_output("display_data", data=data)]
    nbformat.write(notebook, server.notebooks / name)
    lab = open_lab(server, name)
    lab.run_cell(0)
    lab.page.evaluate("() => { void jupyterapp.commands.execute('notebook:trust'); }")
    lab.page.click(".jp-Dialog .jp-mod-accept")
    lab.wait("() => [...lab.panel.content.model.cells].every(cell => cell.trusted)")
    lab.wait("() => lab.panel.content.widgets[1].outputArea.node.innerText.includes('stored')")
    assert runs(lab) == 0


FOREVER = """%%ipfs_js
element.textContent = 'begun';
await new Promise(done => signal.addEventListener('abort', done));
localStorage.aborted = 'yes';
"""


def test_interrupting_the_kernel_aborts_the_cell_in_the_page(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(server, server.write("interrupt.ipynb", LOAD, FOREVER))
    lab.run_cell(0)
    lab.start_cell(1)
    lab.wait("() => document.querySelector('.jp-ipfs-comm-live')?.textContent === 'begun'")
    lab.evaluate("await kernel.interrupt();")
    lab.wait("() => localStorage.aborted === 'yes'")
    lab.finished()
    assert any(output["output_type"] == "error" for output in lab.outputs(1))


def test_works_in_notebook_7(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write("seven.ipynb", LOAD, f"%%ipfs_js\n{COUNT}\nreturn String((await ipfs.add('seven')).cid)")
    lab = open_lab(server, name, app="notebook")
    lab.run_cell(0)
    lab.run_cell(1)
    assert "Qm" in lab.text(1)
    assert runs(lab) == 1
