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


class Members:
    """A founded consortium on a chain, and keys of its members in files."""

    def __init__(self, url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.folder = folder
        self.addresses: dict[str, str] = {}
        self.place = ["--url", url, "--deployment", str(folder / "deployment.json")]
        for name in ("admin", "first", "second", "third"):
            main(["key", str(folder / name)])
            self.addresses[name] = capsys.readouterr().out.strip()
            give_ether(url, self.addresses[name])
        output = str(folder / "deployment.json")
        assert main(["deploy", "--url", url, "--admin", str(folder / "admin"), "--output", output]) == 0

    def order(self, command: str, by: str = "", *words: str) -> str:
        """What was said, on output or as an error."""
        key = ["--key", str(self.folder / by)] if by else []
        status = main([command, *self.place, *key, *words])
        said = self.capsys.readouterr()
        assert bool(status) == bool(said.err)
        return said.out + said.err

    def offer(self, by: str, threshold: int, *names: str) -> str:
        return self.order("offer", by, "--threshold", str(threshold), *(self.addresses[one] for one in names))


@pytest.fixture
def members(anvil_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Members:
    made = Members(anvil_url, tmp_path, capsys)
    capsys.readouterr()
    return made


@pytest.mark.rule("ACT-1")
def test_the_admin_is_handed_over_once_every_seat_has_accepted(members: Members) -> None:
    assert members.order("seats").splitlines()[1:] == [members.addresses["admin"]]
    assert "ACT-1" in members.order("accept", "first"), "nothing is offered"
    assert "ACT-1" in members.offer("first", 1, "first"), "it is no seat"
    assert "ACT-1" in members.offer("admin", 3, "first", "second"), "more than can agree"
    assert "ACT-1" in members.order("offer", "admin", "--threshold", "1", "0x12"), "no address"
    assert "offered to 2 seats, 2 of which have to agree" in members.offer("admin", 2, "first", "second")
    assert f"accepted by {members.addresses['second']}" in members.order("accept", "second")
    assert "ACT-1" in members.order("accept", "third"), "it was not offered to this one"
    assert members.order("seats").splitlines()[1:] == [members.addresses["admin"]]
    assert "handed over: the admin is 2 seats" in members.order("accept", "first")
    shown = members.order("seats").splitlines()
    assert shown[0] == "2 seats, 2 of which have to agree"
    assert set(shown[1:]) == {members.addresses["first"], members.addresses["second"]}


@pytest.mark.rule("ACT-1")
def test_with_a_threshold_as_many_seats_have_to_offer_the_same(members: Members) -> None:
    members.offer("admin", 2, "first", "second", "third")
    for name in ("first", "second", "third"):
        members.order("accept", name)
    assert "ACT-1" in members.offer("admin", 1, "admin"), "the old key is no seat any more"
    assert "consent 1 of 2" in members.offer("third", 1, "admin", "first")
    assert "ACT-1" in members.offer("third", 1, "admin", "first"), "one seat is one consent"
    assert "consent 1 of 2" in members.offer("second", 1, "admin"), "that is another call"
    assert "offered to 2 seats, 1 of which" in members.offer("first", 1, "first", "admin"), "in any order"
    members.order("accept", "admin")
    assert "handed over" in members.order("accept", "first")
    assert members.order("seats").startswith("2 seats, 1 of which")
