"""Makes the page's client, ``labextension/src/client/{table,api}.ts``, and ``docs/api.md`` out of the table of methods.

``python scripts/page_client.py`` writes the files; with ``--check`` it only tells whether they are as they should be.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from api_page import page
from option_docs import described

from ipfs_comm.facade import declared
from ipfs_comm.rpc.method import snake, verb_of
from ipfs_comm.rpc.services import NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfs_comm.rpc.kinds import Kind
    from ipfs_comm.rpc.method import Method

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "labextension" / "src" / "client"
MADE: Final = (
    "Made by scripts/page_client.py from the table of methods in ipfs_comm/rpc/services: changes belong there."
)
IMPORTS: Final = """\
import type { CID, CIDInput } from '../rpc/cid.js';
import type { AddAllInput, AddInput, CarInput, Content, ItemSource, ModeInput, MtimeInput } from '../rpc/input.js';
import type { MultiaddrInput, PBLinkInput, PBNodeInput, PeerIdInput, PinSource } from '../rpc/kinds.js';
import type { Multiaddr } from '../rpc/multiaddr.js';
import type { PeerId } from '../rpc/peer-id.js';
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
    "error": "Error",
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
    "peer": "PeerIdInput",
    "pb-link": "PBLinkInput",
    "pb-link-or-name": "PBLinkInput | string",
    "pb-node": "PBNodeInput",
    "pin-source": "PinSource",
    "text": "string",
    "text-or-bytes": "string | ArrayBufferView | ArrayBuffer",
    "threshold": "number",
    "url": "string | URL",
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
    "limits": "Readonly<Record<string, number>>",
    "multiaddr": "Multiaddr",
    "natural": "number",
    "node": "unknown",
    "nothing": "void",
    "number": "number",
    "peer": "PeerId",
    "text": "string",
    "text-or-bytes": "string | Uint8Array",
    "url": "URL",
}


def given(kind: Kind) -> str:
    """Return the type of what a page gives."""
    outer, part = "?" if kind.name.endswith("?") else kind.name.split("<")[0], kind.part
    if part is None:
        return GIVEN[kind.name]
    if outer == "some":
        return f"{given(part)} | Iterable<{given(part)}>"
    if outer == "stream":
        return f"ItemSource<{given(part)}>"
    if outer == "handler":
        return f"(given: {got(part)}) => unknown"
    if outer == "list":
        return f"readonly {given(part)}[]"
    return f"{given(part)} | undefined"


def got(kind: Kind) -> str:
    """Return the type of what a page gets."""
    if kind.part is not None:
        part = got(kind.part)
        if kind.name.startswith("list<") and kind.name.endswith(">"):
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
            for parameter in method.parameters:
                if parameter.kind.name.startswith("handler<"):
                    visit(parameter.kind)
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
        **({"lasting": True} if method.lasting else {}),
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
            options.append(_options(namespace, name, method))
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
        f"  readonly {_key(field)}{'?' if part.name.endswith('?') else ''}: {_texts(kind, field) or got(part)};"
        for field, part in (kind.fields or {}).items()
    ]
    return "\n".join((f"/** {_spelt(kind.doc)} */", f"export interface {name} {{", *lines, "}"))


def _texts(kind: Kind, field: str) -> str:
    """Return the texts that a member of a record can be, where its declaration names them."""
    declaration = "" if kind.made is None else str(kind.made.__annotations__.get(snake(field), ""))
    if not declaration.startswith("Literal["):
        return ""
    return " | ".join(f"'{text}'" for text in re.findall(r'"([^"]*)"', declaration))


def _options(namespace: str, name: str, method: Method) -> str:
    named = {p.name: p.kind for p in method.parameters if p.named} | dict(method.options)
    needed = {p.name for p in method.parameters if p.named and p.required}
    defaults = _defaults(namespace, name, method)
    lines = []
    for option, kind in sorted(named.items()):
        doc, texts = described(f"{namespace}.{name}", option)
        default = defaults.get(snake(option))
        if default is not None:
            doc = f"{doc} Default: `{_spelt_default(default, kind)}`."
        typed = " | ".join(f"'{text}'" for text in texts) or given(kind)
        if option not in needed and typed != "unknown":
            typed = f"({typed}) | undefined" if "=>" in typed else f"{typed} | undefined"
        lines.append(f"  /** {doc} */")
        lines.append(f"  readonly {option}{'' if option in needed else '?'}: {typed};")
    if method.progress:
        lines.append("  /** Told how far it has come. */")
        lines.append("  readonly progress?: ((done: number, path?: string) => void) | undefined;")
    if not lines:
        return ""
    title = _title(namespace, name)
    return "\n".join((f"export interface {title}Options extends CallOptions {{", *lines, "}"))


def _defaults(namespace: str, name: str, method: Method) -> dict[str, Any]:
    """Return what the node takes for options that are not given, but for what is off."""
    path = (method.verb or verb_of(namespace, name)).split(".")
    # The options of ``add`` are declared with ``add_all``.
    found = inspect.signature(declared(tuple(["add_all"] if path == ["add"] else path))).parameters
    return {
        parameter.name.rstrip("_"): parameter.default
        for parameter in found.values()
        if parameter.default not in (parameter.empty, None, "") and parameter.default is not False
    }


def _spelt_default(value: Any, kind: Kind) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if kind.name == "duration" and not isinstance(value, str):
        return f"{value:g} s"
    return _literal(value)


def _signature(namespace: str, name: str, method: Method, title: str, *, call: bool = False) -> str:
    parameters = [
        f"{'from' if p.name == 'from' else p.name}{'' if p.required else '?'}: {given(p.kind)}"
        for p in method.parameters
        if not p.named
    ]
    has_options = bool(method.options or method.progress or any(p.named for p in method.parameters))
    needed = any(p.named and p.required for p in method.parameters)
    parameters.append(f"options{'' if needed else '?'}: {f'{title}Options' if has_options else 'CallOptions'}")
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
    return re.sub(r"_([a-z])", lambda letter: letter[1].upper(), text).rstrip("_")


def main(arguments: list[str]) -> int:
    """Write or check the files; return the exit status."""
    made = {
        FOLDER / "table.ts": table(),
        FOLDER / "api.ts": api(),
        ROOT / "docs" / "api.md": page(dict(sorted(records().items())), got, _spelt),
    }
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    if "--check" in arguments:
        if stale:
            sys.stderr.write(
                f"not as the table of methods has it: {', '.join(path.name for path in stale)}; "
                "run python scripts/page_client.py\n"
            )
        return 1 if stale else 0
    for path in stale:
        path.write_text(made[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
