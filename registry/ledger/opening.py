"""Opening a ledger: the embedded chain in a file, or any node by URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from registry.domain.contract_changes import NOTICE_S
from registry.ledger.artifacts import load_artifacts
from registry.ledger.deployment import Deployment, deploy, transactions_of
from registry.ledger.embedded.chain import EmbeddedChain
from registry.ledger.embedded.provider import EmbeddedProvider
from registry.ledger.ledger import ChainLedger
from registry.ledger.rpc import Connection
from registry.ports import Clock, Signer

CHAIN_FILE = "chain.sqlite"
DEPLOYMENT_FILE = "deployment.json"
DISPUTE_WINDOW_S = 30 * 24 * 3600
"""Default of how long a settlement statement can be disputed (STT-4)."""


@dataclass(frozen=True)
class EmbeddedLedger:
    """A ledger whose chain lives in this process; ``close`` releases its file."""

    ledger: ChainLedger
    chain: EmbeddedChain

    def close(self) -> None:
        """Release the chain's file."""
        self.chain.close()


def open_embedded(
    folder: Path,
    clock: Clock,
    admin: Signer | None = None,
    *,
    dispute_window_s: int = DISPUTE_WINDOW_S,
    notice_s: int = NOTICE_S,
) -> EmbeddedLedger:
    """The ledger on the embedded chain in ``folder``: ``chain.sqlite`` and ``deployment.json``.

    With ``admin``, contracts that are not there yet are deployed, and ``admin`` becomes the consortium admin.
    A chain that has more blocks than a deployment makes has contracts already: without the file that says
    where, it is not begun anew.

    Raises:
        AlreadyInUse, DatabaseCorrupted, DiskFull: see :class:`~registry.ledger.embedded.store.ChainStore`.
        ContractsMissing: nothing is deployed and no ``admin`` given, or the deployment file is gone.
        ContractsVersionMismatch: the file is of another release.
    """
    chain = EmbeddedChain(folder / CHAIN_FILE, clock)
    try:
        connection = Connection(EmbeddedProvider(chain), str(folder))
        artifacts = load_artifacts()
        path = folder / DEPLOYMENT_FILE
        head = int(connection.request("eth_blockNumber"), 16)
        if admin is not None and not path.exists() and head <= transactions_of(artifacts):
            deploy(connection, admin, artifacts, dispute_window_s=dispute_window_s, notice_s=notice_s).save(
                path
            )
        return EmbeddedLedger(ChainLedger(connection, Deployment.load(path), artifacts), chain)
    except BaseException:
        chain.close()
        raise


def open_rpc(url: str, deployment: Path) -> ChainLedger:
    """The ledger on the chain of the node at ``url``, with the contracts of a deployment file.

    Raises:
        ChainUnreachable, WrongChain, ContractsMissing, ContractsVersionMismatch.
    """
    return ChainLedger(Connection.to(url), Deployment.load(deployment), load_artifacts())


def deploy_rpc(
    url: str, admin: Signer, path: Path, *, dispute_window_s: int = DISPUTE_WINDOW_S
) -> Deployment:
    """Deploy the contracts on the chain of the node at ``url`` and write the deployment file (``<chain
    id>.json`` by habit).
    """
    deployment = deploy(Connection.to(url), admin, load_artifacts(), dispute_window_s=dispute_window_s)
    deployment.save(path)
    return deployment
