"""The generated network: the genesis block lists the validators, keys stay out, bad input is named."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import rlp
from eth_keys.datatypes import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tools.make_besu_network import (
    SANDBOX_HOSTS,
    NetworkInvalid,
    Validator,
    extra_data,
    genesis,
    main,
)

private_keys = st.binary(min_size=32, max_size=32).filter(lambda raw: 0 < int.from_bytes(raw, "big") < 2**255)


def validator(raw: bytes, host: str = "10.0.0.1") -> Validator:
    return Validator(PrivateKey(raw).public_key.to_bytes(), host)


def four() -> list[Validator]:
    return [validator(bytes([number]) * 32, f"10.0.0.{number}") for number in range(1, 5)]


@given(st.lists(private_keys, min_size=4, max_size=7, unique=True))
def test_extra_data_decodes_to_the_validators(raws: list[bytes]) -> None:
    vanity, addresses, vote, round_number, seals = rlp.decode(extra_data([validator(raw) for raw in raws]))
    assert vanity == bytes(32)
    assert addresses == sorted(PrivateKey(raw).public_key.to_canonical_address() for raw in raws)
    assert (vote, round_number, seals) == ([], b"", [])


def test_genesis_is_a_free_gas_cancun_chain() -> None:
    document = genesis(four(), 4242)
    config = document["config"]
    assert config["chainId"] == 4242
    assert config["cancunTime"] == config["shanghaiTime"] == config["londonBlock"] == 0
    assert config["zeroBaseFee"] is True
    assert document["baseFeePerGas"] == "0x0"
    assert int(document["gasLimit"], 16) >= 16_700_000, "a full batch must fit a block"
    assert config["qbft"]["requesttimeoutseconds"] > config["qbft"]["blockperiodseconds"]


def test_sandbox_makes_keys_once_and_files_that_agree(tmp_path: Path) -> None:
    network = tmp_path / "network"
    assert main(["sandbox", "--output", str(network), "--chain-id", "77"]) == 0
    first = {path: path.read_bytes() for path in sorted(network.rglob("*")) if path.is_file()}
    assert main(["sandbox", "--output", str(network), "--chain-id", "77"]) == 0
    assert {path: path.read_bytes() for path in first} == first

    document = json.loads((network / "genesis.json").read_text())
    _, addresses, *_ = rlp.decode(bytes.fromhex(document["extraData"][2:]))
    owned = []
    for number, host in enumerate(SANDBOX_HOSTS, start=1):
        folder = network / f"validator-{number}"
        key_file = folder / "key"
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        key = PrivateKey(bytes.fromhex(key_file.read_text().strip()[2:]))
        owned.append(key.public_key.to_canonical_address())
        static_nodes = json.loads((folder / "static-nodes.json").read_text())
        assert static_nodes[number - 1] == f"enode://{key.public_key.to_bytes().hex()}@{host}:30303"
        assert len(static_nodes) == len(SANDBOX_HOSTS)
        assert key.to_bytes().hex() not in (network / "genesis.json").read_text()
    assert addresses == sorted(owned)


def test_genesis_from_enodes_writes_no_key(tmp_path: Path) -> None:
    enodes = [word for each in four() for word in ("--enode", each.enode)]
    assert main(["genesis", *enodes, "--output", str(tmp_path)]) == 0
    assert not list(tmp_path.rglob("key"))
    document = json.loads((tmp_path / "genesis.json").read_text())
    _, addresses, *_ = rlp.decode(bytes.fromhex(document["extraData"][2:]))
    assert addresses == sorted(each.address for each in four())


@pytest.mark.parametrize(
    "text", ["", "enode://ab@h:1", f"enode://{'0' * 127}g@h:30303", f"enode://{'a' * 128}@h"]
)
def test_a_wrong_enode_is_named(text: str) -> None:
    with pytest.raises(NetworkInvalid, match="enode: found"):
        Validator.parse(text)


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(NetworkInvalid, match=f"found port {port}, allowed 1 to 65535"):
        Validator.parse(f"enode://{'a' * 128}@host:{port}")


def test_enodes_round_trip() -> None:
    for each in four():
        assert Validator.parse(each.enode) == each


def test_too_few_or_repeated_validators_and_wrong_chain_ids_are_refused() -> None:
    with pytest.raises(NetworkInvalid, match="found 3, allowed 4 or more"):
        genesis(four()[:3], 1)
    with pytest.raises(NetworkInvalid, match="listed twice"):
        genesis([*four()[:3], four()[0]], 1)
    with pytest.raises(NetworkInvalid, match="chain id: found 0"):
        genesis(four(), 0)


def test_a_damaged_key_stops_the_sandbox_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "validator-2" / "key"
    key.parent.mkdir()
    key.write_text("not a key")
    assert main(["sandbox", "--output", str(tmp_path)]) == 1
    assert f"{key}: found no key of 32 bytes in hex" in capsys.readouterr().err
    assert not (tmp_path / "genesis.json").exists()
