"""One PGUI: takes setpoints, lets its plant follow them, certifies every quarter-hour, answers (PGU-1, MEA-1,
SET-1).

Everything here happens within one transaction of the device's state: a counter is never used twice and never
passed over, whenever the power goes.
"""

from __future__ import annotations

from pgui_sim.faults import Fault, forge
from pgui_sim.setpoint import PlatformKeys, SetpointRejected
from pgui_sim.statement import PERIOD_S, Execution, Outcome, Reading, certify
from pgui_sim.stored import DeviceState, PendingSetpoint, StoredDevice


class Device:
    """A device at work, from the state it was last kept in.

    Attributes:
        state: the state to keep; that of the stored device, changed in place.
        statements: what it signed since, in order: bytes, and the fault that made them or ``None``.
        taken, answered: setpoints taken and execution statements signed since.
        rejected: why setpoints were dropped without an answer.
    """

    def __init__(self, stored: StoredDevice) -> None:
        self._pod_id = stored.pod_id
        self.key = stored.key
        self._meter = stored.meter
        self._ems = stored.ems
        self.state: DeviceState = stored.state
        self.statements: list[tuple[bytes, str | None]] = []
        self.taken = 0
        self.answered = 0
        self.rejected: list[str] = []

    def set_clock(self) -> None:
        """Compare the clock with the access node's, at the device's present time."""
        self.state.clock = self.state.clock.set_right(self.state.next_period)

    def take(self, setpoint: bytes, platforms: PlatformKeys) -> None:
        """Take one setpoint at the device's present time (setpoint.md, "What a device does with one").

        1. and 2. Form, signature, POD: else it is dropped and reported.
        3. A sequence not higher than the last taken is dropped: it was answered, or is not to be.
        4. Expired, or the plant does not follow setpoints: answered at once. Else kept until its period.
        """
        # 1. and 2. form, signature, POD
        try:
            asked = platforms.open(setpoint, self._pod_id)
        except SetpointRejected as error:
            self.rejected.append(str(error))
            return
        # 3. sequence
        if asked.sequence <= self.state.last_sequence:
            return
        self.state.last_sequence = asked.sequence
        if asked.period_length != PERIOD_S or asked.period_start % PERIOD_S:
            self.rejected.append(f"for {asked.period_length} s from {asked.period_start}, not a quarter-hour")
            return
        self.taken += 1
        pending = PendingSetpoint(asked.sequence, asked.id, asked.period_start, asked.power_w)
        # 4. answer at once, or keep
        now = self.state.next_period
        if now > asked.expires_at or now > asked.period_start:
            self._answer(pending, Outcome.EXPIRED, 0)
        elif self._ems.refuse:
            self._answer(pending, Outcome.REFUSED, 0)
        else:
            self.state.pending = (*self.state.pending, pending)

    def run(self, until: int, faults: list[Fault]) -> None:
        """Live through every quarter-hour that is over by ``until`` (Unix seconds); ``faults`` show in the
        last of them.

        Raises :class:`~pgui_sim.meter.ProfileEnded`.
        """
        while self.state.next_period + PERIOD_S <= until:
            last = self.state.next_period + 2 * PERIOD_S > until
            self._live(faults if last else [])

    def _live(self, faults: list[Fault]) -> None:
        """One quarter-hour: the plant moves, the meter counts, the device certifies and answers."""
        state, start = self.state, self.state.next_period
        due = [setpoint for setpoint in state.pending if setpoint.period_start == start]
        # the plant follows the setpoint with the highest sequence
        response = self._ems.respond(due[-1].power_w if due else None, state.level_w)
        metered = self._meter.read(start, response.change_ws, state.registers)
        reading = Reading(
            self._pod_id,
            start,
            state.counter + 1,
            metered.import_wh,
            metered.export_wh,
            state.clock.flags(start + PERIOD_S),
            metered.reactive_import_varh,
            metered.reactive_export_varh,
        )
        statement = certify(reading, self.key)
        self.statements += [
            (forge(fault, reading, statement, self.key), fault) for fault in faults if fault.comes_first
        ]
        self.statements.append((statement, None))
        self.statements += [
            (forge(fault, reading, statement, self.key), fault) for fault in faults if not fault.comes_first
        ]
        state.counter = reading.counter
        state.next_period = start + PERIOD_S
        state.registers = metered.registers
        state.level_w = response.level_w
        state.clock = state.clock.next_period()
        if due:
            state.pending = tuple(setpoint for setpoint in state.pending if setpoint.period_start != start)
            for superseded in due[:-1]:
                self._answer(superseded, Outcome.REFUSED, 0)
            self._answer(due[-1], self._ems.outcome(due[-1].power_w, response.mean_w), response.mean_w)

    def _answer(self, setpoint: PendingSetpoint, outcome: Outcome, achieved_w: int) -> None:
        counter = self.state.counter + 1
        execution = Execution(self._pod_id, setpoint.period_start, counter, setpoint.id, outcome, achieved_w)
        self.statements.append((certify(execution, self.key), None))
        self.answered += 1
        self.state.counter = counter
