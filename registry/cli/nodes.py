"""Nodes that are there already: commands that look at one never begin one."""

from __future__ import annotations

from pathlib import Path

from registry.bootstrap import Node, SystemClock, open_node
from registry.bootstrap.node import CHAIN_FOLDER, KEYS_FOLDER
from registry.config import Settings
from registry.domain.errors import InputInvalid
from registry.ledger.opening import CHAIN_FILE, DEPLOYMENT_FILE
from registry.ports import Signer


def open_existing(state: Path) -> Node:
    """Open the node in a folder. Raises ValueError if there is none, and what :func:`open_node` raises."""
    settings = Settings(state=state)
    require_node(settings)
    return open_node(settings, SystemClock())


def require_node(settings: Settings) -> None:
    """Raise ValueError unless the folder of the settings holds a node."""
    chain = settings.state / CHAIN_FOLDER
    embedded = [chain / CHAIN_FILE, chain / DEPLOYMENT_FILE]
    known = [settings.state / KEYS_FOLDER] if settings.chain_url else embedded
    if not any(path.exists() for path in known):
        raise ValueError(
            f"state: found {settings.state}, which holds no node; allowed a folder that "
            "`flexledger demo` or a served node left"
        )


def signer_of(node: Node, party: int, rule: str, field: str) -> Signer:
    """The ledger key of a party.

    Raises:
        InputInvalid: by ``rule``, the key of the party in ``field`` is not here.
    """
    signer = node.signers.get(party)
    if signer is None:
        held = ", ".join(map(str, sorted(node.signers))) or "none"
        raise InputInvalid(rule=rule, field=field, found=party, allowed=f"a party whose key is here: {held}")
    return signer
