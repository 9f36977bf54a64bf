"""The sender port: commands in, what became of them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from registry.domain.commands import Command
from registry.domain.errors import RuleViolation
from registry.ledger.artifacts import Artifacts
from registry.ledger.codec import encode_command
from registry.ledger.deployment import Deployment
from registry.ledger.errors import violation_of
from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.sending.flights import Call, Done
from registry.ledger.sending.journal import Journal
from registry.ledger.sending.pace import Pace
from registry.ledger.sending.pipeline import Pipeline
from registry.ports import Sent, Signer


class CommandSender:
    """Sends the commands of one key (:class:`registry.ports.Sender`); the journal is
    ``<address>.sqlite`` in ``folder``.

    Raises what :class:`~registry.ledger.sending.journal.Journal` raises.
    """

    def __init__(
        self,
        connection: Connection,
        deployment: Deployment,
        artifacts: Artifacts,
        signer: Signer,
        folder: Path,
        final_after: int = 0,
        pace: Pace | None = None,
    ) -> None:
        self._deployment = deployment
        self._artifacts = artifacts
        self._journal = Journal(folder / f"{signer.address.lower()}.sqlite", deployment.chain_id)
        try:
            self._pipeline = Pipeline(
                connection, deployment.chain_id, signer, self._journal, final_after, pace
            )
        except BaseException:
            self._journal.close()
            raise

    def settle(self) -> int:
        """Bring onto the ledger what an earlier process left under way."""
        return self._pipeline.settle()

    def send(self, commands: Iterable[Command]) -> Iterator[Sent]:
        """Record the commands; yields what became of each once it is final."""
        for done in self._pipeline.run(self._call(command) for command in commands):
            yield self._sent(done)

    def close(self) -> None:
        """Give the journal back."""
        self._journal.close()

    def _call(self, command: Command) -> Call:
        artifact = self._artifacts.of_command(command.contract)
        return Call(self._deployment.addresses[command.contract], encode_command(command, artifact))

    def _sent(self, done: Done) -> Sent:
        refusal = None if done.reverted is None else self._refusal(done.reverted)
        if done.receipt is None:
            return Sent(done.number, b"", 0, 0, refusal)
        return Sent(
            done.number,
            bytes.fromhex(done.receipt["transactionHash"][2:]),
            int(done.receipt["blockNumber"], 16),
            int(done.receipt["gasUsed"], 16),
            refusal,
        )

    def _refusal(self, reverted: CallReverted) -> RuleViolation:
        """The broken rule; a revert without a rule is a defect, and ends the stream."""
        failure = violation_of(reverted.data, self._artifacts)
        if isinstance(failure, RuleViolation):
            return failure
        raise failure
