"""Block evidence against a chain that nobody here wrote, and logs against their domain events."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import rlp
from eth_abi import encode
from eth_hash.auto import keccak
from eth_tester import EthereumTester, PyEVMBackend

from registry.domain.errors import RuleViolation
from registry.domain.events import (
    EVENTS,
    DayScheduled,
    PartyAdmitted,
    Paused,
    ProductPublished,
    SelectionRecorded,
)
from registry.evidence.abi import EventDecoder
from registry.evidence.blocks import (
    BlockEvidence,
    Log,
    header_hash,
    parse_header,
    receipts_root,
    verify_block,
    verify_log_in_block,
    verify_run,
)
from tests.unit.evidence.paper_day import history
from tests.unit.evidence.paper_ledger import (
    ABIS,
    ADDRESSES,
    ARTIFACTS,
    CONTRACTS,
    log_of,
    receipt_of,
)

pytestmark = pytest.mark.rule("AUD-1")


class Chain:
    """Blocks of py-evm: the founding of a consortium with one contract, a transfer, and two transactions of
    which one reverts.
    """

    def __init__(self) -> None:
        tester = EthereumTester(PyEVMBackend())
        self.admin, other = tester.get_accounts()[:2]
        name = b"Participants".ljust(32, b"\0")
        send = {"from": self.admin, "gas": 10_000_000, "value": 0}

        def create(contract: str, arguments: bytes) -> str:
            artifact = json.loads((ARTIFACTS / f"{contract}.json").read_text())
            sent = tester.send_transaction({**send, "data": artifact["bytecode"] + arguments.hex()})
            address: str = tester.get_transaction_receipt(sent)["contract_address"]
            return address

        self.consortium = create("Consortium", encode(["bytes32[]", "uint40"], [[name], 0]))
        code = create("Participants", b"")
        initial = keccak(b"initialize(address)")[:4] + encode(["address"], [self.admin])
        found = keccak(b"found((bytes32,address,bytes)[])")[:4]
        codes = encode(["(bytes32,address,bytes)[]"], [[(name, code, initial)]])
        tester.send_transaction({**send, "to": self.consortium, "data": "0x" + (found + codes).hex()})
        asked = {"from": self.admin, "to": self.consortium, "gas": 100_000, "value": 0}
        facade = tester.call({**asked, "data": "0x" + (keccak(b"facadeOf(bytes32)")[:4] + name).hex()})
        self.contract = "0x" + facade[-40:]
        tester.send_transaction({"from": self.admin, "to": other, "gas": 21_000, "value": 1})
        tester.disable_auto_mine_transactions()
        for nonce_free in (self.admin, other):
            selector = keccak(b"pause()")[:4].hex()
            call = {
                "from": nonce_free,
                "to": self.contract,
                "gas": 200_000,
                "value": 0,
                "data": "0x" + selector,
            }
            tester.send_transaction(call)
        tester.enable_auto_mine_transactions()
        self.head = tester.get_block_by_number("latest")["number"]
        self.hashes = [bytes.fromhex(tester.get_block_by_number(n)["hash"][2:]) for n in range(self.head + 1)]
        chain = tester.backend.chain
        self.blocks = [self._evidence(chain, number) for number in range(self.head + 1)]

    @staticmethod
    def _evidence(chain: Any, number: int) -> BlockEvidence:
        block = chain.get_canonical_block_by_number(number)
        receipts = block.get_receipts(chain.chaindb)
        return BlockEvidence(rlp.encode(block.header), tuple(receipt.encode() for receipt in receipts))


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain()


def test_headers_receipts_and_logs_of_a_real_chain(chain: Chain) -> None:
    headers = [parse_header(block.header_rlp) for block in chain.blocks]
    verify_run(headers)
    assert [header.hash for header in headers] == chain.hashes
    assert [header.number for header in headers] == list(range(chain.head + 1))
    for header, block in zip(headers, chain.blocks, strict=True):
        assert receipts_root(block.receipts) == header.receipts_root
    contract = bytes.fromhex(chain.contract[2:])
    logged = [
        any(log.address == contract for log in verify_block(h, b.receipts))
        for h, b in zip(headers, chain.blocks, strict=True)
    ]
    assert (
        [header.may_log(contract) for header in headers] == logged == [False, False, False, True, False, True]
    )
    assert len(chain.blocks[-1].receipts) == 2, "one paused, one reverted: both have a receipt"


def test_the_proved_logs_are_the_events(chain: Chain) -> None:
    contract = bytes.fromhex(chain.contract[2:])
    decoder = EventDecoder({"Participants": ABIS["Participants"]}, {"Participants": contract})
    _, log = verify_log_in_block(chain.blocks[-1], 0)
    event = decoder.decode(log)
    assert event == Paused(chain.admin), "addresses carry their checksum"
    _, founded = verify_log_in_block(chain.blocks[3], 0)
    assert founded.address == bytes.fromhex(chain.consortium[2:]), "a run of blocks is known to start here"
    assert founded.topics == (keccak(b"ConsortiumFounded(uint32,(bytes32,address,bytes)[])"),)
    _, code = verify_log_in_block(chain.blocks[3], 1)
    assert decoder.contract_of(code) == "Participants" and decoder.decode(code) is None
    with pytest.raises(RuleViolation, match="log_index"):
        verify_log_in_block(chain.blocks[-1], 1)


def test_changes_to_a_block_are_found(chain: Chain) -> None:
    last = chain.blocks[-1]
    header = parse_header(last.header_rlp)
    for receipts in (last.receipts[:1], last.receipts[::-1], (*last.receipts, last.receipts[0]), ()):
        with pytest.raises(RuleViolation, match="receipts_root"):
            verify_block(header, receipts)
    changed = last.header_rlp[:-1] + bytes([last.header_rlp[-1] ^ 1])
    assert header_hash(changed) != header.hash
    first = parse_header(chain.blocks[1].header_rlp)
    with pytest.raises(RuleViolation, match="parent_hash"):
        verify_run([first, header])
    with pytest.raises(RuleViolation, match="parent_hash"):
        verify_run([first, replace(first, parent_hash=first.hash)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\xc0",
        b"\xc1\xc0",
        b"\xff" * 9,
        rlp.encode([b""] * 15),
        rlp.encode([[]] * 15),
        rlp.encode([b""] * 14),
    ],
)
def test_no_header(data: bytes) -> None:
    with pytest.raises(RuleViolation, match="header"):
        parse_header(data)


@pytest.mark.parametrize(
    "logs",
    [
        [b"x"], [[bytes(19), [], b""]], [[bytes(20), [bytes(31)], b""]], [[bytes(20), b"", b""]],
        [[bytes(20), [bytes(32)] * 5, b""]], [[bytes(20), [], []]], [[bytes(20), []]],
    ],
)  # fmt: skip
def test_no_receipt(logs: list[Any]) -> None:
    receipt = b"\x02" + rlp.encode([1, 21_000, bytes(256), logs])
    header = replace(_header([receipt]), receipts_root=receipts_root([receipt]))
    with pytest.raises(RuleViolation, match="receipt"):
        verify_block(header, [receipt])


def _header(receipts: list[bytes]) -> Any:
    fields = [bytes(32)] * 5 + [receipts_root(receipts), bytes(256)] + [b""] * 8
    return parse_header(rlp.encode(fields))


# -------------------------------------------------------------------------------------------------- events


def _log(raw: tuple[bytes, list[bytes], bytes]) -> Log:
    return Log(raw[0], tuple(raw[1]), raw[2], 0, 0)


def test_every_domain_event_has_its_solidity_event() -> None:
    known = {(name, item["name"]) for name in CONTRACTS for item in ABIS[name] if item["type"] == "event"}
    assert {(event.contract, name) for name, event in EVENTS.items()} <= known


def test_events_come_back_from_their_logs() -> None:
    decoder = EventDecoder(ABIS, ADDRESSES)
    events = [event for _, _, events in history() for event in events]
    assert {type(event) for event in events} >= {
        PartyAdmitted,
        DayScheduled,
        ProductPublished,
        SelectionRecorded,
    }
    for event in events:
        found = decoder.decode(_log(log_of(event)))
        assert found == event
        for name in type(event).__dataclass_fields__:
            assert type(getattr(found, name)) is type(getattr(event, name)), name


def test_logs_that_do_not_fit_are_refused_or_ignored() -> None:
    decoder = EventDecoder(ABIS, ADDRESSES)
    event = next(e for _, _, events in history() for e in events if isinstance(e, SelectionRecorded))
    log = _log(log_of(event))
    assert decoder.decode(replace(log, address=bytes(20))) is None
    assert decoder.contract_of(replace(log, address=bytes(20))) is None
    assert decoder.decode(replace(log, topics=())) is None
    with pytest.raises(RuleViolation, match="SelectionRecorded: 3 topics"):
        decoder.decode(replace(log, topics=log.topics[:-1]))
    with pytest.raises(RuleViolation, match="SelectionRecorded"):
        decoder.decode(replace(log, data=log.data[:40]))
    unknown_market = (2).to_bytes(32, "big") + log.data[32:]
    with pytest.raises(RuleViolation, match="SelectionRecorded"):
        decoder.decode(replace(log, data=unknown_market))


def test_a_receipt_without_logs_and_a_legacy_one() -> None:
    receipts = [receipt_of([], b""), receipt_of([log_of(next(e for _, _, s in history() for e in s))], b"")]
    header = replace(_header(receipts), receipts_root=receipts_root(receipts))
    (log,) = verify_block(header, receipts)
    assert (log.transaction, log.index) == (1, 0)
