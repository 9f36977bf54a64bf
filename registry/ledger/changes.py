"""This release's code for a change of the contracts: putting it on the chain, recognising it there (CON-1).

Works on contracts of this release's version and of the one before: a change is prepared and looked at before
it is in force.
"""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from registry.domain.contract_changes import CONTRACTS, Code
from registry.domain.identifiers import bytes32_text, text_of_bytes32
from registry.ledger.artifacts import Artifacts
from registry.ledger.codec import decode_result, encode_call
from registry.ledger.deployment import Deployment, check, creation_of, version_on_chain
from registry.ledger.errors import violation_of
from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.transactions import Transactor
from registry.ports import Signer


class OwnCode:
    """The code that this release would give the contracts of a deployment."""

    def __init__(self, connection: Connection, deployment: Deployment, artifacts: Artifacts) -> None:
        """Raises what :func:`registry.ledger.deployment.check` raises, for contracts of another version than
        this release's or the one before.
        """
        found = version_on_chain(connection, deployment.addresses, artifacts)
        allowed = artifacts.version - 1 if found == artifacts.version - 1 else artifacts.version
        check(connection, deployment, artifacts, allowed)
        self._connection = connection
        self._deployment = deployment
        self._artifacts = artifacts

    def implement(self, name: str, signer: Signer) -> Code:
        """Put the code of a contract on the chain, to be proposed for it; nothing else changes by that.

        Raises:
            RuleViolation: CON-1, no contract of this name.
            OperationalError: the chain failed.
        """
        try:
            receipt = Transactor(self._connection, self._deployment.chain_id).send(
                signer, None, self._creation(name)
            )
        except CallReverted as reverted:
            raise violation_of(reverted.data, self._artifacts) from None
        return Code(bytes32_text(name), to_checksum_address(receipt["contractAddress"]), b"")

    def differs(self, code: Code) -> bool:
        """Whether what stands at the code's address is not, byte for byte, what this release puts there."""
        name = text_of_bytes32(code.name)
        if name not in CONTRACTS:
            return True
        creation = {"data": "0x" + self._creation(name).hex()}
        own = self._connection.request("eth_call", creation, "latest")
        return bool(own != self._connection.request("eth_getCode", code.implementation, "latest"))

    def _creation(self, name: str) -> bytes:
        window = self._dispute_window_s() if name == "Settlement" else 0
        return creation_of(name, self._artifacts, self._deployment.addresses, dispute_window_s=window)

    def _dispute_window_s(self) -> int:
        settlement = self._artifacts.by_name["Settlement"]
        call = {
            "to": self._deployment.addresses["Settlement"],
            "data": "0x" + encode_call(settlement, "disputeWindowS", {}).hex(),
        }
        answer = self._connection.request("eth_call", call, "latest")
        return int(decode_result(settlement, "disputeWindowS", bytes.fromhex(answer[2:]))[0])
