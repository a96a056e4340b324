"""Which of several sources counts."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.exchange import DEFAULT_GATEWAYS
from ipfs_comm.kernel.config import IPFSComm


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NODE", "REPO", "GATEWAYS", "KUBO_API", "KUBO_AUTH", "STORAGE_MAX"):
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
    with pytest.raises(InvalidInputError, match="IPFS_COMM_NODE cannot be 'helia'"):
        IPFSComm().kind()


def test_the_gateways_by_default_are_public_ones() -> None:
    assert IPFSComm().sources() == DEFAULT_GATEWAYS


def test_the_later_source_of_gateways_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    config = IPFSComm(config=Config({"IPFSComm": {"gateways": ["https://from.file"]}}))
    assert config.sources() == ("https://from.file",)
    monkeypatch.setenv("IPFS_COMM_GATEWAYS", "https://from.environment, http://127.0.0.1:8080")
    assert config.sources() == ("https://from.environment", "http://127.0.0.1:8080")
    config.choose("gateways", "https://from.session https://and.another")
    assert config.sources() == ("https://from.session", "https://and.another")
    config.choose("gateways", "default")
    assert config.sources() == DEFAULT_GATEWAYS


def test_no_gateway_is_a_choice_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPFS_COMM_GATEWAYS", "")
    assert str(IPFSComm().choice("gateways")) == "() (set by IPFS_COMM_GATEWAYS)"
    monkeypatch.delenv("IPFS_COMM_GATEWAYS")
    for option, text in (("gateways", "none"), ("offline", "true")):
        config = IPFSComm()
        config.choose(option, text)
        assert config.sources() == ()


def test_gateways_that_are_none_are_refused_by_their_source(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match=r"%ipfs gateways cannot be 'ftp://host'"):
        IPFSComm().choose("gateways", "ftp://host")
    monkeypatch.setenv("IPFS_COMM_GATEWAYS", "nonsense")
    with pytest.raises(InvalidInputError, match="IPFS_COMM_GATEWAYS cannot be 'nonsense'"):
        IPFSComm().sources()


def test_every_option_of_a_node_comes_from_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert IPFSComm().kind() == "auto"
    assert {"repo", "gateways", "kubo_api", "kubo_auth"} <= IPFSComm().opening().keys()
    monkeypatch.setenv("IPFS_COMM_NODE", "kubo")
    monkeypatch.setenv("IPFS_COMM_KUBO_API", "/ip4/127.0.0.1/tcp/5001")
    monkeypatch.setenv("IPFS_COMM_KUBO_AUTH", "bearer:token")
    assert IPFSComm(repo="/somewhere").opening() == {
        "kind": "kubo",
        "read_only": False,
        "shard_split_threshold": None,
        "kubo_api": None,
        "kubo_auth": None,
        "offline": False,
    }
    config = IPFSComm()
    config.choose("kubo_auth", "bearer:another")
    assert config.opening()["kubo_auth"] == "bearer:another"
    config.choose("kubo_api", "http://127.0.0.1:5002")
    assert config.opening()["kubo_api"] == "http://127.0.0.1:5002"
    config.choose("node", "embedded")
    assert "kubo_api" not in config.opening()


def test_a_daemon_that_was_chosen_can_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPFS_COMM_KUBO_API", "http://127.0.0.1:5001")
    config = IPFSComm()
    config.choose("kubo_api", "none")
    assert config.opening()["kubo_api"] == ""


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("kubo_api", "http://alice:verysecret@host:5001", "ftp://alice:verysecret@host"),
        ("kubo_auth", "basic:alice:verysecret", "digest:verysecret"),
    ],
)
def test_what_lets_one_in_is_never_shown(monkeypatch: pytest.MonkeyPatch, name: str, good: str, bad: str) -> None:
    config = IPFSComm()
    config.choose(name, good)
    assert config.opening()[name] == good
    shown = [str(config.choice(name)), repr(config.choice(name)), repr(getattr(config, name))]
    shown.append(config.class_get_help(config))
    with pytest.raises(InvalidInputError) as caught:
        config.choose(name, bad)
    shown += [str(caught.value), repr(caught.value.__cause__)]
    monkeypatch.setenv(f"IPFS_COMM_{name.upper()}", bad)
    with pytest.raises(InvalidInputError, match=f"IPFS_COMM_{name.upper()}") as caught:
        IPFSComm().choice(name)
    shown += [str(caught.value), repr(caught.value.__cause__)]
    assert not [text for text in shown if "verysecret" in text]


@pytest.mark.parametrize("text", ["10GB", "10000000000"])
def test_a_limit_of_storage_is_a_number_of_bytes(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("IPFS_COMM_STORAGE_MAX", text)
    assert str(IPFSComm().choice("storage_max")) == "10000000000 (set by IPFS_COMM_STORAGE_MAX)"


def test_a_limit_of_storage_can_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPFS_COMM_STORAGE_MAX", "10GB")
    config = IPFSComm(storage_reserve="1MiB")
    assert config.choice("storage_reserve").value == 1 << 20
    config.choose("storage_max", "none")
    config.choose("storage_reserve", "default")
    assert config.choice("storage_max").value is None
    assert config.choice("storage_reserve").value is None


@pytest.mark.parametrize(("name", "text"), [("storage_max", "0"), ("storage_max", "much"), ("storage_reserve", "-1")])
def test_what_is_no_size_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match="is no size"):
        IPFSComm().choose(name, text)


@pytest.mark.parametrize("text", ["core,dag,block", "core dag block", "core, dag, block"])
def test_namespaces_are_chosen_as_text(text: str) -> None:
    config = IPFSComm()
    assert config.policy("ipfs_comm").namespaces is None
    config.choose("namespaces", text)
    assert config.policy("ipfs_comm").namespaces == ("core", "dag", "block")
    config.choose("namespaces", "all")
    assert config.policy("ipfs_comm").namespaces is None


@pytest.mark.parametrize("text", ["nope", "core,nope", "none", "None", "['core']"])
def test_namespaces_that_are_none_are_refused_and_leave_what_was_chosen(text: str) -> None:
    config = IPFSComm(namespaces=["core"])
    with pytest.raises(InvalidInputError, match="namespaces"):
        config.choose("namespaces", text)
    assert config.policy("ipfs_comm").namespaces == ("core",)


@pytest.mark.parametrize("option", ["call_limits", "targets", "limits"])
@pytest.mark.parametrize("text", ["nonsense", "max_calls=many", "[1]"])
def test_limits_that_are_none_are_refused(option: str, text: str) -> None:
    config = IPFSComm()
    with pytest.raises(InvalidInputError, match=option):
        config.choose(option, text)
    assert getattr(config, option) == {}


def test_an_option_that_is_set_counts_for_the_calls_after_it() -> None:
    config = IPFSComm()
    assert not config.policy("ipfs_comm").admin
    config.choose("admin", "true")
    assert config.policy("ipfs_comm").admin
    config.read_only = True
    assert config.policy("ipfs_comm").read_only
