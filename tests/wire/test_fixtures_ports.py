"""Conformance: the scenarios of `clone/port_cases.json` on Python's ports, in one process and over a link.

Collected are those that need nothing of JavaScript alone: getters, option bags, functions, attributes of its events. Of
the two generations of tests that contradict each other about close events, the later one is followed: a port tells when
the other end closed.
"""

from __future__ import annotations

from typing import Any

import pytest
from fixtures_support import cases
from wire.port_scenarios import Scenario, check_is_pythons
from wire.typed_values import NotPythonsError

from ipfs_comm.testing import LinkedPorts, linked_ports
from ipfs_comm.wire import Link, MessageChannel


def pythons() -> list[Any]:
    kept = []
    for parameter in cases("clone", "port_cases.json"):
        if parameter.values[0] is not None:
            try:
                check_is_pythons(parameter.values[0])
            except NotPythonsError:
                continue
        kept.append(parameter)
    return kept


@pytest.mark.parametrize("case", pythons())
async def test_ports_of_one_process_behave_as_the_standard_says(case: dict[str, Any]) -> None:
    def open_channel() -> Any:
        channel = MessageChannel()
        return channel.port1, channel.port2

    await Scenario(open_channel, list).run(case)


@pytest.mark.parametrize("case", pythons())
async def test_ports_over_a_link_behave_as_the_standard_says(case: dict[str, Any]) -> None:
    opened: list[LinkedPorts] = []

    def open_channel() -> Any:
        opened.append(linked_ports())
        return opened[-1].port1, opened[-1].port2

    def links() -> list[Link]:
        return [link for linked in opened for link in (linked.link1, linked.link2) if link is not None]

    await Scenario(open_channel, links).run(case)
    for linked in opened:
        linked.close()
    assert all(link.ports_open == 0 for link in links())
