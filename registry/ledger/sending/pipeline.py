"""A pipeline of transactions: signed ahead, many under way, sent again when lost, paid better when stuck.

Nonces are counted here, not asked for: while the journal is held nobody else numbers for it, and a nonce that
another process used all the same shows when it is sent or when the chain has passed it; the transaction then
gets the next free one. One nonce never holds two different transactions of this sender, so nothing is
recorded twice, whichever of its versions is mined.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice

from eth_utils.crypto import keccak

from registry.ledger.fees import Fees, base_fee, current_fees
from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.sending.account import Account, Mined
from registry.ledger.sending.flights import NEVER, Call, Done, Flight
from registry.ledger.sending.gas import GasMeter
from registry.ledger.sending.journal import Entry, Journal, Version
from registry.ledger.sending.pace import Pace
from registry.ledger.transactions import says, unfunded
from registry.ports import NodeRefused, Signer, TransactionNotMined

_KNOWN_WORDS = ("already known", "already imported", "known transaction")
_PASSED_WORDS = ("nonce too low", "nonce is too low", "invalid nonce", "nonce below")
_TAKEN_WORDS = ("replacement",)
_LATER_WORDS = ("pool is full", "pool limit", "too many", "too distant", "less than block base fee")
_STARVED = 32
"""A call that used up all but one part in so many of its gas failed for want of it."""
_SHORTEST_PAUSE_S = 0.01


class Pipeline:
    """The transactions of one key. Not for use by several threads.

    Args:
        final_after: blocks that must follow a transaction's before it counts as recorded.
    """

    def __init__(
        self,
        connection: Connection,
        chain_id: int,
        signer: Signer,
        journal: Journal,
        final_after: int = 0,
        pace: Pace | None = None,
    ) -> None:
        self._connection = connection
        self._chain_id = chain_id
        self._signer = signer
        self._journal = journal
        self._final_after = final_after
        self._pace = pace or Pace()
        self._account = Account(connection, signer.address)
        self._gas = GasMeter(connection, signer.address)
        self._moved = now = time.monotonic()
        self._passed = 0
        self._head, self._settled_at = self._account.head().number, ""
        self._flights = [Flight(entry, None, now, NEVER) for entry in journal.entries()]
        self._next = max([self._account.count("pending"), *(f.entry.nonce + 1 for f in self._flights)])

    def settle(self) -> int:
        """Bring what the journal holds into blocks; returns how many transactions that were."""
        left = len(self._flights)
        for _ in self.run(()):
            pass
        return left

    def run(self, calls: Iterable[Call]) -> Iterator[Done]:
        """Send the calls in order; yields what became of each.

        What became of a call is told when it is final: in the order of the calls, but for those that had to
        be sent anew.

        1. fill the window;
        2. take what is final out of it, and send what the node had no room for;
        3. while nothing is, look for what was lost or is stuck.

        Raises:
            AccountUnfunded, NodeRefused, ChainUnreachable: see :mod:`registry.ports.failures`.
            TransactionNotMined: no block took any of them for too long.
        """
        waiting = enumerate(calls)
        self._moved, pause = time.monotonic(), _SHORTEST_PAUSE_S
        more = True
        while more or self._flights:
            # 1. fill
            while more and (room := self._room()):
                part = list(islice(waiting, room))
                more = len(part) == room
                yield from self._launch(part)
            # 2. settle
            done = list(self._settled())
            if done:
                self._moved, pause = time.monotonic(), _SHORTEST_PAUSE_S
                yield from (one for one in done if one is not None)
            elif self._flights:
                # 3. wait, look again
                self._mend()
                time.sleep(pause)
                pause = min(2 * pause, self._pace.longest_pause_s)

    # ------------------------------------------------------------------------------------------- launching

    def _room(self) -> int:
        """How many calls to launch together now."""
        if not self._connection.batches:
            return 0 if self._flights else 1  # the embedded chain is done with each at once
        if any(flight.held for flight in self._flights):
            return 0
        return min(self._pace.chunk, self._pace.window - len(self._flights))

    def _launch(self, part: list[tuple[int, Call]]) -> Iterator[Done]:
        """Sign, keep, send; yields what the node refuses to run at all."""
        if not part:
            return
        fees = current_fees(self._connection)
        while part:
            limits, refused = self._gas.limits([(call.to, call.data) for _, call in part])
            yield from self._start(self._fresh(part, limits, fees))
            part = part[len(limits) :]
            if refused is not None:
                # it may only need what is still under way
                yield from self._drained()
                number, call = part[0]
                limits, refused = self._gas.limits([(call.to, call.data)])
                yield from self._start(self._fresh(part, limits, fees))
                if refused is not None:
                    yield Done(number, None, refused)
                part = part[1:]

    def _fresh(self, part: list[tuple[int, Call]], limits: list[int], fees: Fees) -> list[Flight]:
        """Signed flights of the first calls, those that have a limit."""
        fresh = []
        for (number, call), gas in zip(part, limits, strict=False):
            entry = Entry(self._next, call.to, call.data, gas)
            entry.versions.append(self._signed(entry, fees))
            self._next += 1
            fresh.append(Flight(entry, number, time.monotonic(), NEVER))
        return fresh

    def _start(self, fresh: list[Flight]) -> Iterator[Done]:
        if not fresh:
            return
        self._journal.add(flight.entry for flight in fresh)
        self._flights += fresh
        yield from self._push(fresh)

    def _drained(self) -> Iterator[Done]:
        while self._flights:
            done = list(self._settled())
            yield from (one for one in done if one is not None)
            if not done:
                self._mend()
                time.sleep(_SHORTEST_PAUSE_S)

    def _push(self, flights: list[Flight]) -> Iterator[Done]:
        """Send the newest version of each; the node's answers decide what follows."""
        raws = [("0x" + flight.entry.versions[-1].raw.hex(),) for flight in flights]
        answers = self._connection.attempts("eth_sendRawTransaction", raws)
        now = time.monotonic()
        for flight, answer in zip(flights, answers, strict=True):
            first = flight.last_sent == NEVER
            flight.last_sent, flight.sent_at, flight.held = now, self._head, False
            if isinstance(answer, CallReverted) and self._connection.batches:
                raise NodeRefused(
                    found="a revert as the answer to a transaction",
                    expected="a transaction's hash",
                    remedy="look at the node's own log",
                ) from answer
            if isinstance(answer, CallReverted):
                # the embedded chain runs it at once and mines nothing; its nonce is free again
                self._forget([flight])
                self._next = flight.entry.nonce
                if flight.number is not None:
                    yield Done(flight.number, None, answer)
            elif isinstance(answer, NodeRefused):
                self._answer_refusal(flight, answer, first and len(flight.entry.versions) == 1)

    def _answer_refusal(self, flight: Flight, refused: NodeRefused, first: bool) -> None:
        if says(refused, _KNOWN_WORDS) or says(refused, _PASSED_WORDS):
            return  # it is there already, or its nonce is: the chain will tell
        if says(refused, _TAKEN_WORDS):
            if first and flight.number is not None:
                self._renumber(
                    flight, self._account.count("pending")
                )  # somebody else's waits under this nonce
            return
        poor = unfunded(refused, self._signer.address)
        if poor is not None:
            raise poor from refused
        if not says(refused, _LATER_WORDS):
            raise refused
        flight.held = True

    # -------------------------------------------------------------------------------------------- settling

    def _settled(self) -> Iterator[Done | None]:
        """Flights that are final, in order of their nonces, out of the window; None for one of another
        process.
        """
        if not self._flights:
            return
        self._flights.sort(key=lambda flight: flight.entry.nonce)
        head = self._account.head()
        self._head = head.number
        if head.hash == self._settled_at:
            return
        self._passed = self._account.count("latest")
        candidates = [flight for flight in self._flights if flight.entry.nonce < self._passed]
        finals: list[tuple[Flight, Mined]] = []
        receipts = self._account.receipts([flight.entry for flight in candidates])
        # A node may know of a receipt a moment later than of the block.
        self._settled_at = "" if None in receipts else head.hash
        for flight, receipt in zip(candidates, receipts, strict=True):
            if receipt is None:
                self._missed(flight, head.number)
            elif int(receipt["blockNumber"], 16) + self._final_after <= head.number:
                finals.append((flight, receipt))
        self._forget([flight for flight, _ in finals])
        for flight, receipt in finals:
            yield from self._judged(flight, receipt)
        # Twice as many as became final: a node that has more room by now shows it.
        held = [flight for flight in self._flights if flight.held]
        yield from self._push(held[: 2 * len(finals)])

    def _missed(self, flight: Flight, head: int) -> None:
        """The chain has passed the flight's nonce, and none of its versions is in a block: once that is
        final, it is somebody else's transaction that has it.
        """
        if not self._account.has_lost(flight.entry):
            flight.missed_at = None  # the chain changed its mind since it was counted
        elif flight.missed_at is None and self._final_after:
            flight.missed_at = head
        elif flight.missed_at is None or flight.missed_at + self._final_after <= head:
            self._renumber(flight, self._next)

    def _judged(self, flight: Flight, receipt: Mined) -> Iterator[Done | None]:
        reverted = None
        if int(receipt["status"], 16) == 0:
            # Contracts that refuse give the rest of the gas back.
            starved = _STARVED * int(receipt["gasUsed"], 16) >= (_STARVED - 1) * flight.entry.gas
            if not starved:
                reverted = self._account.reason(flight.entry, int(receipt["blockNumber"], 16))
            if reverted is None and not flight.again:
                try:
                    gas = self._gas.estimate(flight.entry.to, flight.entry.data)
                except CallReverted as refused_now:
                    reverted = refused_now
                else:
                    yield from self._once_more(flight, gas + gas // 4)
                    return
            reverted = reverted or CallReverted(b"")
        if flight.number is None:
            yield None
        else:
            yield Done(flight.number, receipt, reverted)

    def _once_more(self, flight: Flight, gas: int) -> Iterator[Done]:
        fresh = Entry(self._next, flight.entry.to, flight.entry.data, gas)
        fresh.versions.append(self._signed(fresh, current_fees(self._connection)))
        self._next += 1
        yield from self._start([Flight(fresh, flight.number, time.monotonic(), NEVER, again=True)])

    # --------------------------------------------------------------------------------------------- mending

    def _mend(self) -> None:
        """Look for what has been under way for long.

        1. stuck, for its fee is below the base fee, or it is first in line and waits: a better fee;
        2. lost: the same bytes again, in order. Some blocks that pass the first in line by make all suspect.

        Raises TransactionNotMined if nothing moves for too long.
        """
        now = time.monotonic()
        if now - self._moved > self._pace.give_up_after_s:
            first = self._flights[0].entry
            raise TransactionNotMined(
                found=f"transaction {first.versions[-1].hash} (nonce {first.nonce}) in no block after "
                f"{self._pace.give_up_after_s:.0f} s",
                expected="a chain that makes blocks",
                remedy="look at the validators; run the command again, it goes on where it is",
            )
        waiting = [flight for flight in self._flights if flight.entry.nonce >= self._passed]
        overdue = [flight for flight in waiting if now - flight.last_sent > self._pace.resend_after_s]
        if waiting and not waiting[0].held and self._head - waiting[0].sent_at >= self._pace.passed_by:
            overdue = [flight for flight in waiting if not flight.held]
        if not overdue:
            return
        self._settled_at = ""  # behind one URL there may be nodes of which some are late
        known = self._account.known([flight.entry for flight in overdue])
        base = base_fee(self._connection)
        lost = []
        for flight, is_known in zip(overdue, known, strict=True):
            flight.last_sent, flight.sent_at = now, self._head
            waits = flight is waiting[0] and now - flight.first_sent > self._pace.raise_after_s
            # 1. stuck
            if flight.entry.versions[-1].fees.most < base or (is_known and waits and base > 0):
                self._improve(flight)
            # 2. lost
            elif not is_known:
                lost.append(flight)
        for start in range(0, len(lost), self._pace.chunk):
            for _ in self._push(lost[start : start + self._pace.chunk]):
                pass

    def _improve(self, flight: Flight) -> None:
        entry = flight.entry
        fees = current_fees(self._connection).above(entry.versions[-1].fees)
        entry.versions.append(self._signed(entry, fees))
        self._journal.renew(entry)
        flight.first_sent = time.monotonic()
        for _ in self._push([flight]):
            pass

    def _renumber(self, flight: Flight, nonce: int) -> None:
        """Another nonce for a transaction that lost its own to somebody else's."""
        old = flight.entry
        nonce = max(nonce, *(each.entry.nonce + 1 for each in self._flights))
        entry = Entry(nonce, old.to, old.data, old.gas)
        entry.versions.append(self._signed(entry, current_fees(self._connection)))
        self._next = nonce + 1
        self._journal.move(old.nonce, entry)
        flight.entry, flight.last_sent, flight.missed_at = entry, NEVER, None
        for _ in self._push([flight]):
            pass

    # ----------------------------------------------------------------------------------------------- parts

    def _signed(self, entry: Entry, fees: Fees) -> Version:
        raw = self._signer.sign(
            {
                "type": 2,
                "chainId": self._chain_id,
                "nonce": entry.nonce,
                "gas": entry.gas,
                "to": entry.to,
                "value": 0,
                "data": entry.data,
                **fees.fields,
            }
        )
        return Version(fees, "0x" + keccak(raw).hex(), raw)

    def _forget(self, flights: list[Flight]) -> None:
        if flights:
            self._journal.remove(flight.entry.nonce for flight in flights)
            gone = {id(flight) for flight in flights}
            self._flights = [flight for flight in self._flights if id(flight) not in gone]
