"""Keys and deployment of a consortium: encrypted, never overwritten, the same contracts on a chain by URL."""

from __future__ import annotations

import json
import stat
import urllib.request
from pathlib import Path

import pytest

from registry.ledger import KeystoreSigner, open_rpc
from tools.consortium import PASSPHRASE, main

SECRET = "correct horse battery"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, SECRET)


def test_a_key_is_encrypted_private_and_opens_with_its_passphrase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "keys" / "7.json"
    assert main(["key", str(file)]) == 0
    signer = KeystoreSigner(file, SECRET)
    assert capsys.readouterr().out.strip() == signer.address
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert signer.private_key.hex() not in file.read_text(encoding="utf-8")


def test_a_key_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "7.json"
    assert main(["key", str(file)]) == 0
    before = file.read_bytes()
    assert main(["key", str(file)]) == 1
    assert file.read_bytes() == before
    assert "keys are never overwritten" in capsys.readouterr().err


def test_a_short_passphrase_makes_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PASSPHRASE, "short")
    assert main(["key", str(tmp_path / "7.json")]) == 1
    assert "found 5 characters, allowed 12 or more" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_contracts_are_deployed_once_and_open_by_url(
    anvil_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keystore, output = tmp_path / "admin.json", tmp_path / "deployment.json"
    main(["key", str(keystore)])
    give_ether(anvil_url, capsys.readouterr().out.strip())
    order = ["deploy", "--url", anvil_url, "--admin", str(keystore), "--output", str(output)]
    assert main(order) == 0
    assert open_rpc(anvil_url, output).chain_id == 31337
    before = output.read_bytes()
    assert main(order) == 1
    assert output.read_bytes() == before
    assert "a second one would split the register" in capsys.readouterr().err


def test_no_node_and_no_keystore_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keystore, output = tmp_path / "admin.json", tmp_path / "deployment.json"
    order = ["deploy", "--url", "http://127.0.0.1:9", "--admin", str(keystore), "--output", str(output)]
    assert main(order) == 1
    assert f"no file {keystore}" in capsys.readouterr().err
    main(["key", str(keystore)])
    assert main(order) == 1
    assert "127.0.0.1:9" in capsys.readouterr().err
    assert not output.exists()


def give_ether(url: str, address: str) -> None:
    """A development chain charges for gas; a consortium's does not."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance", "params": [address, hex(10**20)]}
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()
