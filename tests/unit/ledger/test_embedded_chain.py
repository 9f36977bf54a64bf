"""The embedded chain keeps what it mined, through kill -9, and says what is wrong with its file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry.domain.commands import AcceptAgreements, Pause, Unpause
from registry.domain.errors import RuleViolation
from registry.ledger import ChainLedger, Connection, Deployment, LocalSigner, open_embedded
from registry.ledger.artifacts import load_artifacts
from registry.ledger.deployment import deploy
from registry.ledger.embedded.chain import TRANSACTION_GAS, EmbeddedChain, TransactionInvalid
from registry.ledger.embedded.provider import EmbeddedProvider
from registry.ports import AlreadyInUse, ContractsMissing, DatabaseCorrupted, DiskFull, NodeRefused

ROOT = Path(__file__).resolve().parents[3]
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADMIN = LocalSigner(bytes([7]) * 32)
FOUNDING = 3
"""Transactions, and so blocks, of a deployment of NAMES."""
NAMES = ("Consortium", "Participants")

MINER = """
import sys
from pathlib import Path
from tests.unit.ledger.test_embedded_chain import ADMIN, Clock, ledger_on
from registry.domain.commands import Pause, Unpause
chain, ledger, _ = ledger_on(Path(sys.argv[1]))
while True:
    for command in (Pause(), Unpause()):
        receipt = ledger.send(command, ADMIN)
        print(receipt.block_number, receipt.block_hash.hex(), flush=True)
