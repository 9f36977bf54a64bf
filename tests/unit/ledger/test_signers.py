"""Keys: what a keystore keeps, and what is said when it does not open."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from eth_account import Account

from registry.ledger import KeystoreSigner, LocalSigner
from registry.ports import KeyUnusable

TRANSACTION = {
    "type": 2, "chainId": 5, "nonce": 0, "gas": 21_000, "to": "0x" + "11" * 20, "value": 0, "data": b"",
    "maxFeePerGas": 0, "maxPriorityFeePerGas": 0,
}  # fmt: skip


def test_a_signature_comes_from_the_address() -> None:
    signer = LocalSigner.create()
    assert Account.recover_transaction(signer.sign(TRANSACTION)) == signer.address


def test_a_kept_key_signs_the_same_and_is_its_owners_alone(tmp_path: Path) -> None:
    signer, path = LocalSigner.create(), tmp_path / "key.json"
    KeystoreSigner.keep(signer, path, "a passphrase")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signer.private_key.hex() not in path.read_text()
    opened = KeystoreSigner(path, "a passphrase")
    assert opened.address == signer.address
    assert opened.sign(TRANSACTION) == signer.sign(TRANSACTION)
    with pytest.raises(FileExistsError):
        KeystoreSigner.keep(LocalSigner.create(), path, "another")
    with pytest.raises(KeyUnusable, match="that the passphrase does not open"):
        KeystoreSigner(path, "wrong")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no file"),
        ("{", "no keystore"),
        ("{}", "no keystore"),
        ("[]", "no keystore"),
        ("7", "no keystore"),
    ],
)
def test_what_is_no_keystore_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KeyUnusable, match=message):
        KeystoreSigner(path, "a passphrase")


def test_a_key_never_shows_itself() -> None:
    signer = LocalSigner(bytes([5]) * 32)
    assert "05" * 16 not in repr(signer) and signer.address in repr(signer)
