"""The fixtures' typed JSON of JavaScript values: built into Python's, and described back for comparing."""

from __future__ import annotations

from typing import Any

from ipfs_comm.wire import MessagePort, clone

#: Bytes of one element.
SIZES = {
    "DataView": 1,
    "Int8Array": 1,
    "Uint8Array": 1,
    "Uint8ClampedArray": 1,
    "Int16Array": 2,
    "Uint16Array": 2,
    "Int32Array": 4,
    "Uint32Array": 4,
}


def build(tv: Any, ports: dict[str, MessagePort], objects: dict[int, Any] | None = None) -> Any:
    """Return the Python value of ``tv``; what is one object there is one object here."""
    objects = {} if objects is None else objects
    if not isinstance(tv, dict):
        return tv
    made: Any
    match tv["t"]:
        case "undefined":
            return clone.undefined
        case "ref":
            return objects[tv["id"]]
        case "port":
            made = ports[tv["name"]]
        case "Object":
            made = {}
            remember(tv, made, objects)
            made.update((key, build(value, ports, objects)) for key, value, *_ in tv["props"])
        case "Array":
            made = []
            remember(tv, made, objects)
            made.extend(build(value, ports, objects) for value in tv["of"])
        case "Set":
            made = clone.Set(build(value, ports, objects) for value in tv["values"])
        case "ArrayBuffer":
            made = clone.ArrayBuffer(bytes.fromhex(tv["hex"]))
        case "view":
            made = clone.View(tv["ctor"], build(tv["buffer"], ports, objects), tv["offset"], tv["length"])
        case "Blob":
            made = clone.Blob(bytes.fromhex(tv["hex"]), type=tv["type"])
        case kind:
            raise ValueError(f"a kind of value this does not build: {kind}")
    remember(tv, made, objects)
    return made


def remember(tv: dict[str, Any], made: Any, objects: dict[int, Any]) -> None:
    if "id" in tv:
        objects[tv["id"]] = made


def wanted(tv: Any, objects: dict[int, Any] | None = None) -> Any:
    """Return ``tv`` in the form that is compared: without identities, undefined members and texts of errors."""
    if objects is None:
        objects = {}
        collect(tv, objects)
    if isinstance(tv, list):
        return [wanted(item, objects) for item in tv]
    if not isinstance(tv, dict):
        return tv
    match tv["t"]:
        case "ref":
            return wanted(objects[tv["id"]], objects)
        case "view":
            start = 2 * tv["offset"]
            return {
                "bytes": wanted(tv["buffer"], objects)["buffer"][start : start + 2 * SIZES[tv["ctor"]] * tv["length"]]
            }
        case "ArrayBuffer":
            return {"buffer": tv["hex"]}
        case "port":
            return {"port": None}
        case "Object":
            return {"object": members({key: wanted(value, objects) for key, value, *_ in tv["props"]})}
        case "Array":
            return {"array": wanted(tv["of"], objects)}
        case "undefined":
            return {"undefined": None}
        case kind:
            raise ValueError(f"a kind of value no server sends: {kind}")


def collect(tv: Any, objects: dict[int, Any]) -> None:
    for item in tv if isinstance(tv, list) else tv.values() if isinstance(tv, dict) else ():
        collect(item, objects)
    if isinstance(tv, dict) and "id" in tv and tv["t"] != "ref":
        objects[tv["id"]] = tv


def described(value: Any) -> Any:
    """Return a received value in the form that is compared."""
    if isinstance(value, dict):
        # The original knows nothing of read-ahead, and passes over the member that offers it.
        ahead = value.get("type") == "RemoteIterable"
        assert not ahead or value["ahead"] == 1
        return {
            "object": members({key: described(inner) for key, inner in value.items() if not (ahead and key == "ahead")})
        }
    if isinstance(value, list):
        return {"array": [described(inner) for inner in value]}
    if isinstance(value, MessagePort):
        return {"port": None}
    if isinstance(value, memoryview | bytes | clone.View):
        return {"bytes": bytes(value).hex()}
    if value is clone.undefined:
        return {"undefined": None}
    assert value is None or isinstance(value, bool | int | float | str), f"no server sends a {type(value).__name__}"
    return value


def members(given: dict[str, Any]) -> dict[str, Any]:
    """Leave out what implementations may choose: undefined members, and of an error its stack and message."""
    error = "stack" in given
    return {
        key: value
        for key, value in given.items()
        if value != {"undefined": None} and key != "stack" and not (error and key == "message")
    }
