"""What every ledger does, whatever chain is behind it: run on the embedded chain and on anvil."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rlp
from eth_utils.crypto import keccak

from registry.domain.commands import AdmitParties, Pause, ReinstateParty, RotateSigner, SuspendParty, Unpause
from registry.domain.enums import PartyKind
from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.events import ConsortiumFounded, PartyAdmitted, PartySuspended, Paused, SignerRotated
from registry.domain.identifiers import eic_check_character
from registry.domain.participants import Admission
from registry.evidence.blocks import receipts_root
from registry.ledger import ChainLedger, Connection, LocalSigner, fund
from registry.ledger.artifacts import Artifacts, load_artifacts
from registry.ledger.deployment import Deployment, deploy
from registry.ledger.embedded.chain import EmbeddedChain
from registry.ledger.embedded.provider import EmbeddedProvider
from registry.ports import ChainUnreachable, ContractsMissing, ContractsVersionMismatch, Signer, WrongChain

ETHER = 10**18
ANVIL_RICH = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""The first of the accounts that anvil funds by its default mnemonic: known to everyone."""


class FixedClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@dataclasses.dataclass(frozen=True)
class House:
    """A ledger with its connection and its admin."""

    connection: Connection
    admin: LocalSigner
    artifacts: Artifacts
    deployment: Deployment
    new_signer: Callable[[], LocalSigner]

    @property
    def ledger(self) -> ChainLedger:
        return ChainLedger(self.connection, self.deployment, self.artifacts)


@pytest.fixture(params=["embedded", "anvil"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    artifacts = load_artifacts(names=("Consortium", "Participants"))
    if request.param == "embedded":
        chain = EmbeddedChain(tmp_path / "chain.sqlite", FixedClock())
        connection = Connection(EmbeddedProvider(chain), "embedded")
        new_signer = LocalSigner.create
    else:
        connection = Connection.to(request.getfixturevalue("anvil_url"))
        rich = LocalSigner(ANVIL_RICH)

        def new_signer() -> LocalSigner:
            signer = LocalSigner.create()
            fund(connection, rich, [signer.address], ETHER)
            return signer

    admin = new_signer()
    deployment = deploy(connection, admin, artifacts, dispute_window_s=60)
    yield House(connection, admin, artifacts, deployment, new_signer)
    if request.param == "embedded":
        chain.close()


def eic(text: str) -> bytes:
    body = f"10X{text:A<12}"
    return (body + eic_check_character(body)).encode()


def admission(party: int, signer: Signer, kind: PartyKind = PartyKind.BSP) -> Admission:
    return Admission(party, kind, eic(f"P{party}"), f"Party {party}", signer.address)


@pytest.mark.rule("ACT-1")
def test_a_command_comes_back_as_the_event_it_caused(house: House) -> None:
    signer = LocalSigner.create()
    receipt = house.ledger.send(AdmitParties((admission(7, signer),)), house.admin)
    (recorded,) = receipt.events
    assert recorded.event == PartyAdmitted(7, PartyKind.BSP, eic("P7"), "Party 7", signer.address)
    assert recorded.sender == house.admin.address
    assert recorded.contract == "Participants"
    assert (recorded.tx_hash, recorded.block_hash) == (receipt.tx_hash, receipt.block_hash)
    block = house.ledger.block(receipt.block_number)
    assert (block.hash, block.time) == (receipt.block_hash, receipt.block_time)
    assert receipt.gas_used > 21_000


def test_recorded_tells_the_same_as_the_receipts_and_leaves_empty_blocks_out(house: House) -> None:
    ledger, old = house.ledger, LocalSigner.create()
    receipts = [
        ledger.send(AdmitParties((admission(1, old), admission(2, LocalSigner.create()))), house.admin)
    ]
    for command in (SuspendParty(2, b"late".ljust(32, b"\0")), ReinstateParty(2), Pause(), Unpause()):
        receipts.append(ledger.send(command, house.admin))
    new = LocalSigner.create()
    receipts.append(ledger.send(RotateSigner(1, old.address, new.address), house.admin))
    founding, *blocks = ledger.recorded(ledger.first_block, ledger.head().number)
    assert [type(event.event) for event in founding.events] == [ConsortiumFounded]
    assert [event for block in blocks for event in block.events] == [e for r in receipts for e in r.events]
    assert [type(event.event) for event in blocks[0].events] == [PartyAdmitted, PartyAdmitted]
    kinds = [type(block.events[0].event) for block in blocks]
    assert kinds[1] is PartySuspended and kinds[3] is Paused and kinds[5] is SignerRotated
    assert all(block.ref == ledger.block(block.ref.number) for block in blocks)
    assert blocks == sorted(blocks, key=lambda block: block.ref.number)
    middle = blocks[2].ref.number
    assert ledger.recorded(middle, middle) == [blocks[2]]
    assert ledger.recorded(0, ledger.first_block - 1) == []


@pytest.mark.rule("ACT-1")
def test_a_refusal_names_its_rule_and_writes_nothing(house: House) -> None:
    stranger, before = house.new_signer(), house.ledger.head()
    with pytest.raises(RuleViolation, match=r"ACT-1: sender: found 0x[0-9a-fA-F]{40}") as refused:
        house.ledger.send(Pause(), stranger)
    assert refused.value.rule == "ACT-1"
    assert stranger.address in str(refused.value)
    assert "reverted" not in str(refused.value)
    found = house.ledger.recorded(house.ledger.first_block, house.ledger.head().number)
    assert all(block.ref.number <= before.number for block in found)


@pytest.mark.rule("ACT-2")
def test_a_refusal_of_another_rule_is_told_apart(house: House) -> None:
    wrong = dataclasses.replace(admission(1, LocalSigner.create()), eic=b"10XPARTY-ONE---0")
    with pytest.raises(RuleViolation, match="ACT-2: eic: found 10XPARTY-ONE---0"):
        house.ledger.send(AdmitParties((wrong,)), house.admin)


@pytest.mark.rule("ACT-1")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"party": 1 << 16}, r"admissions\[1\]\.party: found 65536, allowed a value of type uint16"),
        ({"eic": bytes(17)}, r"admissions\[1\]\.eic"),
        ({"signer": "nobody"}, r"admissions\[1\]\.signer: found nobody, allowed a value of type address"),
    ],
)
def test_what_does_not_fit_the_chain_is_refused_by_field(
    house: House, change: dict[str, object], message: str
) -> None:
    good, bad = (admission(number, LocalSigner.create()) for number in (1, 2))
    with pytest.raises(InputInvalid, match=message):
        house.ledger.send(AdmitParties((good, dataclasses.replace(bad, **change))), house.admin)  # type: ignore[arg-type]


