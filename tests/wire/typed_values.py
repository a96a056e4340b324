"""The typed JSON of the fixtures: built into Python values, and described from them.

Python keeps the values of an object, not JavaScript's decoration of it: prototypes, property descriptors, getters,
integrity levels, symbols and expandos are not its own. A description that has one of these, or a type that Python
cannot make, is :class:`NotPythonsError`. A bytes-like object of Python stands for its own bytes, so a view that
arrives as a memoryview is described as a view on exactly those; `own_bytes` rewrites what is expected in the same way.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from ipfs_comm.wire import MessagePort, clone
from ipfs_comm.wire.clone import BigInt

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VIEW_OF_FORMAT = {
    "b": "Int8Array",
    "B": "Uint8Array",
    "h": "Int16Array",
    "H": "Uint16Array",
    "i": "Int32Array",
    "I": "Uint32Array",
    "f": "Float32Array",
    "d": "Float64Array",
    "q": "BigInt64Array",
    "Q": "BigUint64Array",
}
WRAPPED = ("Boolean", "Number", "String", "BigInt")
ERRORS = ("Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError")


class NotPythonsError(Exception):
    """The case is about something that Python does not have."""


def build(tv: Any, ports: dict[str, MessagePort] | None = None, objects: dict[Any, Any] | None = None) -> Any:
    objects = {} if objects is None else objects
    if not isinstance(tv, dict):
        return tv
    kind = tv["t"]
    if kind == "undefined":
        return clone.undefined
    if kind == "num":
        return float(tv["v"])
    if kind == "bigint":
        value = int(tv["v"])
        return BigInt(value) if abs(value) <= clone.MAX_SAFE_INTEGER else value
    if kind == "str":
        return b"".join(int(unit, 16).to_bytes(2, "big") for unit in tv["u16"].split()).decode(
            "utf-16-be", "surrogatepass"
        )
    if kind == "ref":
        return objects[tv["id"]]
    made = _build_object(kind, tv, ports or {}, objects)
    if "id" in tv:
        objects[tv["id"]] = made
    return made


def _props(tv: dict[str, Any]) -> list[tuple[str, Any]]:
    props = []
    for key, value, *descriptor in tv.get("props", ()):
        if not isinstance(key, str) or descriptor:
            raise NotPythonsError("a property with a descriptor or a symbol")
        props.append((key, value))
    return props


def _build_object(kind: str, tv: dict[str, Any], ports: dict[str, MessagePort], objects: dict[Any, Any]) -> Any:
    if "integrity" in tv or "proto" in tv or "setProto" in tv:
        raise NotPythonsError("a prototype or an integrity level")

    def register(value: Any) -> Any:
        if "id" in tv:
            objects[tv["id"]] = value
        return value

    def child(value: Any) -> Any:
        return build(value, ports, objects)

    if kind == "Object":
        made: Any = register({})
        made.update((key, child(value)) for key, value in _props(tv))
        return made
    if kind == "Array":
        if "of" in tv:
            if tv.get("props"):
                raise NotPythonsError("an array with named properties is written with items")
            made = register([])
            made.extend(child(value) for value in tv["of"])
            return made
        if any(len(item) > 2 for item in tv["items"]):
            raise NotPythonsError("an element with a descriptor")
        made = register(clone.SparseArray(tv["length"]))
        made.items = {number: child(value) for number, value in tv["items"]}
        made.properties = {key: child(value) for key, value in _props(tv)}
        return made
    if kind == "Error":
        if (
            tv["ctor"] not in ERRORS
            or set(tv) - {"t", "ctor", "message", "cause", "id"}
            or not isinstance(tv.get("message", ""), str)
        ):
            raise NotPythonsError("an error with more than a message and a cause")
        made = register(clone.JSError(tv["ctor"]))
        made.fill({key: child(tv[key]) for key in ("message", "cause") if key in tv})
        return made
    if tv.get("props"):
        raise NotPythonsError("expandos")
    if kind == "Map":
        made = register(clone.Map())
        for key, value in tv["entries"]:
            made[child(key)] = child(value)
        return made
    if kind == "Set":
        made = register(clone.Set())
        for value in tv["values"]:
            made.add(child(value))
        return made
    if kind in WRAPPED:
        value = child(tv["v"])
        return clone.Boxed(int(value) if kind == "BigInt" and not isinstance(value, BigInt) else value)
    if kind == "Date":
        return _date(child(tv["ms"]))
    if kind == "RegExp":
        return clone.RegExp(child(tv["source"]), tv["flags"])
    if kind == "DOMException":
        return clone.DOMException(tv["message"], tv["name"])
    if kind == "ArrayBuffer":
        if tv.get("shared"):
            raise NotPythonsError("SharedArrayBuffer")
        return clone.ArrayBuffer(bytes.fromhex(tv["hex"]), max_byte_length=tv.get("max"))
    if kind == "view":
        return clone.View(
            tv["ctor"], child(tv["buffer"]), tv["offset"], None if tv["length"] == "auto" else tv["length"]
        )
    if kind == "Blob":
        return clone.Blob(bytes.fromhex(tv["hex"]), type=tv["type"])
    if kind == "File":
        return clone.File(bytes.fromhex(tv["hex"]), tv["name"], type=tv["type"], last_modified=tv["lastModified"])
    if kind == "FileList":
        return clone.FileList(child(file) for file in tv["of"])
    if kind == "ImageData":
        return clone.ImageData(child(tv["data"]), tv["width"], tv["height"], tv["colorSpace"])
    if kind == "port":
        return ports[tv["name"]]
    raise NotPythonsError(kind)


def _date(ms: Any) -> datetime | clone.Date:
    try:
        return EPOCH + timedelta(milliseconds=ms)
    except (OverflowError, ValueError):
        return clone.Date(ms)


def primitive(value: Any) -> Any:
    if value is clone.undefined:
        return {"t": "undefined"}
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            units = value.encode("utf-16-be", "surrogatepass")
            return {"t": "str", "u16": " ".join(units[at : at + 2].hex() for at in range(0, len(units), 2))}
        return value
    if isinstance(value, BigInt) or (type(value) is int and abs(value) > clone.MAX_SAFE_INTEGER):
        return {"t": "bigint", "v": str(int(value))}
    if type(value) is float:
        if math.isnan(value) or math.isinf(value):
            return {"t": "num", "v": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
        if value == 0:
            return {"t": "num", "v": "-0"}
        if value.is_integer():
            return {"t": "num", "v": value}
    return value


def describe(value: Any, ports: dict[MessagePort, str] | None = None) -> Any:
    """Return the typed JSON of a decoded value, canonical: ids count the objects that occur more than once."""
    return _Describer(ports or {}).whole(value)


class _Describer:
    def __init__(self, ports: dict[MessagePort, str]) -> None:
        self.ports = ports
        self.counts: dict[int, int] = {}
        self.ids: dict[int, int] = {}

    def whole(self, value: Any) -> Any:
        self.count(value)
        return self.out(value)

    def children(self, value: Any) -> list[Any]:
        match value:
            case dict():
                return list(value.values())
            case list():
                return value
            case clone.SparseArray():
                return [*value.items.values(), *value.properties.values()]
            case clone.Map():
                return [item for pair in value.items() for item in pair]
            case clone.Set():
                return list(value)
            case clone.JSError():
                return [value.properties["cause"]] if "cause" in value.properties else []
            case clone.View():
                return [value.buffer]
            case clone.ImageData():
                return [value.data]
            case clone.FileList():
                return list(value)
        return []

    @staticmethod
    def is_primitive(value: Any) -> bool:
        return value is None or value is clone.undefined or isinstance(value, str | int | float)

    def count(self, value: Any) -> None:
        if self.is_primitive(value):
            return
        seen = self.counts[id(value)] = self.counts.get(id(value), 0) + 1
        if seen == 1:
            for child in self.children(value):
                self.count(child)

    def out(self, value: Any) -> Any:
        if self.is_primitive(value):
            return primitive(value)
        if id(value) in self.ids:
            return {"t": "ref", "id": self.ids[id(value)]}
        described: dict[str, Any] = {}
        if self.counts[id(value)] > 1:
            described["id"] = self.ids[id(value)] = len(self.ids) + 1
        return described | self.describe(value)

    def describe(self, value: Any) -> dict[str, Any]:
        out = self.out
        match value:
            case MessagePort():
                return {"t": "port", "name": self.ports[value]}
            case dict():
                return {"t": "Object", "props": [[key, out(item)] for key, item in value.items()]}
            case list():
                return {"t": "Array", "of": [out(item) for item in value]}
            case clone.SparseArray():
                described = {
                    "t": "Array",
                    "length": value.length,
                    "items": [[number, out(item)] for number, item in value.items.items()],
                }
                if value.properties:
                    described["props"] = [[key, out(item)] for key, item in value.properties.items()]
                return described
            case clone.Map():
                return {"t": "Map", "entries": [[out(key), out(item)] for key, item in value.items()]}
            case clone.Set():
                return {"t": "Set", "values": [out(item) for item in value]}
            case clone.Boxed():
                inner = primitive(value.value)
                kind = (
                    "Boolean"
                    if isinstance(value.value, bool)
                    else "String"
                    if isinstance(value.value, str)
                    else "BigInt"
                    if isinstance(inner, dict) and inner["t"] == "bigint"
                    else "Number"
                )
                return {"t": kind, "v": inner}
            case datetime():
                return {"t": "Date", "ms": (value - EPOCH) // timedelta(milliseconds=1)}
            case clone.Date():
                return {"t": "Date", "ms": primitive(value.ms)}
            case clone.RegExp():
                return {"t": "RegExp", "source": primitive(value.source), "flags": value.flags, "lastIndex": 0}
            case clone.JSError():
                described = {"t": "Error", "ctor": value.name}
                described |= {
                    key: out(value.properties[key]) for key in ("message", "cause") if key in value.properties
                }
                return described
            case clone.DOMException():
                return {"t": "DOMException", "name": value.name, "message": value.message}
            case clone.ArrayBuffer():
                return {"t": "ArrayBuffer", "hex": bytes(value).hex()} | (
                    {} if value.max_byte_length is None else {"max": value.max_byte_length}
                )
            case clone.View():
                length = len(value.data) // memoryview(b"").cast("B").itemsize if value.length is None else value.length
                return {
                    "t": "view",
                    "ctor": value.type,
                    "buffer": out(value.buffer),
                    "offset": value.offset,
                    "length": length,
                }
            case memoryview():
                return {
                    "t": "view",
                    "ctor": VIEW_OF_FORMAT[value.format],
                    "buffer": {"t": "ArrayBuffer", "hex": value.tobytes().hex()},
                    "offset": 0,
                    "length": len(value),
                }
            case clone.ImageData():
                return {
                    "t": "ImageData",
                    "data": out(value.data),
                    "width": value.width,
                    "height": value.height,
                    "colorSpace": value.color_space,
                }
            case clone.FileList():
                return {"t": "FileList", "of": [out(file) for file in value]}
            case clone.File():
                return {
                    "t": "File",
                    "type": value.type,
                    "size": value.size,
                    "name": value.name,
                    "lastModified": value.last_modified,
                }
            case clone.Blob():
                return {"t": "Blob", "type": value.type, "size": value.size}
        raise AssertionError(f"a {type(value)} has come out of the clone")


def own_bytes(tv: Any) -> Any:
    """Return what Python is expected to give.

    Every view that arrives as a memoryview is on a buffer of its own, ids are counted anew, Blobs have no bytes.
    """
    buffers: dict[Any, dict[str, Any]] = {}
    _collect(tv, buffers)
    return _renumber(_rewrite(tv, buffers))


def _collect(tv: Any, buffers: dict[Any, dict[str, Any]]) -> None:
    if isinstance(tv, dict):
        if tv.get("t") == "ArrayBuffer" and "id" in tv:
            buffers[tv["id"]] = tv
        tv = list(tv.values())
    if isinstance(tv, list):
        for item in tv:
            _collect(item, buffers)


SIZES = {
    "Int8Array": 1,
    "Uint8Array": 1,
    "Int16Array": 2,
    "Uint16Array": 2,
    "Int32Array": 4,
    "Uint32Array": 4,
    "Float32Array": 4,
    "Float64Array": 8,
    "BigInt64Array": 8,
    "BigUint64Array": 8,
}


def _rewrite(tv: Any, buffers: dict[Any, dict[str, Any]]) -> Any:
    if isinstance(tv, list):
        return [_rewrite(item, buffers) for item in tv]
    if not isinstance(tv, dict):
        return tv
    if tv.get("t") == "num" and tv["v"] not in {"NaN", "Infinity", "-Infinity", "-0"}:
        return {"t": "num", "v": float(tv["v"])}
    if tv.get("t") == "DOMException":
        return {key: tv[key] for key in tv if key != "code"}
    if tv.get("t") in {"Blob", "File"} and "hex" in tv:
        return {key: tv[key] for key in tv if key != "hex"} | {"size": len(tv["hex"]) // 2}
    if tv.get("t") == "view" and tv["ctor"] in SIZES:
        buffer = buffers[tv["buffer"]["id"]] if tv["buffer"]["t"] == "ref" else tv["buffer"]
        size = SIZES[tv["ctor"]]
        length = (len(buffer["hex"]) // 2 - tv["offset"]) // size if tv["length"] == "auto" else tv["length"]
        own = buffer["hex"][2 * tv["offset"] : 2 * (tv["offset"] + length * size)]
        if "max" not in buffer:
            return {key: tv[key] for key in tv if key not in {"buffer", "offset", "proto"}} | {
                "buffer": {"t": "ArrayBuffer", "hex": own},
                "offset": 0,
                "length": length,
            }
    return {key: _rewrite(value, buffers) if key != "proto" else value for key, value in tv.items()}


def _renumber(tv: Any) -> Any:
    references: dict[Any, int] = {}

    def count(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("t") == "ref":
                references[node["id"]] = references.get(node["id"], 0) + 1
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                count(item)

    count(tv)
    defined: dict[Any, dict[str, Any]] = {}
    numbers: dict[Any, int] = {}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node.get("t") == "ref":
            # The object's first mention may have been in a buffer that was rewritten away.
            return (
                {"t": "ref", "id": numbers[node["id"]]}
                if node["id"] in numbers
                else dict(defined.get(node["id"], node))
            )
        made = {}
        if "id" in node and references.get(node["id"]):
            made["id"] = numbers[node["id"]] = len(numbers) + 1
        return made | {key: walk(value) for key, value in node.items() if key != "id"}

    return walk(tv)
