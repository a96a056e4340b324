"""Interpreter of the step scripts in the fixtures' ``ipns_mfs_pin`` area, over the core API in Python.

A step is ``{call, args, expect?, save?, flavour?}``, its calls and results named as in js-ipfs. Scripts are run in the
flavour ``js``: where js-ipfs and Kubo differ, the steps of the other are left out.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from typing import Any

from ipfs_comm.ipld import CID

FLAVOUR = "js"


def snake(name: str) -> str:
    """Return the Python spelling of a js-ipfs name."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def bytes_of(spec: Any) -> bytes:
    """Return the bytes that a ``$bytes`` specification means."""
    if isinstance(spec, str):
        return spec.encode()
    if "hex" in spec:
        return bytes.fromhex(spec["hex"])
    if "zeros" in spec:
        return bytes(spec["zeros"])
    if "seq" in spec:
        return bytes(i % 251 for i in range(spec["seq"]))
    if "concat" in spec:
        return b"".join(map(bytes_of, spec["concat"]))
    if "repeat" in spec:
        return bytes_of(spec["repeat"]["of"]) * int(spec["repeat"]["times"])
    raise ValueError(f"no such bytes: {spec}")


def substitute(value: Any, saved: dict[str, Any]) -> Any:
    """Return ``value`` with ``${name}`` and the ``$``-forms replaced."""
    if isinstance(value, str):
        if whole := re.fullmatch(r"\$\{(\w+)\}", value):
            return saved[whole[1]]
        return re.sub(r"\$\{(\w+)\}", lambda m: str(saved[m[1]]), value)
    if isinstance(value, list):
        return [substitute(x, saved) for x in value]
    if isinstance(value, dict):
        if "$bytes" in value:
            return bytes_of(substitute(value["$bytes"], saved))
        if "$cid" in value:
            return CID.of(substitute(value["$cid"], saved))
        if "$date" in value:
            return datetime.fromtimestamp(value["$date"] / 1000, UTC)
        return {k: substitute(v, saved) for k, v in value.items()}
    return value


def shown(value: Any) -> Any:
    """Return ``value`` as the scripts write it: CIDs as text, results as mappings with js-ipfs's names."""
    if isinstance(value, CID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: shown(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {k: shown(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [shown(v) for v in value]
    return value


def lookup(value: Any, path: str) -> Any:
    """Return the member of ``value`` that a dotted js path names, or None."""
    for key in path.split(".") if path else []:
        if isinstance(value, list | tuple):
            value = value[int(key)] if key.isdigit() and int(key) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(key, value.get(snake(key)))
        else:
            value = getattr(value, snake(key), None)
    return value


async def call(node: Any, name: str, args: list[Any]) -> Any:
    """Call ``name`` as js-ipfs spells it: a trailing mapping of options becomes keywords; streams are awaited whole."""
    target = node
    for part in name.split("."):
        target = getattr(target, snake(part))
    options: dict[str, Any] = {}
    if len(args) > 1 and isinstance(args[-1], dict) and not {"path", "content"} & args[-1].keys():
        *args, options = args
    if name == "pin.ls" and len(args) == 1 and isinstance(args[0], dict):
        args, options = [], args[0]
    return await target(*args, **{snake(k): v for k, v in options.items()})


def check(expect: dict[str, Any], raw: Any, saved: dict[str, Any]) -> None:
    """Assert everything that a step expects of its result."""
    result = shown(raw)
    for key, wanted in expect.items():
        if key == "bytes":
            assert bytes(raw) == bytes_of(substitute(wanted, saved))
        elif key in {"length", "byteLength"}:
            assert len(raw) == wanted
        elif key == "names":
            assert sorted(entry["name"] for entry in result) == sorted(wanted)
        elif key == "namesOrdered":
            assert [entry["name"] for entry in result] == wanted
        elif key == "props":
            for path, value in wanted.items():
                assert shown(lookup(raw, path)) == shown(substitute(value, saved)), path
        elif key == "notProps":
            for path, value in wanted.items():
                assert shown(lookup(raw, path)) != shown(substitute(value, saved)), path
        elif key == "equals":
            assert str(result) == str(shown(substitute(wanted, saved)))
        elif key in {"pins", "pinsExactly"}:
            check_pins(wanted, result, saved, exactly=key == "pinsExactly")
        elif key == "refs":
            assert sorted(entry["ref"] for entry in result) == sorted(str(substitute(c, saved)) for c in wanted)
        else:
            raise AssertionError(f"an expectation this interpreter does not know: {key}")


def check_pins(wanted: dict[str, Any], result: Any, saved: dict[str, Any], *, exactly: bool) -> None:
    """Assert which pins of which types there are."""
    there = sorted((pin["cid"], pin["type"].split(" ")[0]) for pin in result)
    if exactly:
        assert there == sorted((str(substitute(c, saved)), t) for c, t in wanted.items())
        return
    for text, types in wanted.items():
        cid = str(substitute(text, saved))
        types_there = [t for c, t in there if c == cid]
        if types is None:
            assert types_there == [], cid
        for one in [types] if isinstance(types, str) else types or []:
            assert one in types_there, cid


async def run(script: dict[str, Any], node: Any) -> None:
    """Run one script on a fresh node; an AssertionError names the step that does not hold."""
    saved: dict[str, Any] = dict(script.get("vars") or {})
    for index, step in enumerate(script["steps"]):
        if step.get("flavour", FLAVOUR) != FLAVOUR:
            continue
        expect = step.get("expect") or {}
        args = substitute(step.get("args") or [], saved)
        where = f"step {index}: {step['call']} {str(args)[:200]}"
        failure: Exception | None = None
        try:
            raw = await call(node, step["call"], args)
        except (AttributeError, TypeError, NotImplementedError) as error:
            raise AssertionError(f"{where}: the node cannot do that: {error}") from error
        except Exception as error:
            failure = error
        if failure is not None:
            wanted = expect.get("error")
            if not wanted:
                raise AssertionError(f"{where}: {type(failure).__name__}: {failure}") from failure
            if wanted is not True:
                assert re.search(wanted["match"], str(failure)), f"{where}: another error: {failure}"
            continue
        assert not expect.get("error"), f"{where}: no error"
        for name, path in (step.get("save") or {}).items():
            base = raw
            if isinstance(raw, list) and not path[:1].isdigit():
                base = raw[-1]
            saved[name] = raw if path == "" else shown(lookup(base, path))
        try:
            check(expect, raw, saved)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
