"""The chain: typed commands in, domain events out. The only room that knows chain clients.

``ChainLedger`` speaks JSON-RPC and nothing else, so every chain is a provider: ``open_embedded`` runs one in
this process and keeps it in one file, ``open_rpc`` reaches any EVM node by URL.
"""

from registry.ledger.changes import OwnCode
from registry.ledger.deployment import Deployment, fund
from registry.ledger.ledger import ChainLedger
from registry.ledger.opening import EmbeddedLedger, deploy_rpc, open_embedded, open_rpc
from registry.ledger.rpc import Connection
from registry.ledger.signers import KeystoreSigner, LocalSigner

__all__ = [
    "ChainLedger",
    "Connection",
    "Deployment",
    "EmbeddedLedger",
    "KeystoreSigner",
    "LocalSigner",
    "OwnCode",
    "deploy_rpc",
    "fund",
    "open_embedded",
    "open_rpc",
]
