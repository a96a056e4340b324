"""The limits of a link."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from traitlets import TraitError
from traitlets.config import Config

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.kernel.config import IPFSComm
from ipfs_comm.testing import linked_ports
from ipfs_comm.wire.limits import _RANGES, Limits


def test_every_limit_has_a_range_that_holds_its_default() -> None:
    assert {field.name for field in fields(Limits)} == set(_RANGES)
    for name, (least, most) in _RANGES.items():
        assert least <= getattr(Limits(), name) <= most


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"window": 1}, "window is at least 16384"),
        ({"window": 2**32}, "window .* at most"),
        ({"max_frames": 1.5}, "max_frames is a whole number"),
        ({"max_frames": True}, "max_frames is a whole number"),
        ({"expire_after": "60"}, "expire_after is a number of seconds"),
        ({"expire_after": float("nan")}, "expire_after"),
        ({"resume_within": -1}, "resume_within is at least 0"),
        ({"patience": 3}, "no limit 'patience'; there are .*expire_after"),
    ],
    ids=str,
)
def test_what_cannot_be_a_limit_is_refused_by_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        Limits.of(given)


def test_limits_are_given_whole_or_by_name_or_not_at_all() -> None:
    assert Limits.of(None) == Limits()
    assert Limits.of({"expire_after": 60}) == Limits(expire_after=60)
    assert Limits.of(limits := Limits(window=2**20)) is limits


async def test_both_ends_of_linked_ports_have_the_limits_that_were_given() -> None:
    async with linked_ports(limits={"window": 2**20}) as linked:
        assert linked.link2 is not None
        assert linked.link1.limits.window == linked.link2.limits.window == 2**20
        assert linked.link1.offer.window == linked.link1._sender.window == 2**20


def test_the_kernels_configuration_takes_limits_by_name() -> None:
    config = IPFSComm(config=Config({"IPFSComm": {"limits": {"expire_after": 60}, "max_links": 9}}))
    assert config.link_limits() == Limits(expire_after=60, max_links=9)
    with pytest.raises(TraitError, match="no limit 'expires'"):
        config.limits = {"expires": 1}
