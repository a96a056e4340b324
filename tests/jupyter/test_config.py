"""Which of several sources counts."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from ipfs_comm.errors import InvalidInputError, NotSupportedError
from ipfs_comm.kernel.config import IPFSComm


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NODE", "REPO", "KUBO_API"):
        monkeypatch.delenv(f"IPFS_COMM_{name}", raising=False)


def test_a_default_has_no_source() -> None:
    choice = IPFSComm().choice("repo")
    assert (choice.value, choice.source) == ("", "")


def test_the_environment_wins_over_the_configuration_file(monkeypatch: pytest.MonkeyPatch) -> None:
    config = IPFSComm(config=Config({"IPFSComm": {"repo": "/from/file"}}))
    assert config.choice("repo").value == "/from/file"
    monkeypatch.setenv("IPFS_COMM_REPO", "/from/environment")
    assert str(config.choice("repo")) == "'/from/environment' (set by IPFS_COMM_REPO)"


def test_what_the_session_says_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPFS_COMM_REPO", "/from/environment")
    config = IPFSComm()
    config.choose("repo", ":memory:")
    assert str(config.choice("repo")) == "':memory:' (set by %ipfs repo)"


def test_config_magic_counts_as_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPFS_COMM_REPO", "/from/environment")
    config = IPFSComm()
    config.repo = "/from/config/magic"
    assert config.choice("repo").value == "/from/config/magic"


@pytest.mark.parametrize(
    ("name", "text"), [("node", "helia"), ("read_only", "perhaps"), ("page_timeout", "0"), ("colour", "red")]
)
def test_a_choice_that_cannot_be_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match=name):
        IPFSComm().choose(name, text)


def test_an_environment_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPFS_COMM_NODE", "helia")
    with pytest.raises(InvalidInputError, match="IPFS_COMM_NODE is 'helia'"):
        IPFSComm().kind()


def test_auto_is_the_embedded_node() -> None:
    assert IPFSComm().kind() == "embedded"


@pytest.mark.parametrize(("name", "value"), [("NODE", "kubo"), ("KUBO_API", "http://127.0.0.1:5001")])
def test_a_kubo_that_was_asked_for_is_never_replaced_in_silence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"IPFS_COMM_{name}", value)
    with pytest.raises(NotSupportedError, match=f"set by IPFS_COMM_{name}"):
        IPFSComm().kind()
