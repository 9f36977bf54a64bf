"""`flexledger pods register` under kill -9: called again it goes on, nothing lost, nothing twice (POD-4)."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.servers import Anvil, MissingProgram
from registry.bootstrap.keys import KeyRing
from registry.domain.commands import AdmitParties
from registry.domain.enums import PartyKind
from registry.domain.events import PodRegistered
from registry.domain.identifiers import eic_check_character
from registry.domain.participants import Admission
from registry.ledger import ChainLedger, Connection, LocalSigner
from registry.ledger.opening import deploy_rpc, open_rpc
from registry.mirror import SqlMirror, SqlVault
from registry.services.pod_files import COLUMNS
from tests.conftest import ROOT, not_run

BSP, DSO = 21, 11
ROWS = 2_400
BLOCK_GAS = 13_000_000
"""Four of the transactions: the file takes seven blocks, one a second."""


@dataclass
class Station:
    """A node's folder on a chain of its own, and a file of PODs."""

    url: str
    state: Path
    deployment: Path
    file: Path
    bsp: LocalSigner

    @property
    def words(self) -> list[str]:
        state, bsp = str(self.state), str(BSP)
        words = [sys.executable, "-m", "registry.cli", "pods", "register", str(self.file)]
        return [*words, "--bsp", bsp, "--state", state]

    @property
    def environment(self) -> dict[str, str]:
        own = {"FLEXLEDGER_CHAIN_URL": self.url, "FLEXLEDGER_DEPLOYMENT": str(self.deployment)}
        return {**os.environ, **own}

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300
        )

    def killed_after(self, transactions: int) -> None:
        """kill -9 as soon as the chain has so many transactions of the BSP."""
        with subprocess.Popen(
            self.words, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as child:
            deadline = time.monotonic() + 120
            while self.transactions() < transactions:
                assert child.poll() is None and time.monotonic() < deadline
                time.sleep(0.005)
            child.kill()

    def transactions(self) -> int:
        address = self.bsp.address
        return int(Connection.to(self.url).request("eth_getTransactionCount", address, "latest"), 16)

    @property
    def ledger(self) -> ChainLedger:
        return open_rpc(self.url, self.deployment)


def code(number: int) -> str:
    return f"IT001E{number:08d}"


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    try:
        anvil = Anvil.start(ROOT, "--block-base-fee-per-gas", "0", "--gas-limit", str(BLOCK_GAS), states=50)
    except MissingProgram as error:
        not_run(str(error))
    with anvil:
        keys = KeyRing(tmp_path / "state" / "keys")
        deployment = tmp_path / "deployment.json"
        deploy_rpc(anvil.url, keys.party("admin"), deployment)
        made = Station(
            anvil.url, tmp_path / "state", deployment, tmp_path / "pods.csv", keys.party(f"party-{BSP}")
        )
        kinds = {BSP: PartyKind.BSP, DSO: PartyKind.DSO}
        made.ledger.send(
            AdmitParties(tuple(admission(party, kind, keys) for party, kind in kinds.items())),
            keys.party("admin"),
        )
        connection = Connection.to(anvil.url)
        connection.request("evm_setAutomine", False)
        connection.request("evm_setIntervalMining", 1)
        with made.file.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for number in range(ROWS):
                place = "41.902782,12.496366"
                writer.writerow([code(number), DSO, "mixed", "low", 4, 6, 300, place, "photovoltaic;storage"])
        yield made


def admission(party: int, kind: PartyKind, keys: KeyRing) -> Admission:
    body = f"10XCRASH---{party:03d}-"
    eic = (body + eic_check_character(body)).encode()
    return Admission(party, kind, eic, f"Party {party}", keys.party(f"party-{party}").address)


@pytest.mark.rule("POD-4", "MIR-1")
def test_killed_in_the_middle_it_goes_on_and_every_pod_is_there_once(station: Station) -> None:
    station.killed_after(1)
    station.killed_after(station.transactions() + 2)
    done = station.run()
    assert done.returncode == 0, done.stderr
    assert "0 refused" in done.stdout
    # on the ledger: each once, and not one transaction that failed
    ledger = station.ledger
    blocks = ledger.recorded(ledger.first_block, ledger.head().number)
    recorded = [e for block in blocks for e in block.events if isinstance(e.event, PodRegistered)]
    ids = [entry.event.pod_id for entry in recorded if isinstance(entry.event, PodRegistered)]
    assert len(ids) == len(set(ids)) == ROWS
    assert len({entry.tx_hash for entry in recorded}) == station.transactions()
    # in the vault: the opening of each
    vault = SqlVault(f"sqlite:///{station.state / 'vault.sqlite'}")
    kept = vault.pods_of([code(number) for number in range(ROWS)])
    vault.close()
    assert {secret.pod_id for secret in kept.values()} == set(ids) and len(kept) == ROWS
    # in the mirror: what the chain says, which makes no more blocks
    Connection.to(station.url).request("evm_setIntervalMining", 0)
    live = SqlMirror(f"sqlite:///{station.state / 'register.sqlite'}", ledger)
    rebuilt = SqlMirror(f"sqlite:///{station.state / 'rebuilt.sqlite'}", ledger)
    live.catch_up()
    rebuilt.catch_up()
    assert list(live.dump()) == list(rebuilt.dump())
    live.close()
    rebuilt.close()
    # nothing is under way, nothing is left to do
    assert list((station.state / "sending").glob("*.json")) == []
    again = station.run()
    assert again.returncode == 2
    assert f"{ROWS} faults in {ROWS} rows" in " ".join(again.stderr.split())
    with station.file.with_name("pods.csv.errors.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.reader(file))
    assert listed[0] == ["row", "column", "rule", "found", "allowed"]
    assert [row[0] for row in listed[1:]] == [str(number + 2) for number in range(ROWS)]
    assert {(row[1], row[2]) for row in listed[1:]} == {("pod_code", "POD-1")}
