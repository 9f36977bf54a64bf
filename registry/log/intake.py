"""The gate of the access node: which device statements are authentic and in time (MEA-2, DEV-1)."""

from __future__ import annotations

from collections.abc import Sequence

from registry.domain.errors import RuleViolation
from registry.evidence.acceptance import AcceptanceRules, check_binding, check_period
from registry.evidence.payloads import Setpoint
from registry.evidence.statements import Statement, parse, unverified
from registry.log.keys import Binding, Bindings
from registry.log.queries import LogQueries
from registry.log.verifying import Signed, Verifier

Judgement = Statement | int | RuleViolation
"""An authentic statement, the index of one that the log has, or a refusal."""


class Intake:
    """Judges statements in batches; keeps nothing but what it remembers of keys."""

    def __init__(
        self, bindings: Bindings, verifier: Verifier, queries: LogQueries, rules: AcceptanceRules
    ) -> None:
        self._bindings = bindings
        self._verifier = verifier
        self._queries = queries
        self._rules = rules

    def judge(self, messages: Sequence[bytes], now: int) -> list[Judgement]:
        """Check each statement's bytes at ``now`` (Unix seconds), in the order of MEA-2:

        1. It is well-formed and canonical.
        2. It is a device's: a reading or an execution.
        3. Its key is known, bound to this POD and valid throughout the period (DEV-1).
        4. The signature is by that key.
        5. The period has the market's length, is aligned to it, is over (an execution that was not begun may
           come before) and did not end before the acceptance window.
        6. What fails 3 to 5 but stands in the log byte for byte is no refusal: what was once accepted stays
           so, whatever became of key and time.

        What follows needs the newest state of the log and is decided in :mod:`registry.log.placing`:

        7. No other bytes for the same POD and period, and no counter twice.

        A refusal (MEA-1, MEA-2, DEV-1) names the first field found wrong.
        """
        binding = self._bindings.current()
        judged: list[Judgement] = []
        signed: list[Signed] = []
        waiting: list[tuple[int, Statement]] = []
        for data in messages:
            # 1. to 3. each by itself
            try:
                statement = parse(data)
            except RuleViolation as violation:
                judged.append(violation)
                continue
            try:
                point = self._bound_key(statement, binding)
            except RuleViolation as violation:
                judged.append(self._known_or(violation, statement))
                continue
            waiting.append((len(judged), statement))
            judged.append(statement)
            signed.append((point, statement.signature, statement.tbs))
        # 4. all signatures at once
        for (number, statement), good in zip(waiting, self._verifier.verify(signed), strict=True):
            try:
                if not good:
                    raise unverified()
                # 5. the period
                check_period(statement.payload, now, self._rules)
            except RuleViolation as violation:
                judged[number] = self._known_or(violation, statement)
        return judged

    def _bound_key(self, statement: Statement, binding: Binding) -> bytes:
        payload = statement.payload
        # 2. a device's
        if isinstance(payload, Setpoint):
            raise RuleViolation(rule="MEA-2", field="type", found="setpoint", allowed="reading or execution")
        # 3. the key
        key = binding(statement.kid)
        if key is None:
            raise RuleViolation(
                rule="MEA-2",
                field="kid",
                found=statement.kid,
                allowed="a key that is bound to a POD",
                hint="the connecting DSO binds devices",
            )
        check_binding(payload, key.pod_id, key.valid_from, key.valid_until)
        return key.public_key

    def _known_or(self, violation: RuleViolation, statement: Statement) -> int | RuleViolation:
        # 6. the same bytes again
        if isinstance(statement.payload, Setpoint):
            return violation
        index = self._queries.index_of(statement)
        return violation if index is None else index
