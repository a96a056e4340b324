"""What a ``%%ipfs_js`` cell does in a page."""

from __future__ import annotations

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
        "value.ipynb", LOAD, "%%ipfs_js -o made\nconst { cid } = await ipfs.add('from the page'); return { cid, n: [1, 2n, null] }", "made['n'], await ipfs.cat(made['cid'])"
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


def test_what_it_drew_stays_alive_after_the_cell_is_done(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write(
        "alive.ipynb",
        LOAD,
        "%%ipfs_js\nconst b = document.createElement('button'); b.id = 'live'; b.textContent = 'add';\n"
        "b.onclick = async () => { b.textContent = String((await ipfs.add('clicked')).cid); };\nelement.append(b); return 'drawn';",
    )
    lab = open_lab(server, name)
    lab.run_cell(0)
    lab.run_cell(1)
    lab.page.click("#live")
    lab.wait("() => document.querySelector('#live').textContent.length > 40")


def test_cells_far_below_the_visible_part_run_too(server: Server, open_lab: Callable[..., Lab]) -> None:
    cells = [f"%%ipfs_js\n{COUNT}\nconst p = document.createElement('p'); p.style.height = '400px'; element.append(p); return {i}" for i in range(12)]
    lab = open_lab(server, server.write("far.ipynb", LOAD, *cells))
    lab.run_all()
    lab.finished()
    assert [lab.text(i + 1).strip().splitlines()[-1] for i in range(12)] == [str(i) for i in range(12)]
    assert runs(lab) == 12


def test_a_second_view_of_the_notebook_runs_nothing_again(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(server, server.write("views.ipynb", LOAD, f"%%ipfs_js\n{COUNT}\nelement.textContent = 'drawn once'; return 1"))
    lab.page.evaluate("() => window.jupyterapp.commands.execute('notebook:create-new-view').catch(() => 0)")
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:clone').catch(() => 0)")
    lab.wait("() => [...window.jupyterapp.shell.widgets('main')].filter(w => w.context?.path === 'views.ipynb').length > 1")
    lab.run_all()
    lab.finished()
    assert runs(lab) == 1


def test_reload_shows_what_is_stored_and_runs_nothing(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write(
        "reload.ipynb",
        LOAD,
        f"%%ipfs_js\n{COUNT}\nconst c = document.createElement('canvas'); c.width = c.height = 20; c.getContext('2d').fillRect(0, 0, 20, 20);\n"
        "const blob = await new Promise(done => c.toBlob(done)); const { cid } = await ipfs.add(blob);\n"
        "const parts = []; for await (const part of ipfs.cat(cid)) parts.push(part);\n"
        "const img = new Image(); img.id = 'kept'; img.src = URL.createObjectURL(new Blob(parts, { type: 'image/png' })); element.append(img);\n"
        "const s = document.createElement('script'); s.textContent = 'localStorage.runs = 100'; s.type = 'later'; element.append(s);\n"
        "await img.decode(); return 'done once';",
    )
    lab = open_lab(server, name)
    lab.run_all()
    lab.finished()
    lab.save()
    lab.reload()
    lab.wait("() => document.querySelector('#kept')?.naturalWidth === 20 || [...document.querySelectorAll('img')].some(i => i.naturalWidth === 20)")
    sources = lab.page.evaluate("() => [...document.querySelectorAll('.jp-OutputArea img')].map(i => i.src.slice(0, 20))")
    assert sources == ["data:image/png;base6"]
    assert runs(lab) == 1
    assert "done once" in lab.shown(1)


def test_interrupting_the_kernel_aborts_the_cell_in_the_page(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = server.write(
        "interrupt.ipynb",
        LOAD,
        "%%ipfs_js\nelement.textContent = 'begun'; await new Promise(done => signal.addEventListener('abort', () => { localStorage.aborted = 'yes'; done(); }));",
    )
    lab = open_lab(server, name)
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
