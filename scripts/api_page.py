"""Makes ``docs/api.md``, the list of all methods, out of the table of methods. Run by ``scripts/page_client.py``."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Final

from ipfs_comm.facade import declared
from ipfs_comm.node.embedded.peers import UNSUPPORTED
from ipfs_comm.rpc.method import verb_of
from ipfs_comm.rpc.services import NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipfs_comm.rpc.kinds import Kind
    from ipfs_comm.rpc.method import Method

__all__ = ["page"]

HEAD: Final = """\
# The API

Every method of a node, for pages and for Python. Made by `scripts/page_client.py` from the table of methods in
`ipfs_comm/rpc/services`: changes belong there.

- The names are those of pages. In Python they are in snake_case, with options as keywords: `ipfs.pin.addAll(source)`
  is `ipfs.pin.add_all(source)`, `dag.import` is `dag.import_`; `ipfs.sync` is the same without `await`.
- Every method takes `timeout`: milliseconds (or text such as `"2s"`) in a page, seconds in Python; and in a page
  `signal`, an AbortSignal. Aborting, or cancelling the task, stops the work in the kernel.
- What *streams* is iterated over (`for await`, `async for`) while it is made. In Python it can also be awaited whole;
  in a page `all()`, `readable()`, and for bytes `bytes()`, `text()` and `blob()` have it whole.
- A CID is given as an object of any version of multiformats, as text or as bytes; a path also as `/ipfs/<cid>/a/b`,
  `/ipns/<name>/a` or `/ipns/<domain>/a`.
- *changes*: refused by a read-only port. *admin*: off unless the port's target allows it; see [access](access.md).
  *needs peers*: the embedded node answers `ERR_NOT_SUPPORTED`.
- `capabilities()` tells which of these a port offers, which of them its node cannot do, and the port's limits. How
  calls travel says [the wire](protocol.md), section 7.
"""
RESULTS: Final = """\
## Results

The members of results, as pages get them; those with `?` can be absent. In Python they are frozen dataclasses with the
same fields in snake_case; CIDs are `ipfs_comm.ipld.CID` there, peer IDs and multiaddresses text, Kubo's `Peers` and the
like `peers`.

| result | members | |
|---|---|---|"""


def page(results: Mapping[str, Kind], got: Callable[[Kind], str], spelt: Callable[[str], str]) -> str:
    """Return the page.

    Parameters
    ----------
    results : mapping of str to Kind
        All records that results are made of, by their names.
    got : callable
        Makes the type of what a page gets.
    spelt : callable
        Puts documentation into the page's spelling.
    """
    rows = (_section(namespace, methods, got, spelt) for namespace, methods in NAMESPACES.items())
    return "\n".join((HEAD, *rows, RESULTS, *(_result(name, kind, got, spelt) for name, kind in results.items()), ""))


def _result(name: str, kind: Kind, got: Callable[[Kind], str], spelt: Callable[[str], str]) -> str:
    members = ", ".join(
        f"`{field}{'?' if part.name.endswith('?') else ''}: {_cell(got(part).removesuffix(' | undefined'))}`"
        for field, part in (kind.fields or {}).items()
    )
    return f"| `{name}` | {members} | {_cell(spelt(kind.doc))} |"


def _section(
    namespace: str, methods: Mapping[str, Method], got: Callable[[Kind], str], spelt: Callable[[str], str]
) -> str:
    title = "Without a namespace" if namespace == "core" else f"`{namespace}`"
    lines = [f"## {title}", "", "| method | gives | |", "|---|---|---|"]
    for name, method in methods.items():
        verb = method.verb or verb_of(namespace, name)
        what = spelt(" ".join((inspect.getdoc(declared(tuple(verb.split(".")))) or "").split("\n\n")[0].split()))
        marks = [
            mark
            for mark, holds in (
                ("changes", method.writes),
                ("admin", method.admin),
                ("needs peers", verb in UNSUPPORTED),
            )
            if holds
        ]
        note = f" *{', '.join(marks)}*" if marks else ""
        lines.append(f"| `{_call(namespace, name, method)}` | {_gives(method, got)} | {_cell(what)}{note} |")
    return "\n".join((*lines, ""))


def _call(namespace: str, name: str, method: Method) -> str:
    given = [f"{p.name}{'' if p.required else '?'}" for p in method.parameters if not p.named]
    options = [f"{p.name}{'' if p.required else '?'}" for p in method.parameters if p.named] + sorted(method.options)
    if method.progress:
        options.append("progress")
    if options:
        given.append(f"{{ {', '.join(options)} }}")
    return f"{name if namespace == 'core' else f'{namespace}.{name}'}({', '.join(given)})"


def _gives(method: Method, got: Callable[[Kind], str]) -> str:
    kind = method.answer.kind
    if kind.name == "nothing":
        return ""
    return f"{'' if method.answer.flow == 'value' else 'streams '}`{_cell(re.sub(r' [|] undefined', '', got(kind)))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
