"""A change of the contracts: decided alike by rulebook and chain, and carried out without losing anything
(CON-1).

The successor of a contract is made here from its source by two edits: a new rule, and an event with another
type. So the test has a second version of the contracts before the project needs one.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.compile import CompilationFailed, collect_sources, node_modules, rules_of_errors, run_compiler
from registry.domain import commands as c
from registry.domain.calendar import from_unix
from registry.domain.contract_changes import NOTICE_S, ChangeState, Code
from registry.domain.errors import RuleViolation
from registry.domain.events import CheckpointAnchored, ContractsChanged
from registry.domain.identifiers import bytes32_text
from registry.domain.refusals import Refusal
from registry.domain.rulebook import Rulebook
from registry.evidence.blocks import parse_header, verify_block
from registry.evidence.verify.ledger import check_events, check_start
from registry.ledger import ChainLedger, OwnCode
from registry.ledger.artifacts import Artifact, Artifacts, load_artifacts
from registry.mirror import SqlMirror
from registry.ports import ContractsChangedBeyond, ContractsVersionMismatch
from registry.views import ProposedCode
from tests.conformance.side_by_side import Both, Chain
from tests.conftest import not_run
from tests.unit.domain.consortium import (
    ADMIN,
    BSP,
    DISPUTE_WINDOW_S,
    DSO,
    NODE,
    OTHER_DSO,
    TSO,
    Consortium,
)

pytestmark = pytest.mark.rule("CON-1")
DOCUMENT = b"what changes and why".ljust(32, b"\0")
LOG = b"\x11" * 32
EVENT = "event CheckpointAnchored(bytes32 indexed logId, uint16 indexed node, uint64 size, bytes32 root, "
EARLIER = f"{EVENT}uint8 witnesses);"
LATER = f"""
    /// @dev LOG-2: an anchor needs a witness.
    error WitnessMissing(bytes32 logId);
    {EVENT}uint32 witnesses);
"""
LAST_LINE = "emit CheckpointAnchored("
NEW_RULE = "if (witnesses == 0) revert WitnessMissing(logId);\n        emit CheckpointAnchored("


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    chain = Chain(tmp_path)
    yield chain
    chain.close()


def own_code(chain: Chain, artifacts: Artifacts | None = None) -> OwnCode:
    return OwnCode(chain.connection, chain.deployment, artifacts or load_artifacts())


def code_of(chain: Chain, name: str) -> Code:
    """This release's code of a contract, put on the chain once more."""
    return own_code(chain).implement(name, chain.key(ADMIN))


