"""Putting a node together: what is kept in its folder, and how each thing that is wrong is told apart."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from registry.bootstrap import KeyRing, SettableClock, SystemClock, open_node, sandbox_token
from registry.config import Settings
from registry.domain.commands import AdmitParties
from registry.domain.enums import PartyKind
from registry.domain.errors import InputInvalid
from registry.domain.identifiers import eic_check_character
from registry.domain.participants import Admission
from registry.ledger.signers import KeystoreSigner, LocalSigner
from registry.ports import AlreadyInUse, DatabaseCorrupted, KeyUnusable, OperationalError
from registry.services.identity import Principal, Role, TokenInvalid

START = datetime(2026, 6, 17, 2, tzinfo=UTC)


def settings(folder: Path, **changes: object) -> Settings:
    return Settings(state=folder, **changes)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- keys


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    made = (ring.p256("receipts"), ring.ed25519("log"), ring.party("party-21"))
    again = KeyRing(tmp_path / "keys")
    assert again.p256("receipts").private_numbers() == made[0].private_numbers()
    assert again.ed25519("log").private_bytes_raw() == made[1].private_bytes_raw()
    assert again.party("party-21").address == made[2].address
    assert {party: signer.address for party, signer in again.parties().items()} == {21: made[2].address}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    for file in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


DAMAGE: dict[str, tuple[str, bytes, Callable[[KeyRing], object]]] = {
    "no PEM": ("log.pem", b"nothing", lambda ring: ring.ed25519("log")),
    "empty": ("log.pem", b"", lambda ring: ring.ed25519("log")),
    "not hexadecimal": ("party-21.hex", b"zz", lambda ring: ring.party("party-21")),
    "too short": ("party-21.hex", b"00", lambda ring: ring.party("party-21")),
    "not ASCII": ("party-21.hex", b"\xff", lambda ring: ring.party("party-21")),
}


@pytest.mark.parametrize(("name", "data", "use"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_key_is_named_and_never_replaced(
    tmp_path: Path, name: str, data: bytes, use: Callable[[KeyRing], object]
) -> None:
    ring = KeyRing(tmp_path)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(KeyUnusable, match=name):
        use(ring)
    assert (tmp_path / name).read_bytes() == data


def test_a_key_of_another_kind_is_named(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    assert isinstance(ring.ed25519("log"), Ed25519PrivateKey)
    with pytest.raises(KeyUnusable, match="P-256"):
        ring.p256("log")
    assert isinstance(ring.p256("issuer").curve, ec.SECP256R1)
    with pytest.raises(KeyUnusable, match="Ed25519"):
        ring.ed25519("issuer")


# --------------------------------------------------------------------------------------------------- clocks


def test_a_set_clock_stands_still_and_never_goes_back() -> None:
    clock = SettableClock(START)
    assert clock.now() == clock.now() == START
    clock.set(START + timedelta(seconds=1))
    with pytest.raises(ValueError, match="does not go back"):
        clock.set(START)
    assert clock.now() == START + timedelta(seconds=1)
    assert SystemClock().now().utcoffset() == timedelta(0)


# ------------------------------------------------------------------------------------------------- opening


@pytest.mark.rule("MIR-1")
def test_a_node_is_founded_once_and_opened_again(tmp_path: Path) -> None:
    with open_node(settings(tmp_path), SettableClock(START)) as node:
        head, addresses = node.ledger.head(), dict(node.ledger.addresses)
        assert node.mirror.position() == head
        platform = node.platform(11).private_numbers()
    with open_node(settings(tmp_path), SettableClock(START)) as node:
        assert node.ledger.head() == head
        assert dict(node.ledger.addresses) == addresses
        assert node.platform(11).private_numbers() == platform
        assert node.admin is not None


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    with (
        open_node(settings(tmp_path), SettableClock(START)),
        pytest.raises(AlreadyInUse, match=str(tmp_path)),
    ):
        open_node(settings(tmp_path), SettableClock(START))
    open_node(settings(tmp_path), SettableClock(START)).close()


@pytest.mark.parametrize("file", ["chain/chain.sqlite", "register.sqlite", "vault.sqlite", "log/log.sqlite"])
def test_a_damaged_database_is_named_and_nothing_stays_locked(tmp_path: Path, file: str) -> None:
    open_node(settings(tmp_path), SettableClock(START)).close()
    whole = (tmp_path / file).read_bytes()
    for companion in tmp_path.glob(f"{file}-*"):
        companion.unlink()
    (tmp_path / file).write_bytes(b"this is no database" * 100)
    with pytest.raises(DatabaseCorrupted, match=Path(file).name):
        open_node(settings(tmp_path), SettableClock(START))
    (tmp_path / file).write_bytes(whole)
    open_node(settings(tmp_path), SettableClock(START)).close()


def test_a_mirror_of_its_own_url(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite"
    with open_node(settings(tmp_path / "node", register_url=f"sqlite:///{elsewhere}"), SettableClock(START)):
        assert elsewhere.exists()
    assert not (tmp_path / "node" / "register.sqlite").exists()


@pytest.mark.rule("ACT-1")
def test_with_a_keystore_a_node_holds_its_own_key_only(tmp_path: Path) -> None:
    open_node(settings(tmp_path / "node"), SettableClock(START)).close()
    keystore = tmp_path / "keystore"
    keystore.mkdir()
    signer = LocalSigner.create()
    KeystoreSigner.keep(signer, keystore / "21.json", "secret")
    (keystore / "notes.json").write_text("{}")
    own = settings(tmp_path / "node", keystore=keystore, keystore_passphrase="secret")
    with open_node(own, SettableClock(START)) as node:
        assert {party: held.address for party, held in node.signers.items()} == {21: signer.address}
        assert node.admin is None
    with pytest.raises(KeyUnusable, match=r"21\.json"):
        open_node(
            settings(tmp_path / "node", keystore=keystore, keystore_passphrase="wrong"), SettableClock(START)
        )


def test_an_issuer_that_does_not_answer_is_no_bad_token(tmp_path: Path) -> None:
    """The caller is told that the node cannot do it now, not that the token is wrong."""
    outside = settings(tmp_path, jwks_url="http://127.0.0.1:1/keys", token_issuer="https://issuer.example")
    key = ec.generate_private_key(ec.SECP256R1())
    token = jwt.encode({"iss": "https://issuer.example"}, key, algorithm="ES256", headers={"kid": "1"})
    with open_node(outside, SettableClock(START)) as node:
        assert node.issuer is None
        with pytest.raises(OperationalError, match=r"127\.0\.0\.1:1"):
            node.tokens.check(token)
        with pytest.raises(TokenInvalid):
            node.tokens.check("nothing")


@pytest.mark.rule("ACT-1")
def test_a_token_is_issued_while_the_node_serves(tmp_path: Path) -> None:
    """The command line needs no second node: it reads mirror and issuer's key beside the serving process."""
    with open_node(settings(tmp_path), SettableClock(START)) as node:
        signer = node.keys.party("party-21")
        eic = "10XTOKENS------"
        admission = Admission(
            21, PartyKind.BSP, (eic + eic_check_character(eic)).encode(), "BSP", signer.address
        )
        assert node.admin is not None
        node.recorder.record(AdmitParties((admission,)), node.admin)
        assert node.tokens.check(sandbox_token(settings(tmp_path), 21, START)) == Principal(Role.BSP, 21)
        with pytest.raises(InputInvalid, match="party"):
            sandbox_token(settings(tmp_path), 22, START)
    with pytest.raises(InputInvalid, match="issuer"):
        sandbox_token(settings(tmp_path, jwks_url="https://issuer.example/keys"), 21, START)


# ------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"port": 65_536}, "port"),
        ({"port": -1}, "port"),
        ({"log_origin": "two words"}, "log_origin"),
        ({"log_origin": ""}, "log_origin"),
        ({"anchor_every_entries": 0}, "anchor_every_entries"),
        ({"acceptance_window_days": 367}, "acceptance_window_days"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, changes: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(tmp_path, **changes)
    assert refused.value.errors()[0]["loc"] == (field,)


def test_a_chain_by_url_needs_its_deployment(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="chain_url needs deployment"):
        settings(tmp_path, chain_url="http://127.0.0.1:8545")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLEXLEDGER_STATE", str(tmp_path))
    monkeypatch.setenv("FLEXLEDGER_PORT", "8123")
    found = Settings()
    assert (found.state, found.port, found.sandbox) == (tmp_path, 8123, True)
