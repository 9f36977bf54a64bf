"""Settings of a node: from the environment (``FLEXLEDGER_…``), with defaults that run a sandbox from one
folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_STATE = Path("var/demo")


class Settings(BaseSettings):
    """What the operator of a node decides.

    Attributes:
        state: folder of everything this node keeps.
        chain_url: JSON-RPC address of the consortium's chain; empty runs the embedded chain in ``state``.
        deployment: file that says where the contracts stand; needed with ``chain_url``.
        register_url: database of the mirror; empty is SQLite in ``state``.
        vault_url: database of the vault; empty is SQLite in ``state``.
        log_url: database of the measurement log, ``postgresql://…``; empty is SQLite in ``state``.
        keystore: folder of encrypted ledger keys of this node's own party, ``<party>.json``; empty means
            the sandbox, where this node holds every party's key.
        keystore_passphrase: opens them.
        log_origin: name of the measurement log, first line of its checkpoints.
        log_archive: folder that takes what is detached from the measurement log; without it a served node
            detaches nothing.
        witness_name: this node's name as a witness of other logs, a URL without scheme (LOG-2).
        witness_logs: the logs it cosigns checkpoints of: their note keys.
        witnesses: who cosigns this node's log, each ``KEY URL``: its key, its submission prefix. At most 255.
        anchor_every_entries, anchor_every_seconds: cadence of anchors (LOG-2).
        anchor_wait_seconds: how long a due anchor waits at most for all ``witnesses`` to cosign.
        final_after_blocks: how many blocks must follow an anchor's, or that of a registration from a file,
            before it is final: 0 on a chain with instant finality (QBFT, embedded), as many as its operators
            hold safe on any other.
        acceptance_window_days: how long after its period a statement is taken (MEA-2).
        verifiers: worker processes that read and verify statements; 0 does so in the node's own process.
        fronts: processes that take single statements on a port of their own and judge them; 0 leaves that to
            the API.
        token_issuer, jwks_url: whose bearer tokens are accepted; without ``jwks_url`` the local issuer's.
        host, port: where the API listens.
        intake_port: where the fronts listen, on the same host.
    """

    model_config = SettingsConfigDict(env_prefix="FLEXLEDGER_", extra="forbid")

    state: Path = DEFAULT_STATE
    chain_url: str = ""
    deployment: Path | None = None
    register_url: str = ""
    vault_url: str = ""
    log_url: Annotated[str, Field(pattern=r"^(postgresql(\+psycopg)?://.+)?$")] = ""
    keystore: Path | None = None
    keystore_passphrase: str = ""
    log_origin: Annotated[str, Field(pattern=r"^[!-*,-~]+$")] = "flexledger.example/log"
    log_archive: Path | None = None
    witness_name: Annotated[str, Field(pattern=r"^[!-*,-~]+$")] = "flexledger.example/witness"
    witness_logs: tuple[str, ...] = ()
    witnesses: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[^ ]+ https?://[^ ]+$")], ...], Field(max_length=255)
    ] = ()
    anchor_every_entries: Annotated[int, Field(ge=1)] = 1_000
    anchor_every_seconds: Annotated[int, Field(ge=1)] = 900
    anchor_wait_seconds: Annotated[int, Field(ge=0)] = 60
    final_after_blocks: Annotated[int, Field(ge=0)] = 0
    acceptance_window_days: Annotated[int, Field(ge=1, le=366)] = 35
    verifiers: Annotated[int, Field(ge=0, le=256)] = 0
    fronts: Annotated[int, Field(ge=0, le=256)] = 0
    token_issuer: str = "flexledger-local"
    jwks_url: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    intake_port: Annotated[int, Field(ge=0, le=65_535)] = 8001

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.chain_url and self.deployment is None:
            raise ValueError("chain_url needs deployment, the file that says where the contracts stand")
        return self

    @property
    def sandbox(self) -> bool:
        """Whether this node holds the keys of all parties, as only a sandbox may."""
        return self.keystore is None


def first_fault(error: ValidationError) -> str:
    """The first wrong setting, by the name of its environment variable; what concerns several settings shows
    none of their values, for there are secrets among them.
    """
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"settings: {message}"
    return f"FLEXLEDGER_{'_'.join(map(str, first['loc'])).upper()}: found {first['input']!r}, {message}"