def test_rulebook_and_contract_decide_alike(chain: Chain) -> None:
    both = Both(Rulebook(chain.addresses[ADMIN], DISPUTE_WINDOW_S), chain)
    world = Consortium(both, chain.addresses)
    code, other = code_of(chain, "Measurements"), code_of(chain, "Settlement")
    now = world.now + 60
    due = now + NOTICE_S + 60

    def refused(name: str, command: c.Command, party: int, at: int) -> None:
        with pytest.raises(Refusal) as refusal:
            both.execute(command, world.signers[party], at)
        assert refusal.value.name == name

    seconds = itertools.count()

    def done(command: c.Command, party: int, at: int) -> None:
        """Each in a block of its own, a second after the one before."""
        assert both.execute(command, world.signers[party], at + next(seconds))

    unknown = dataclasses.replace(code, name=bytes32_text("Unknown"))
    nowhere = dataclasses.replace(code, implementation="0x" + 40 * "0")
    refused("NotOperator", c.ProposeChange(BSP, (code,), DOCUMENT, due), BSP, now)
    refused("NotAuthorised", c.ProposeChange(TSO, (code,), DOCUMENT, due), DSO, now)
    refused("ChangeEmpty", c.ProposeChange(TSO, (), DOCUMENT, due), TSO, now)
    refused("NoticeTooShort", c.ProposeChange(TSO, (code,), DOCUMENT, now + NOTICE_S - 1), TSO, now)
    refused("ContractUnknown", c.ProposeChange(TSO, (unknown,), DOCUMENT, due), TSO, now)
    refused("ContractUnknown", c.ProposeChange(TSO, (code, code), DOCUMENT, due), TSO, now)
    refused("CodeMissing", c.ProposeChange(TSO, (nowhere,), DOCUMENT, due), TSO, now)
    refused("ChangeNotOpen", c.ConsentToChange(TSO, 1), TSO, now)
    done(c.ProposeChange(TSO, (code,), DOCUMENT, due), TSO, now)
    done(c.ProposeChange(DSO, (other,), DOCUMENT, due), DSO, now)
    done(c.ProposeChange(DSO, (other,), DOCUMENT, due), DSO, now)
    refused("ConsentTwice", c.ConsentToChange(TSO, 1), TSO, now + 10)
    refused("ChangeOfOther", c.WithdrawChange(TSO, 3), TSO, now + 10)
    done(c.WithdrawChange(DSO, 3), DSO, now)
    refused("ChangeNotOpen", c.ConsentToChange(TSO, 3), TSO, now + 20)
    done(c.ConsentToChange(DSO, 1), DSO, now)
    refused("ChangeTooEarly", c.CarryOutChange(TSO, 1, (code,)), TSO, due - 1)
    refused("CodesDiffer", c.CarryOutChange(TSO, 1, (other,)), TSO, due)
    refused("ConsentsMissing", c.CarryOutChange(TSO, 1, (code,)), TSO, due)
    done(c.ConsentToChange(OTHER_DSO, 1), OTHER_DSO, due)
    done(c.SuspendParty(DSO, bytes(32)), ADMIN, due)
    assert chain.ledger.read("Consortium", "consentsTo", change=1) == both.rulebook.consortium.consents_to(1)
    done(c.ReinstateParty(DSO), ADMIN, due)
    done(c.CarryOutChange(TSO, 1, (code,)), TSO, due)
    refused("ChangeOutdated", c.ConsentToChange(TSO, 2), TSO, due + 60)
    assert chain.ledger.read("Consortium", "version") == (both.rulebook.consortium.version,) == (2,)


@pytest.fixture(scope="module")
def successor() -> Artifacts:
    """Version 2 of the contracts: Measurements with another rule and another event."""
    now = load_artifacts()
    try:
        packages = node_modules()
    except CompilationFailed as failure:
        not_run(str(failure))
    sources = collect_sources(packages, "Measurements")
    for name, old, new in (
        ("src/interfaces/IMeasurements.sol", EARLIER, LATER),
        ("src/Measurements.sol", LAST_LINE, NEW_RULE),
    ):
        assert sources[name].count(old) == 1
        sources[name] = sources[name].replace(old, new)
    _, compiled = run_compiler(sources, packages)
    made = compiled["src/Measurements.sol"]["Measurements"]
    artifact = Artifact(
        "Measurements",
        made["abi"],
        bytes.fromhex(made["evm"]["bytecode"]["object"]),
        rules_of_errors("Measurements", made),
    )
    old_event = [entry for entry in now.by_name["Measurements"].abi if entry["type"] == "event"]
    return dataclasses.replace(
        now,
        by_name={**now.by_name, "Measurements": artifact},
        version=2,
        earlier={"Measurements": [entry for entry in old_event if entry["name"] == "CheckpointAnchored"]},
    )


