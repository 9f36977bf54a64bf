"""The sender against a chain that drops, delays and outbids its transactions, and against its own end."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes

from bench.servers import Anvil, MissingProgram
from registry.domain.commands import Command
from registry.ledger import ChainLedger, Connection, LocalSigner, fund
from registry.ledger.artifacts import Artifacts, load_artifacts
from registry.ledger.deployment import Deployment, deploy
from registry.ledger.http import HttpProvider
from registry.ledger.sending.commands import CommandSender
from registry.ledger.sending.pace import Pace
from registry.ports import AlreadyInUse, Sent, TransactionNotMined, WrongChain
from tests.conftest import ROOT, not_run
from tests.integration.sending_child import PACE, admission, missing

RICH = LocalSigner(bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"))
ETHER = 10**18


@dataclass
class House:
    """Contracts on an anvil of the test's own, whose blocks the test makes."""

    connection: Connection
    url: str
    admin: LocalSigner
    artifacts: Artifacts
    deployment: Deployment
    folder: Path

    @property
    def ledger(self) -> ChainLedger:
        return ChainLedger(self.connection, self.deployment, self.artifacts)

    @contextmanager
    def sender(self, pace: Pace = PACE, final_after: int = 0) -> Iterator[CommandSender]:
        made = CommandSender(
            self.connection, self.deployment, self.artifacts, self.admin, self.folder, final_after, pace
        )
        try:
            yield made
        finally:
            made.close()

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.connection.request("evm_mine")

    def nonce(self) -> int:
        return int(self.connection.request("eth_getTransactionCount", self.admin.address, "latest"), 16)

    def pool(self) -> list[tuple[int, str]]:
        """Nonce and hash of what waits for a block."""
        content = self.connection.request("txpool_content")
        found = [
            (int(nonce), entry["hash"])
            for part in ("pending", "queued")
            for entries in content[part].values()
            for nonce, entry in entries.items()
        ]
        return sorted(found)

    def drop(self, tx_hash: str) -> None:
        self.connection.request("anvil_dropTransaction", tx_hash)


