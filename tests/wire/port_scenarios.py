"""Runs the steps of `clone/port_cases.json` on Python's ports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from wire.typed_values import NotPythonsError, build, describe, own_bytes

from ipfs_comm.errors import DataCloneError
from ipfs_comm.wire import Link, MessageEvent, MessagePort, clone

if TYPE_CHECKING:
    from collections.abc import Callable

#: Steps and forms that are JavaScript's alone: getters, option bags, the attributes of its events.
FORMS = {"array": list, "set": set, "generator": iter}
EVENT_ATTRIBUTES = {"type", "data", "targetIs", "portsLength"}


def check_is_pythons(case: dict[str, Any]) -> None:
    """Raise NotPythonsError for a case that needs what only JavaScript has."""
    if (
        case["id"].startswith(("historical/", "transfer-arg/typeerror/transfer-"))
        or case["id"] == "transfer-arg/no-argument"
    ):
        raise NotPythonsError("ports without close events, or types of arguments that Python does not have")
    text = repr(case["steps"])
    for sign in ("'get'", "'options", "isTrusted", "'fn'", "'globalThis'", "onclose'", "instanceOf"):
        if sign in text and not (sign == "onclose'" and "'onclose'," in text):
            raise NotPythonsError(sign)
    for step in case["steps"]:
        if step[0] == "postRaw" and len(step[2]) > 1 and isinstance(step[2][1], dict):
            raise NotPythonsError("an option bag")


class Scenario:
    """The state of one case.

    Parameters
    ----------
    open_channel : callable
        Returns two entangled ports.
    links : list of Link
        What to wait for until everything has settled.
    """

    def __init__(
        self, open_channel: Callable[[], tuple[MessagePort, MessagePort]], links: Callable[[], list[Link]]
    ) -> None:
        self.open_channel = open_channel
        self.links = links
        self.ports: dict[str, MessagePort] = {}
        self.buffers: dict[str, clone.ArrayBuffer] = {}
        self.logs: dict[str, list[MessageEvent]] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self.handlers: dict[str, dict[str, Any]] = {}
        self.failures: list[BaseException] = []

    async def run(self, case: dict[str, Any]) -> None:
        for step in case["steps"]:
            if step[0] in {"settle", "until"}:
                await self.settle()
                if self.failures:
                    raise self.failures[0]
            else:
                self.do(step)
        for port in self.ports.values():
            port.close()

    async def settle(self) -> None:
        async with asyncio.timeout(20):
            quiet = 0
            while quiet < 20:
                await asyncio.sleep(0)
                quiet = quiet + 1 if all(link.error is not None or link.idle for link in self.links()) else 0

    def record(self, name: str) -> Callable[[MessageEvent], None]:
        def listener(event: MessageEvent) -> None:
            key = (name, event.type)
            self.counts[key] = self.counts.get(key, 0) + 1
            if event.type != "message":
                return
            log = self.logs.setdefault(name, [])
            log.append(event)
            for step in self.handlers.get(name, {}).get(str(len(log) - 1), ()):
                try:
                    self.do(step)
                except BaseException as error:
                    self.failures.append(error)

        return listener

    def value(self, tv: Any) -> Any:
        return build(tv, self.ports, dict(self.buffers))

    def transferable(self, item: Any) -> Any:
        return self.value(item) if isinstance(item, dict) else self.ports.get(item) or self.buffers[item]

    def post(self, name: str, tv: Any, transfer: list[Any] | None = None, form: str = "array") -> None:
        items = FORMS[form](self.transferable(item) for item in transfer or ())
        self.ports[name].post_message(self.value(tv), items)

    def log(self, name: str) -> list[Any]:
        return [
            describe(event.data, {port: f"#{number}" for number, port in enumerate(event.ports)})
            for event in self.logs.get(name, [])
        ]

    def do(self, step: list[Any]) -> None:
        match step:
            case ["channel", name]:
                self.ports[f"{name}1"], self.ports[f"{name}2"] = self.open_channel()
            case ["buffer", name, digits]:
                self.buffers[name] = clone.ArrayBuffer(bytes.fromhex(digits))
            case ["listen", name, kind]:
                self.ports[name].add_event_listener(kind, self.record(name))
            case ["onmessage", name]:
                self.ports[name].onmessage = self.record(name)
            case ["onmessage-null", name]:
                self.ports[name].onmessage = None
            case ["onclose", name]:
                self.ports[name].onclose = self.record(name)
            case ["handler", name, steps]:
                self.handlers[name] = steps
            case ["start", name]:
                self.ports[name].start()
            case ["close", name]:
                self.ports[name].close()
            case ["post", name, *rest]:
                self.post(name, *rest)
            case ["postN", name, count]:
                for number in range(count):
                    self.ports[name].post_message(number)
            case ["postRaw", name, arguments]:
                message, *transfer = (self.value(argument) for argument in arguments)
                if transfer == [clone.undefined]:
                    transfer = []
                self.ports[name].post_message(message, *transfer)
            case ["throws", inner, expected]:
                with pytest.raises({"DataCloneError": DataCloneError, "TypeError": TypeError}[expected]):
                    self.do(inner)
            case ["take", name, number, index, new]:
                self.ports[new] = self.logs[name][number].ports[index]
            case ["takeData", name, number, path, new]:
                found = self.logs[name][number].data
                for key in path:
                    found = found[key]
                self.ports[new] = found
            case ["samePort", one, other]:
                assert self.ports[one] is self.ports[other]
            case ["detached", name, expected]:
                assert self.buffers[name].detached == expected
            case ["count", name, kind, expected]:
                assert self.counts.get((name, kind), 0) == expected
            case ["log", name, expected]:
                assert self.log(name) == own_bytes(expected)
            case ["logAny", name, accepted]:
                assert self.log(name) in [own_bytes(log) for log in accepted]
            case ["logLength", name, expected]:
                assert len(self.logs.get(name, [])) == expected
            case ["logRange", name, count]:
                assert self.log(name) == list(range(count))
            case ["event", name, number, expected]:
                event = self.logs[name][number]
                for key, wanted in expected.items():
                    self.check_event(event, key, wanted)
            case _:
                raise AssertionError(f"an unknown step: {step}")

    def check_event(self, event: MessageEvent, key: str, wanted: Any) -> None:
        if key == "targetIs":
            assert event.target is self.ports[wanted]
        elif key == "portsLength":
            assert len(event.ports) == wanted
        elif key in {"type", "data"}:
            assert getattr(event, key) == wanted
        else:
            raise AssertionError(f"an unknown attribute of events: {key}")