def test_a_new_version_loses_nothing(chain: Chain, successor: Artifacts, tmp_path: Path) -> None:
    """1. Facts by the first version. 2. Code of the second, consent. 3. In force. 4. The first release stops
    at the border. 5. The second reads across it, new rules hold. 6. So does an auditor.
    """
    # 1. the first version
    world = Consortium(chain, chain.addresses)
    mirror = SqlMirror(f"sqlite:///{tmp_path / 'first.sqlite'}", chain.ledger)
    anchor = c.AnchorCheckpoint(NODE, LOG, 5, b"\x05" * 32, 0)
    chain.execute(anchor, world.signers[NODE], world.now + 30)
    # 2. consent
    now = world.now + 60
    connection, deployment = chain.connection, chain.deployment
    with pytest.raises(ContractsVersionMismatch, match=r"found version 1 .* expected version 2"):
        ChainLedger(connection, deployment, successor)
    code = own_code(chain, successor).implement("Measurements", chain.key(ADMIN))
    assert not own_code(chain, successor).differs(code)
    assert own_code(chain).differs(code), "the first release did not make this code"
    assert not own_code(chain).differs(code_of(chain, "Measurements"))
    assert own_code(chain).differs(dataclasses.replace(code, implementation=chain.addresses[ADMIN]))
    assert own_code(chain).differs(dataclasses.replace(code, name=bytes32_text("Unknown")))
    due = now + NOTICE_S
    chain.execute(c.ProposeChange(TSO, (code,), DOCUMENT, due), world.signers[TSO], now)
    for party in (DSO, OTHER_DSO):
        chain.execute(c.ConsentToChange(party, 1), world.signers[party], now + party)
    mirror.catch_up()
    before = list(mirror.dump())
    # 3. in force
    events = chain.execute(c.CarryOutChange(DSO, 1, (code,)), world.signers[DSO], due)
    assert events == [ContractsChanged(1, 2)]
    border = chain.ledger.head().number
    # 4. the first release
    with pytest.raises(ContractsChangedBeyond, match=f"version 2 from block {border} on"):
        mirror.catch_up()
    position = mirror.position()
    assert position is not None and position.number == border - 1 and list(mirror.dump())[2:] == before[2:]
    with pytest.raises(ContractsVersionMismatch, match=r"found version 2 .* expected version 1"):
        ChainLedger(connection, deployment, load_artifacts())
    # 5. the second release
    ledger = ChainLedger(connection, deployment, successor)
    assert not own_code(chain, successor).differs(code)
    with pytest.raises(ContractsVersionMismatch, match=r"found version 2 .* expected version 1"):
        own_code(chain)
    late = SqlMirror(f"sqlite:///{tmp_path / 'first.sqlite'}", ledger)
    late.catch_up()
    chain.set(due + 60)
    with pytest.raises(RuleViolation, match="LOG-2") as refusal:
        ledger.send(dataclasses.replace(anchor, size=6), chain.key(NODE))
    assert refusal.value.field == "WitnessMissing"
    with pytest.raises(Refusal, match="LOG-2: size"):
        ledger.send(dataclasses.replace(anchor, size=4, witnesses=3), chain.key(NODE))
    ledger.send(dataclasses.replace(anchor, size=6, witnesses=3), chain.key(NODE))
    late.catch_up()
    anchors = [late.checkpoint_covering(LOG, size) for size in (5, 6)]
    assert [(one.size, one.witnesses) for one in anchors if one] == [(5, 0), (6, 3)]
    (change,) = late.contract_changes()
    assert (change.state, change.consents, change.codes) == (
        ChangeState.CARRIED_OUT,
        (TSO, DSO, OTHER_DSO),
        (ProposedCode("Measurements", code.implementation, b""),),
    )
    assert (then := late.contract_change(1, as_of=from_unix(now))) and then.state is ChangeState.OPEN
    fresh = SqlMirror(f"sqlite:///{tmp_path / 'second.sqlite'}", ledger)
    fresh.catch_up()
    assert list(fresh.dump()) == list(late.dump())
    # 6. an auditor
    check_across(ledger, successor, border)
    for each in (mirror, late, fresh):
        each.close()


def check_across(ledger: ChainLedger, successor: Artifacts, border: int) -> None:
    contracts = {name: bytes.fromhex(address[2:]) for name, address in ledger.addresses.items()}
    blocks = [ledger.evidence(number) for number in range(ledger.first_block, ledger.head().number + 1)]
    headers = [parse_header(block.header_rlp) for block in blocks]
    proved = [
        (header, verify_block(header, block.receipts)) for header, block in zip(headers, blocks, strict=True)
    ]
    assert "founding of the contracts" in check_start(proved, contracts)
    with pytest.raises(RuleViolation, match=f"version 2 from block {border} on"):
        check_events(proved, load_artifacts().abis, contracts, 1)
    facts, said = check_events(proved, successor.abis, contracts, 2)
    assert "of 10 contracts" in said
    anchored = [
        fact.event for fact in facts.of(CheckpointAnchored) if isinstance(fact.event, CheckpointAnchored)
    ]
    assert [(event.size, event.witnesses) for event in anchored] == [(5, 0), (6, 3)]