def test_a_batch_is_recorded_whole_or_not_at_all(house: House) -> None:
    first, second = admission(1, LocalSigner.create()), admission(1, LocalSigner.create())
    with pytest.raises(RuleViolation, match="ACT-1"):
        house.ledger.send(AdmitParties((first, second)), house.admin)
    assert len(house.ledger.recorded(house.ledger.first_block, house.ledger.head().number)) == 1, "founded"


def test_times_and_hashes_of_blocks_run_forward(house: House) -> None:
    ledger = house.ledger
    ledger.send(Pause(), house.admin)
    ledger.send(Unpause(), house.admin)
    refs = [ledger.block(number) for number in range(ledger.head().number + 1)]
    assert refs[-1] == ledger.head()
    assert len({ref.hash for ref in refs}) == len(refs)
    assert [ref.time for ref in refs] == sorted(ref.time for ref in refs)
    with pytest.raises(LookupError):
        ledger.block(len(refs) + 5)


@pytest.mark.rule("AUD-1")
def test_evidence_hashes_to_the_block_and_holds_its_logs(house: House) -> None:
    receipt = house.ledger.send(AdmitParties((admission(1, LocalSigner.create()),)), house.admin)
    evidence = house.ledger.evidence(receipt.block_number)
    assert keccak(evidence.header_rlp) == receipt.block_hash
    header = rlp.decode(evidence.header_rlp)
    assert header[5] == receipts_root(evidence.receipts)
    assert int.from_bytes(header[8], "big") == receipt.block_number
    assert b"Party 1" in evidence.receipts[0]
    altered = (evidence.receipts[0][:-1] + b"\x01",)
    assert receipts_root(altered) != header[5]
    empty = house.ledger.evidence(0)
    assert keccak(empty.header_rlp) == house.ledger.block(0).hash and empty.receipts == ()


def test_views_are_read_with_their_types(house: House) -> None:
    house.ledger.send(AdmitParties((admission(9, LocalSigner.create(), PartyKind.TSO),)), house.admin)
    assert house.ledger.read("Participants", "kindOf", party=9) == (PartyKind.TSO,)
    assert house.ledger.contracts_version == house.ledger.read("Consortium", "version")[0]


def test_another_chain_is_refused(house: House) -> None:
    elsewhere = dataclasses.replace(house.deployment, chain_id=5)
    with pytest.raises(WrongChain, match=f"found chain {house.deployment.chain_id}; expected chain 5"):
        ChainLedger(house.connection, elsewhere, house.artifacts)


def test_an_address_without_contract_is_refused(house: House) -> None:
    elsewhere = dataclasses.replace(
        house.deployment, addresses={**house.deployment.addresses, "Participants": house.admin.address}
    )
    with pytest.raises(ContractsMissing, match=f"no contract Participants at {house.admin.address}"):
        ChainLedger(house.connection, elsewhere, house.artifacts)


@pytest.mark.rule("CON-1")
def test_contracts_of_another_version_are_refused(house: House) -> None:
    later = dataclasses.replace(house.artifacts, version=2)
    with pytest.raises(ContractsVersionMismatch, match=r"found version 1 .* expected version 2"):
        ChainLedger(house.connection, house.deployment, later)


def test_a_node_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ChainUnreachable, match=f"from {url}"):
        Connection.to(url).request("eth_chainId")