"""
HOLDER = """
import sys
from pathlib import Path
from tests.unit.ledger.test_embedded_chain import Clock
from registry.ledger.embedded.chain import EmbeddedChain
chain = EmbeddedChain(Path(sys.argv[1]), Clock())
print("open", flush=True)
sys.stdin.read()
"""


class Clock:
    def __init__(self, time: datetime = START) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time


def ledger_on(path: Path, clock: Clock | None = None) -> tuple[EmbeddedChain, ChainLedger, Deployment]:
    chain = EmbeddedChain(path, clock or Clock())
    connection = Connection(EmbeddedProvider(chain), "embedded")
    artifacts = load_artifacts(names=NAMES)
    kept = path.with_suffix(".json")
    if not kept.exists():
        deploy(connection, ADMIN, artifacts, dispute_window_s=60).save(kept)
    deployment = Deployment.load(kept)
    return chain, ChainLedger(connection, deployment, artifacts), deployment


def run(program: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with run(MINER, str(path)) as miner:
        assert miner.stdout is not None
        answered = [miner.stdout.readline().split() for _ in range(20)]
        miner.send_signal(signal.SIGKILL)
        answered += [line.split() for line in miner.stdout.read().splitlines() if len(line.split()) == 2]
    chain, ledger, _ = ledger_on(path)
    for number, block_hash in answered:
        assert ledger.block(int(number)).hash.hex() == block_hash
    head = ledger.head()
    assert int(answered[-1][0]) <= head.number <= int(answered[-1][0]) + 1
    paused = len(ledger.recorded(FOUNDING + 1, head.number)) % 2 == 1
    assert ledger.send(Unpause() if paused else Pause(), ADMIN).block_number == head.number + 1
    chain.close()


def test_a_restarted_chain_is_the_same_chain(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    chain, ledger, _ = ledger_on(path)
    ledger.send(Pause(), ADMIN)
    head, recorded = ledger.head(), ledger.recorded(0, ledger.head().number)
    chain.close()
    chain, ledger, _ = ledger_on(path)
    assert (ledger.head(), ledger.recorded(0, head.number)) == (head, recorded)
    with pytest.raises(RuleViolation, match="ACT-1: ledger: found paused"):
        ledger.send(Pause(), ADMIN)
    chain.close()


def test_two_processes_cannot_hold_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with run(HOLDER, str(path)) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(AlreadyInUse, match=f"{path}, held by another process"):
            EmbeddedChain(path, Clock())
        holder.stdin.close()
        assert holder.wait(20) == 0
    EmbeddedChain(path, Clock()).close()


def test_a_refused_transaction_leaves_no_block_and_no_state(tmp_path: Path) -> None:
    chain, ledger, _ = ledger_on(tmp_path / "chain.sqlite")
    head, nonce = ledger.head(), chain.nonce(bytes.fromhex(ADMIN.address[2:]))
    with pytest.raises(RuleViolation):
        ledger.send(Unpause(), ADMIN)
    assert ledger.head() == head
    assert chain.nonce(bytes.fromhex(ADMIN.address[2:])) == nonce
    chain.close()


def test_block_times_follow_the_clock_and_never_stand_still(tmp_path: Path) -> None:
    clock = Clock()
    chain, ledger, _ = ledger_on(tmp_path / "chain.sqlite", clock)
    first = ledger.head().time
    second = ledger.send(Pause(), ADMIN).block_time
    assert second == first + 1
    clock.time = START + timedelta(hours=3)
    assert ledger.send(Unpause(), ADMIN).block_time == int(clock.time.timestamp())
    clock.time = START
    later = ledger.send(Pause(), ADMIN).block_time
    assert later == int((START + timedelta(hours=3)).timestamp()) + 1
    chain.close()


def test_gas_stays_free_after_full_blocks(tmp_path: Path) -> None:
    chain, ledger, deployment = ledger_on(tmp_path / "chain.sqlite")
    connection = Connection(EmbeddedProvider(chain), "embedded")
    burn = bytes.fromhex("5b600056")  # an endless loop, deployed as a constructor
    fields = {"type": 2, "chainId": deployment.chain_id, "gas": TRANSACTION_GAS, "value": 0}
    fees = {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0, "nonce": FOUNDING}
    with pytest.raises(Exception, match="reverted"):
        connection.request(
            "eth_sendRawTransaction", "0x" + ADMIN.sign({**fields, **fees, "data": burn}).hex()
        )
    for number in range(ledger.head().number + 1):
        assert connection.request("eth_getBlockByNumber", hex(number), False)["baseFeePerGas"] == "0x0"
    chain.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"nonce": 7}, "nonce"), ({"chainId": 1}, "chain"), ({"gas": TRANSACTION_GAS + 1}, "gas")],
)
def test_a_transaction_no_block_may_hold_is_refused(
    tmp_path: Path, change: dict[str, int], message: str
) -> None:
    chain, _, deployment = ledger_on(tmp_path / "chain.sqlite")
    fields = {"type": 2, "chainId": deployment.chain_id, "gas": 100_000, "value": 0, "to": ADMIN.address}
    fees = {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0, "nonce": FOUNDING, "data": b""}
    raw = ADMIN.sign({**fields, **fees, **change})
    with pytest.raises(TransactionInvalid, match=message):
        chain.send(raw)
    with pytest.raises(TransactionInvalid):
        chain.send(b"\x02nonsense")
    with pytest.raises(NodeRefused, match=message):
        Connection(EmbeddedProvider(chain), "embedded").request("eth_sendRawTransaction", "0x" + raw.hex())
    chain.close()


def test_a_file_that_is_no_chain_is_named(tmp_path: Path) -> None:
    text, foreign = tmp_path / "text.sqlite", tmp_path / "foreign.sqlite"
    text.write_bytes(b"not a database, but long enough to be looked at as one" * 100)
    with sqlite3.connect(foreign) as other:
        other.execute("CREATE TABLE of_someone_else (x)")
    other.close()
    with pytest.raises(DatabaseCorrupted, match=r"text\.sqlite"):
        EmbeddedChain(text, Clock())
    with pytest.raises(DatabaseCorrupted, match="a database of another program"):
        EmbeddedChain(foreign, Clock())


def test_a_damaged_file_is_found_when_opened(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    chain, _, _ = ledger_on(path)
    chain.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        for offset in range(4096, size, 4096):
            file.seek(offset)
            file.write(b"\xff" * 64)
    with pytest.raises(DatabaseCorrupted, match="restore it from a backup"):
        EmbeddedChain(path, Clock())


def test_a_full_disk_is_named_and_nothing_of_the_block_stays(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    chain, ledger, _ = ledger_on(path)
    head = ledger.head()
    pages = chain._store._db.execute("PRAGMA page_count").fetchone()[0]
    chain._store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull, match="no space to write"):
        for _ in range(100):
            ledger.send(Pause(), ADMIN)
            ledger.send(Unpause(), ADMIN)
    full = ledger.head()
    assert full.number >= head.number
    chain.close()
    chain, ledger, _ = ledger_on(path)
    assert ledger.head() == full
    chain.close()


def test_opening_deploys_once_and_needs_an_admin_for_it(tmp_path: Path) -> None:
    with pytest.raises(ContractsMissing, match="no deployment file"):
        open_embedded(tmp_path, Clock())
    first = open_embedded(tmp_path, Clock(), ADMIN)
    addresses = dict(first.ledger.addresses)
    assert len(set(addresses.values())) == 10
    head = first.ledger.head()
    first.close()
    second = open_embedded(tmp_path, Clock(), ADMIN)
    assert (dict(second.ledger.addresses), second.ledger.head()) == (addresses, head)
    second.close()
    (tmp_path / "deployment.json").write_text("{}")
    with pytest.raises(ContractsMissing, match="no deployment in"):
        open_embedded(tmp_path, Clock())


@pytest.mark.rule("CON-1")
def test_a_chain_that_was_founded_without_procurement_is_read_as_before(tmp_path: Path) -> None:
    """Such a chain has no facade for it and gets none: all else goes on, and an agreement is refused
    there.
    """
    now = load_artifacts()
    then = replace(now, by_name={name: now.by_name[name] for name in now.by_name if name != "Procurement"})
    chain = EmbeddedChain(tmp_path / "chain.sqlite", Clock())
    connection = Connection(EmbeddedProvider(chain), "embedded")
    deploy(connection, ADMIN, then, dispute_window_s=60).save(tmp_path / "deployment.json")
    chain.close()
    opened = open_embedded(tmp_path, Clock())
    assert "Procurement" not in opened.ledger.addresses and len(opened.ledger.addresses) == 9
    assert opened.ledger.send(Pause(), ADMIN).events
    assert opened.ledger.recorded(opened.ledger.first_block, opened.ledger.head().number)
    with pytest.raises(RuleViolation, match="CON-1: contract: found a chain founded without Procurement"):
        opened.ledger.send(AcceptAgreements(1, (bytes(32),)), ADMIN)
    opened.close()
