"""Random qualifications, devices, checkpoints and settlements."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec

from registry.domain import commands as c
from registry.domain.devices import Binding
from registry.domain.prequalification import QualificationState
from registry.domain.statements import Statement
from tests.unit.domain.consortium import (
    AUDITOR,
    BSP,
    DSO,
    LOCAL_PRODUCT,
    NODE,
    NOTHING,
    OTHER_BSP,
    PODS,
    TSO,
    product,
)
from tests.unit.domain.stream_steps import AGGREGATES, DAYS, PRODUCTS, Step, Steps


@cache
def device_key(number: int) -> tuple[bytes, bytes]:
    """A point of P-256 for each number from 1."""
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers()
    return point.x.to_bytes(32), point.y.to_bytes(32)


class RecordSteps(Steps):
    """Commands about products, what was measured and what was settled."""

    def publish_product(self) -> Step:
        operator = self._of(TSO, DSO)
        changes = {
            "min_up_kw": self._of(0, 5, 10),
            "months": self._of(0, 0xFFF),
            "supersedes": self._of(0, LOCAL_PRODUCT),
        }
        row = product(operator << 16 | self._random.randint(0, 5), **changes)
        return c.PublishProducts(operator, (row,)), operator

    def apply(self) -> Step:
        aggregate = self._of(*AGGREGATES)
        hashes = (self._word(),) * self._of(1, 1, 1, 2)
        return c.ApplyForQualification(
            aggregate >> 24, (aggregate,), (self._of(*PRODUCTS),), hashes
        ), aggregate >> 24

    def move(self) -> Step:
        number = self._of(*PRODUCTS)
        wanted, performance = self._of(*QualificationState), self._of(950, 1_000, 880)
        command = c.MoveQualification(
            number >> 16, (self._of(*AGGREGATES),), (number,), (wanted,), (performance,), (self._word(),)
        )
        return command, number >> 16

    def equivalences(self) -> Step:
        command = self._of(
            c.ProposeEquivalences, c.AcceptEquivalences, c.AcceptEquivalences, c.RevokeEquivalences
        )
        operator = self._of(TSO, DSO)
        return command(operator, (self._of(*PRODUCTS),), (self._of(*PRODUCTS),)), operator

    def bind(self) -> Step:
        x, y = device_key(self._random.randint(1, 12))
        start = self.now + self._random.randint(-500, 500)
        binding = Binding(
            self._of(*PODS), x, self._of(y, y, y, x), start, start + self._random.randint(-1, 9_000)
        )
        return c.BindDevices(DSO, (binding,)), DSO

    def end(self) -> Step:
        ends = (self.now + self._random.randint(-900, 900),) * self._of(1, 1, 2)
        return c.EndDevices(DSO, (self._of(*PODS),), ends, self._word()), DSO

    def anchor(self) -> Step:
        log_id, root = bytes([self._random.randint(1, 2)]) * 32, bytes([self._random.randint(1, 2)]) * 32
        size, witnesses = self._random.randint(0, 5), self._of(0, 2, 255)
        return c.AnchorCheckpoint(NODE, log_id, size, root, witnesses), NODE

    def record(self) -> Step:
        number = self._of(*PRODUCTS)
        statement = Statement(
            self._statement(),
            self._of(*AGGREGATES),
            number,
            self._of(*DAYS),
            self._word(),
            self._of(NOTHING, NOTHING, self._statement()),
        )
        return c.RecordStatements(number >> 16, (statement,)), number >> 16

    def dispute(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        return c.DisputeStatement(bsp, self._statement(), self._word()), bsp

    def attest(self) -> Step:
        return c.AttestStatement(
            AUDITOR, self._statement(), self._random.random() < 0.5, self._word()
        ), AUDITOR
