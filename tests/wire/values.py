"""The tables of `docs/values.md`, read and evaluated; run as a program, the Python end of `values.mjs`."""

from __future__ import annotations

import asyncio
import os
import sys
from array import array
from collections import OrderedDict
from dataclasses import make_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from wire.graphs import same

from ipfs_comm.wire import Acceptor, Link, MessageChannel, MessageEvent, MessagePort, clone
from ipfs_comm.wire.carriers.stdio import StdioCarrier

PAGE = Path(__file__).parent.parent.parent / "docs" / "values.md"


def caused(error: BaseException, *, by: BaseException) -> BaseException:
    error.__cause__ = by
    return error


NAMES: dict[str, Any] = {name: getattr(clone, name) for name in clone.__all__} | {
    "MappingProxyType": MappingProxyType,
    "MessageChannel": MessageChannel,
    "MessagePort": MessagePort,
    "OrderedDict": OrderedDict,
    "Decimal": Decimal,
    "Enum": Enum,
    "IntEnum": IntEnum,
    "StrEnum": StrEnum,
    "UTC": UTC,
    "array": array,
    "caused": caused,
    "date": date,
    "datetime": datetime,
    "make_dataclass": make_dataclass,
    "np": np,
    "timedelta": timedelta,
    "timezone": timezone,
}


class Row(NamedTuple):
    """What crosses: the Python that is sent, the JavaScript that it is, and the Python that comes back."""

    python: str
    javascript: str
    arrives: str

    def sent(self) -> Any:
        return evaluate(self.python)

    def expected(self) -> Any:
        return evaluate(self.python if self.arrives == "same" else self.arrives)


class Refusal(NamedTuple):
    """What does not cross, and what the error says."""

    python: str
    says: str


def evaluate(text: str) -> Any:
    return eval(text, dict(NAMES))


def tables() -> tuple[list[Row], list[Refusal]]:
    rows, refusals = [], []
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("| `"):
            continue
        if len(cells) == 3:
            rows.append(Row(*cells))
        else:
            refusals.append(Refusal(*cells))
    return rows, refusals


async def is_as_told(arrived: Any, expected: Any) -> bool:
    """Whether what has arrived is what the table says."""
    if isinstance(expected, MessagePort):
        return isinstance(arrived, MessagePort)
    if isinstance(expected, clone.Blob):
        names = ("type", "size", "name", "last_modified")
        return type(arrived) is type(expected) and [
            *(getattr(arrived, name, None) for name in names),
            await arrived.read(),
        ] == [*(getattr(expected, name, None) for name in names), await expected.read()]
    if isinstance(expected, clone.FileList):
        return (
            type(arrived) is clone.FileList
            and len(arrived) == len(expected)
            and all([await is_as_told(*pair) for pair in zip(arrived, expected, strict=True)])
        )
    if isinstance(expected, clone.ImageData):
        return type(arrived) is clone.ImageData and same(
            [arrived.data, arrived.width, arrived.height, arrived.color_space],
            [expected.data, expected.width, expected.height, expected.color_space],
        )
    return same(without_stack(arrived), without_stack(expected))


def without_stack(value: Any) -> Any:
    if isinstance(value, clone.JSError):
        value.properties = {key: without_stack(part) for key, part in value.properties.items() if key != "stack"}
    return value


class Peer:
    """Answers `values.mjs`: what a row's value is, and whether what came is what the row says."""

    def __init__(self, port: MessagePort) -> None:
        self.rows, _ = tables()
        self.port = port
        self.tasks: set[asyncio.Task[None]] = set()
        port.onmessage = self.asked

    def asked(self, event: MessageEvent) -> None:
        task = asyncio.ensure_future(self.answer(event.data))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, question: dict[str, Any]) -> None:
        if "number" not in question:
            self.port.post_message(len(self.rows))
            return
        row = self.rows[question["number"]]
        if "text" in question:
            self.port.post_message(row.javascript)
            return
        if "value" in question:
            self.port.post_message(
                {"ok": await is_as_told(question["value"], row.expected()), "shown": repr(question["value"])}
            )
            return
        value = row.sent()
        transfer = [value] if isinstance(value, MessagePort) else []
        self.port.post_message({"value": value}, transfer)


async def main() -> None:
    sink = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    peers: list[Peer] = []

    def connect(_link: Link, port: MessagePort, _params: dict[str, Any]) -> None:
        peers.append(Peer(port))

    acceptor = Acceptor({"values": connect})
    await acceptor.accept(await StdioCarrier.connect(os.fdopen(0, "rb", buffering=0, closefd=False), sink))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