class Counted(HttpProvider):
    """Keeps the method of each round trip."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[str] = []

    def make_request(self, method: str, params: Sequence[Any]) -> Any:
        self.asked.append(method)
        return super().make_request(method, params)

    def make_batch_request(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        self.asked.append(requests[0][0])
        return super().make_batch_request(requests)


class Narrow(HttpProvider):
    """A node that keeps no transaction whose nonce is so many or more beyond the account's."""

    def __init__(self, url: str, nonce: Callable[[], int], most: int) -> None:
        super().__init__(url)
        self._nonce = nonce
        self._most = most
        self.refused = 0

    def make_batch_request(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        if requests[0][0] != "eth_sendRawTransaction":
            return super().make_batch_request(requests)
        end = self._nonce() + self._most
        return [self._send(one, end) for one in requests]

    def _send(self, request: tuple[str, Sequence[Any]], end: int) -> Any:
        method, (raw,) = request
        if TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["nonce"] < end:
            return self.make_request(method, (raw,))
        self.refused += 1
        message = "Transaction nonce is too distant from current sender nonce"
        return {"error": {"code": -32000, "message": message}}


@pytest.fixture(params=["free", "paid"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """``paid``: the chain charges for gas."""
    options = ("--block-base-fee-per-gas", "0") if request.param == "free" else ()
    try:
        anvil = Anvil.start(ROOT, *options, states=50)
    except MissingProgram as error:
        not_run(str(error))
    with anvil:
        connection, admin = Connection.to(anvil.url), LocalSigner.create()
        fund(connection, RICH, [admin.address], 100 * ETHER)
        artifacts = load_artifacts(names=("Consortium", "Participants"))
        deployment = deploy(connection, admin, artifacts, dispute_window_s=60)
        deployment.save(tmp_path / "deployment.json")
        connection.request("evm_setAutomine", False)
        yield House(connection, anvil.url, admin, artifacts, deployment, tmp_path / "journal")


@contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[None]:
    """Does something again and again beside the block; its failure is the block's."""
    over, failures = threading.Event(), []

    def repeat() -> None:
        try:
            while not over.is_set():
                action()
                over.wait(0.02)
        except Exception as failure:
            failures.append(failure)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not failures, failures


def commands(count: int) -> Iterator[Command]:
    return (admission(party) for party in range(1, count + 1))


def check(house: House, before: int, results: list[Sent], count: int) -> None:
    """All recorded, each once: not one transaction more than commands."""
    assert sorted(sent.number for sent in results) == list(range(count))
    assert [sent.refusal for sent in results if sent.refusal] == []
    assert missing(house.ledger, count) == []
    assert house.nonce() == before + count
    assert house.pool() == []
    blocks = house.ledger.recorded(house.ledger.first_block, house.ledger.head().number)
    told = {event.tx_hash for block in blocks for event in block.events if event.contract == "Participants"}
    assert {sent.tx_hash for sent in results} == told


def test_many_are_under_way_and_no_more_than_the_window(house: House) -> None:
    before, waiting = house.nonce(), [0]

    def look_and_mine() -> None:
        waiting.append(len(house.pool()))
        if waiting[-1] == min(PACE.window, before + 60 - house.nonce()):
            house.mine()

    with house.sender() as sender, meanwhile(look_and_mine):
        results = list(sender.send(commands(60)))
    check(house, before, results, 60)
    assert max(waiting) == PACE.window


def test_dropped_transactions_are_sent_again(house: House) -> None:
    """A node that loses what waits, at random, also from the middle."""
    before, chance = house.nonce(), random.Random(4)

    def drop_or_mine() -> None:
        pool = house.pool()
        if pool and chance.random() < 0.6:
            house.drop(chance.choice(pool)[1])
        else:
            house.mine()

    with house.sender() as sender, meanwhile(drop_or_mine):
        results = list(sender.send(commands(60)))
    check(house, before, results, 60)


def test_what_blocks_pass_by_is_looked_for_before_its_time(house: House) -> None:
    """However patient the sender is otherwise."""
    before, dropped = house.nonce(), threading.Event()

    def drop_once() -> None:
        if len(house.pool()) == PACE.window and not dropped.is_set():
            house.drop(house.pool()[0][1])
            dropped.set()
        elif dropped.is_set():
            house.mine()

    patient = replace(PACE, resend_after_s=1_000)
    with house.sender(patient) as sender, meanwhile(drop_once):
        results = list(sender.send(commands(20)))
    assert dropped.is_set()
    check(house, before, results, 20)


def test_a_node_that_keeps_few_of_an_account_gets_more_with_every_block(house: House) -> None:
    """As Besu's sequenced pool does; nothing waits for its time to be sent again."""
    before, most, most_waiting = house.nonce(), 5, [0]
    narrow = Narrow(house.url, house.nonce, most)

    def look_and_mine() -> None:
        most_waiting.append(len(house.pool()))
        house.mine()

    patient = replace(PACE, resend_after_s=1_000, passed_by=1_000)
    through = replace(house, connection=Connection(narrow, house.url))
    with through.sender(patient) as sender, meanwhile(look_and_mine):
        results = list(sender.send(commands(40)))
    check(house, before, results, 40)
    assert max(most_waiting) <= most
    assert 0 < narrow.refused < 3 * 40, "what there is no room for is not sent again and again"


def test_a_window_goes_out_in_few_round_trips_and_a_chain_that_stands_still_is_looked_at_by_one(
    house: House,
) -> None:
    before, counted = house.nonce(), Counted(house.url)

    def mine_later() -> None:
        if len(counted.asked) > 40:
            house.mine()

    through = replace(house, connection=Connection(counted, house.url))
    wide = replace(PACE, window=64, chunk=64, resend_after_s=1_000)
    with through.sender(wide) as sender, meanwhile(mine_later):
        counted.asked.clear()
        results = list(sender.send(commands(60)))
    check(house, before, results, 60)
    sent = counted.asked.index("eth_sendRawTransaction")
    assert set(counted.asked[:sent]) <= {
        "eth_getBlockByNumber",
        "eth_maxPriorityFeePerGas",
        "eth_estimateGas",
    }
    assert sent <= 3
    first, count, *looks = counted.asked[sent + 1 : 40]
    assert (first, count) == ("eth_getBlockByNumber", "eth_getTransactionCount")
    assert set(looks) == {"eth_getBlockByNumber"}


def test_a_whole_pool_that_is_gone_is_sent_again(house: House) -> None:
    before, gone = house.nonce(), threading.Event()

    def forget_once() -> None:
        if len(house.pool()) == PACE.window and not gone.is_set():
            house.connection.request("anvil_dropAllTransactions")
            gone.set()
        elif gone.is_set():
            house.mine()

    with house.sender() as sender, meanwhile(forget_once):
        results = list(sender.send(commands(20)))
    assert gone.is_set()
    check(house, before, results, 20)


@pytest.mark.parametrize("house", ["paid"], indirect=True)
def test_what_is_stuck_below_the_base_fee_is_paid_better_under_the_same_nonce(house: House) -> None:
    before = house.nonce()
    first: dict[int, str] = {}
    raised = 100 * 10**9

    def mine_when_replaced() -> None:
        pool = dict(house.pool())
        if not first and len(pool) == 5:
            first.update(pool)
            house.connection.request("anvil_setNextBlockBaseFeePerGas", hex(raised))
            house.mine()  # an empty block: nobody can pay
        elif first and house.nonce() < before + 5:
            house.mine()

    with house.sender() as sender, meanwhile(mine_when_replaced):
        results = list(sender.send(commands(5)))
    check(house, before, results, 5)
    mined = {
        house.connection.request("eth_getTransactionByHash", "0x" + one.tx_hash.hex())["nonce"]
        for one in results
    }
    assert {int(nonce, 16) for nonce in mined} == set(first)
    assert {"0x" + sent.tx_hash.hex() for sent in results}.isdisjoint(first.values())


@pytest.mark.parametrize("when", ["waiting", "mined"])
def test_a_nonce_that_another_process_took_is_left_to_it(house: House, when: str) -> None:
    """The other's transaction is neither replaced nor lost; ours get other nonces."""
    before = house.nonce()
    chain_id = house.deployment.chain_id
    other = {
        "type": 2, "chainId": chain_id, "nonce": before + 6, "gas": 21_000, "to": RICH.address, "value": 7,
        "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**10,
    }  # fmt: skip
    raw = "0x" + house.admin.sign(other).hex()
    rich_before = int(house.connection.request("eth_getBalance", RICH.address, "latest"), 16)
    with house.sender() as sender:
        if when == "waiting":
            house.connection.request("eth_sendRawTransaction", raw)
            with meanwhile(house.mine):
                results = list(sender.send(commands(20)))
        else:
            stream = sender.send(commands(20))
            taken = threading.Event()

            def outbid() -> None:
                """Takes the place of ours in the pool, once it is there."""
                ours = dict(house.pool()).get(before + 6)
                if ours is not None and not taken.is_set():
                    house.drop(ours)
                    house.connection.request("eth_sendRawTransaction", raw)
                    taken.set()
                if taken.is_set():
                    house.mine()

            with meanwhile(outbid):
                results = list(stream)
            assert taken.is_set()
    assert int(house.connection.request("eth_getBalance", RICH.address, "latest"), 16) == rich_before + 7
    assert house.nonce() == before + 21
    assert sorted(sent.number for sent in results) == list(range(20))
    assert missing(house.ledger, 20) == [] and not any(sent.refusal for sent in results)


def test_a_refused_command_holds_up_nobody_and_names_its_rule(house: House) -> None:
    """Refused before it is sent (nothing like it was sent before), and in its block."""
    bad = replace(admission(3).admissions[0], eic=b"10XPARTY-ONE---0")
    stream = [
        admission(1),
        admission(2),
        admission(1),
        replace(admission(3), admissions=(bad,)),
        admission(4),
    ]
    with house.sender() as sender, meanwhile(house.mine):
        results = sorted(sender.send(stream), key=lambda sent: sent.number)
    assert [sent.refusal.rule if sent.refusal else None for sent in results] == [
        None,
        None,
        "ACT-1",
        "ACT-2",
        None,
    ]
    assert missing(house.ledger, 4) == [3]


def test_a_command_that_needs_the_one_before_waits_for_it(house: House) -> None:
    from registry.domain.commands import ReinstateParty, SuspendParty  # both fail without the one before

    stream: list[Command] = [admission(1), SuspendParty(1, b"late".ljust(32, b"\0")), ReinstateParty(1)]
    with house.sender() as sender, meanwhile(house.mine):
        results = list(sender.send(stream))
    assert [sent.refusal for sent in results] == [None, None, None]


def test_too_little_gas_is_found_out_and_the_command_sent_again(house: House) -> None:
    """Also where the state before its block would have refused it for another reason."""
    before = house.nonce()
    with house.sender() as sender, meanwhile(house.mine):
        sender._pipeline._gas.limits = lambda calls: ([60_000] * len(calls), None)  # type: ignore[method-assign]
        results = list(sender.send([*commands(3), admission(1)]))
    refusals = {sent.number: sent.refusal.rule if sent.refusal else None for sent in results}
    assert list(refusals.values()).count("ACT-1") == 1 and refusals[1] is None and refusals[2] is None
    assert missing(house.ledger, 3) == []
    # All four run out of gas once; the one that is refused may be so before it is sent again.
    assert house.nonce() - before in (7, 8)


def test_a_chain_that_makes_no_blocks_is_given_up_and_gone_on_with(house: House) -> None:
    before = house.nonce()
    impatient, given_up = replace(PACE, give_up_after_s=0.5), pytest.raises(TransactionNotMined)
    with house.sender(impatient) as sender, given_up:
        list(sender.send(commands(5)))
    assert len(house.pool()) == 5
    with house.sender() as sender, meanwhile(house.mine):
        assert sender.settle() == 5
        assert sender.settle() == 0
    assert house.nonce() == before + 5 and missing(house.ledger, 5) == []


def test_a_fork_that_takes_a_transaction_back_is_mended_before_it_counts(house: House) -> None:
    """With two blocks to wait, what the chain gave up is sent again and told once, from where it stayed."""
    before, forked = house.nonce(), threading.Event()

    def fork_once() -> None:
        house.mine()
        if house.nonce() > before and not forked.is_set():
            forked.set()
            house.connection.request("anvil_reorg", 1, [])
            house.connection.request("anvil_dropAllTransactions")

    with house.sender(final_after=2) as sender, meanwhile(fork_once):
        results = list(sender.send(commands(8)))
    assert forked.is_set()
    check(house, before, results, 8)
    for sent in results:
        receipt = house.connection.request("eth_getTransactionReceipt", "0x" + sent.tx_hash.hex())
        assert int(receipt["blockNumber"], 16) == sent.block_number


def test_one_sender_per_key_and_one_journal_per_chain(house: House) -> None:
    with house.sender(), pytest.raises(AlreadyInUse, match="held by another sender"), house.sender():
        pass
    elsewhere = replace(house.deployment, chain_id=5)
    with pytest.raises(WrongChain, match="the journal of chain"):
        CommandSender(house.connection, elsewhere, house.artifacts, house.admin, house.folder)


def end_after(lines: int, words: list[str]) -> None:
    """Run a child until it has printed so many lines, then kill -9."""
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(lines):
            child.stdout.readline()
        child.kill()


@pytest.mark.parametrize("house", ["free"], indirect=True)
def test_killed_anywhere_it_loses_and_doubles_nothing(house: House, tmp_path: Path) -> None:
    """kill -9 again and again, of a chain that loses transactions too: in the end each command is recorded
    once.
    """
    count, chance, before = 40, random.Random(3), house.nonce()
    arguments = [
        house.url,
        str(tmp_path / "deployment.json"),
        str(house.folder),
        house.admin.private_key.hex(),
    ]
    words = [sys.executable, "-m", "tests.integration.sending_child", *arguments, str(count)]

    def drop_or_mine() -> None:
        pool = house.pool()
        if pool and chance.random() < 0.3:
            house.drop(chance.choice(pool)[1])
        else:
            house.mine()

    with meanwhile(drop_or_mine):
        for _ in range(2):
            end_after(chance.randrange(2, 14), words)
        subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    assert missing(house.ledger, count) == []
    assert house.nonce() == before + count, "a transaction too many: something was sent twice"
