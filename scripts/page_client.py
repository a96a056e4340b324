"""Makes the page's client, ``labextension/src/client/{table,api}.ts``, out of the table of methods.

``python scripts/page_client.py`` writes the files; with ``--check`` it only tells whether they are as they should be.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.facade import declared
from ipfs_comm.rpc.method import verb_of
from ipfs_comm.rpc.services import NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfs_comm.rpc.kinds import Kind
    from ipfs_comm.rpc.method import Method

FOLDER: Final = Path(__file__).parent.parent / "labextension" / "src" / "client"
MADE: Final = (
    "Made by scripts/page_client.py from the table of methods in ipfs_comm/rpc/services: changes belong there."
)
IMPORTS: Final = """\
import type { CID, CIDInput } from '../rpc/cid.js';
import type { AddAllInput, AddInput, CarInput, Content, ItemSource, ModeInput, MtimeInput } from '../rpc/input.js';
import type { MultiaddrInput, PBLinkInput, PBNodeInput, PinSource } from '../rpc/kinds.js';
import type { ByteStream, ItemStream } from './stream.js';
import type { CallOptions, Mtime } from './types.js';"""

#: TypeScript's types of what a page gives, and of what it gets, by kind.
GIVEN: Final = {
    "bigint": "bigint | number",
    "bound": "number",
    "bytes": "ArrayBufferView | ArrayBuffer",
    "cars": "CarInput",
    "cid": "CIDInput",
    "content": "Content",
    "duration": "string | number",
    "entries": "AddAllInput",
    "entry": "AddInput",
    "flag": "boolean",
    "integer": "number",
    "json": "unknown",
    "mode": "ModeInput",
    "mode-change": "string | number",
    "mtime": "MtimeInput",
    "multiaddr": "MultiaddrInput",
    "natural": "number",
    "node": "unknown",
    "number": "number",
    "path": "CIDInput",
    "pb-link": "PBLinkInput",
    "pb-link-or-name": "PBLinkInput | string",
    "pb-node": "PBNodeInput",
    "pin-source": "PinSource",
    "text": "string",
    "text-or-bytes": "string | ArrayBufferView | ArrayBuffer",
    "threshold": "number",
}
GOT: Final = {
    "bigint": "bigint",
    "bytes": "Uint8Array",
    "cid": "CID",
    "error": "Error",
    "flag": "boolean",
    "integer": "number",
    "json": "unknown",
    "mode": "number",
    "mtime": "Mtime",
    "multiaddr": "string",
    "natural": "number",
    "node": "unknown",
    "nothing": "void",
    "number": "number",
    "text": "string",
    "text-or-bytes": "string | Uint8Array",
}


def given(kind: Kind) -> str:
    """Return the type of what a page gives."""
    outer, part = kind.name.split("<")[0], kind.part
    if part is None:
        return GIVEN[kind.name]
    if outer == "some":
        return f"{given(part)} | Iterable<{given(part)}>"
    if outer == "stream":
        return f"ItemSource<{given(part)}>"
    if outer == "list":
        return f"readonly {given(part)}[]"
    return f"{given(part)} | undefined"


def got(kind: Kind) -> str:
    """Return the type of what a page gets."""
    if kind.part is not None:
        part = got(kind.part)
        if kind.name.startswith("list<"):
            return f"{part}[]"
        return part if part == "unknown" else f"{part} | undefined"
    return kind.name if kind.fields is not None else GOT[kind.name]


def records() -> dict[str, Kind]:
    """Return all records that results are made of, by their names."""
    found: dict[str, Kind] = {}

    def visit(kind: Kind) -> None:
        if kind.part is not None:
            visit(kind.part)
        if kind.fields is not None and kind.name not in found:
            for field in kind.fields.values():
                visit(field)
            found[kind.name] = kind

    for methods in NAMESPACES.values():
        for method in methods.values():
            visit(method.answer.kind)
    return found


def table() -> str:
    """Return ``table.ts``."""
    return "\n".join(
        (
            f"/** What is called how: the methods and the records of the protocol. {MADE} */",
            "",
            "import type { Methods, Records } from '../rpc/kinds.js';",
            "",
            "export const RECORDS: Records = {",
            *_joined(f"  {name}: {_literal(_fields(kind))}" for name, kind in sorted(records().items())),
            "};",
            "",
            "export const METHODS: Methods = {",
            *_joined(_namespace_entry(namespace, methods) for namespace, methods in NAMESPACES.items()),
            "};",
            "",
        )
    )


def _fields(kind: Kind) -> dict[str, str]:
    return {name: field.name for name, field in (kind.fields or {}).items()}


def _namespace_entry(namespace: str, methods: Mapping[str, Method]) -> str:
    entries = _joined(f"    {name}: {_literal(_entry(method))}" for name, method in methods.items())
    key = namespace if namespace.isidentifier() else f"'{namespace}'"
    return "\n".join((f"  {key}: {{", *entries, "  }"))


def _entry(method: Method) -> dict[str, Any]:
    answer = method.answer
    return {
        "parameters": {p.name: p.kind.name for p in method.parameters if not p.named},
        "options": {p.name: p.kind.name for p in method.parameters if p.named}
        | {name: kind.name for name, kind in method.options.items()},
        "answer": answer.kind.name,
        "flow": answer.flow,
        "member": answer.member,
    }


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_key(key)}: {_literal(item)}" for key, item in value.items()) + " }" if value else "{}"
        )
    return json.dumps(value).replace('"', "'") if isinstance(value, str) else json.dumps(value)


def _key(name: str) -> str:
    return name if name.isidentifier() else f"'{name}'"


def _joined(lines: Iterator[str]) -> list[str]:
    every = list(lines)
    return [f"{line}," for line in every[:-1]] + every[-1:]


def api() -> str:
    """Return ``api.ts``."""
    parts = [
        f"/** The API that a client has, as types. {MADE} */",
        IMPORTS,
    ]
    parts += [_interface(name, kind) for name, kind in sorted(records().items())]
    options: list[str] = []
    interfaces: list[str] = []
    for namespace, methods in NAMESPACES.items():
        lines = []
        for name, method in methods.items():
            title = _title(namespace, name)
            options.append(_options(title, method))
            lines.append(_signature(namespace, name, method, title))
        inner = [other for other in NAMESPACES if other.rpartition(".")[0] == namespace]
        lines += [f"  readonly {other.rpartition('.')[2]}: {_title(other)}API;" for other in inner]
        if namespace == "core":
            lines = [line for line in lines if not re.search(r"^  refs\(", line, re.MULTILINE)]
            outer = [other for other in NAMESPACES if "." not in other and other != "core"]
            lines += [f"  readonly {other}: {_title(other)}API;" for other in outer]
        if namespace == "refs":
            lines.insert(0, _signature("core", "refs", NAMESPACES["core"]["refs"], _title("core", "refs"), call=True))
        interfaces.append("\n".join((f"export interface {_title(namespace)}API {{", *lines, "}")))
    return "\n\n".join((*parts, *(one for one in options if one), *interfaces)) + "\n"


def _title(namespace: str, method: str = "") -> str:
    words = [] if namespace == "core" and method else re.split(r"\.", namespace)
    return "".join(word[0].upper() + word[1:] for word in (*words, *([method] if method else [])))


def _interface(name: str, kind: Kind) -> str:
    lines = [
        f"  readonly {field}{'?' if part.name.endswith('?') else ''}: {got(part)};"
        for field, part in (kind.fields or {}).items()
    ]
    return "\n".join((f"/** {_spelt(kind.doc)} */", f"export interface {name} {{", *lines, "}"))


def _options(title: str, method: Method) -> str:
    named = {p.name: p.kind for p in method.parameters if p.named} | dict(method.options)
    lines = [f"  readonly {name}?: {given(kind)};" for name, kind in sorted(named.items())]
    if method.progress:
        lines.append("  /** Told how far it has come. */\n  readonly progress?: (done: number, path?: string) => void;")
    if not lines:
        return ""
    return "\n".join((f"export interface {title}Options extends CallOptions {{", *lines, "}"))


def _signature(namespace: str, name: str, method: Method, title: str, *, call: bool = False) -> str:
    parameters = [
        f"{'from' if p.name == 'from' else p.name}{'' if p.required else '?'}: {given(p.kind)}"
        for p in method.parameters
        if not p.named
    ]
    has_options = bool(method.options or method.progress or any(p.named for p in method.parameters))
    parameters.append(f"options?: {f'{title}Options' if has_options else 'CallOptions'}")
    kind, flow = method.answer.kind, method.answer.flow
    if flow == "value":
        result = f"Promise<{got(kind)}>"
    else:
        result = "ByteStream" if kind.name == "bytes" else f"ItemStream<{got(kind)}>"
    doc = _doc(tuple((method.verb or verb_of(namespace, name)).split(".")))
    head = f"  /** {doc} */\n  {'' if call else name}"
    return f"{head}({', '.join(parameters)}): {result};"


def _doc(path: tuple[str, ...]) -> str:
    """Return the first paragraph of a verb's documentation, in the page's spelling."""
    return _spelt(" ".join((inspect.getdoc(declared(path)) or "").split("\n\n")[0].split()))


def _spelt(text: str) -> str:
    return re.sub(r"``([^`]+)``", lambda quoted: f"`{_camel_all(quoted[1])}`", text)


def _camel_all(text: str) -> str:
    return re.sub(r"_([a-z])", lambda letter: letter[1].upper(), text)


def main(arguments: list[str]) -> int:
    """Write or check the files; return the exit status."""
    made = {"table.ts": table(), "api.ts": api()}
    stale = [name for name, text in made.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    if "--check" in arguments:
        if stale:
            sys.stderr.write(
                f"not as the table of methods has it: {', '.join(stale)}; run python scripts/page_client.py\n"
            )
        return 1 if stale else 0
    for name in stale:
        (FOLDER / name).write_text(made[name])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
