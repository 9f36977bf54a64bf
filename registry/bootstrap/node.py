"""A node: ledger, mirror, vault, access node and tokens, opened from settings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from prometheus_client import CollectorRegistry, ProcessCollector

from registry.bootstrap.keys import KeyRing
from registry.config import Settings
from registry.domain.devices import key_id
from registry.evidence.acceptance import AcceptanceRules
from registry.evidence.checkpoints import NoteKey
from registry.evidence.cosignatures import WitnessKey
from registry.ledger.opening import open_embedded, open_rpc
from registry.ledger.signers import KeystoreSigner
from registry.log.anchoring import Anchorer
from registry.log.cosigning import CosignatureCollector
from registry.log.engines.postgresql import PostgresEngine
from registry.log.http_witness import HttpWitness
from registry.log.metrics import PrometheusMeter
from registry.log.node import TREE_FOLDER, AccessNode
from registry.log.settings import LogSettings
from registry.log.witness import Witness
from registry.mirror import MirrorDevices, SqlMirror, SqlVault
from registry.mirror.answers import SqlAnswers
from registry.ports import (
    AnswerStore,
    Clock,
    DatabaseCorrupted,
    KeyUnusable,
    Ledger,
    Mirror,
    OperationalError,
    Signer,
    Vault,
)
from registry.services.identity import Issuer, TokenChecker
from registry.services.recorder import Recorder

CHAIN_FOLDER = "chain"
LOG_FOLDER = "log"
KEYS_FOLDER = "keys"
WITNESS_FOLDER = "witness"
REGISTER_FILE = "register.sqlite"
VAULT_FILE = "vault.sqlite"
JWKS_LIFETIME = timedelta(minutes=10)
JWKS_TIMEOUT_S = 5


@dataclass
class Node:
    """Everything a node works with; closing it releases files and locks.

    Attributes:
        signers: ledger keys this node holds, by party: its own, or in a sandbox everybody's.
        platforms: keys of the DSO platforms that sign setpoints, by DSO (held only where the platform runs).
        witness: this node as a witness of the logs that its settings name (LOG-2).
        cosigner: asks the witnesses of this node's own log.
        issuer: the local token issuer, None where tokens come from elsewhere.
        metrics: what this process counts, for Prometheus.
    """

    settings: Settings
    clock: Clock
    ledger: Ledger
    mirror: Mirror
    vault: Vault
    answers: AnswerStore
    log: AccessNode
    devices: MirrorDevices
    witness: Witness
    cosigner: CosignatureCollector
    keys: KeyRing
    tokens: TokenChecker
    issuer: Issuer | None
    admin: Signer | None
    metrics: CollectorRegistry
    signers: dict[int, Signer] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def recorder(self) -> Recorder:
        """What use cases work with."""
        return Recorder(self.ledger, self.mirror, self.vault, self.clock)

    @property
    def log_tree(self) -> Path:
        """The folder of the log's tiles and checkpoint, as any file server may serve it."""
        return self.settings.state / LOG_FOLDER / TREE_FOLDER

    def platform(self, dso: int) -> ec.EllipticCurvePrivateKey:
        """The key with which a DSO's platform signs setpoints (SET-1)."""
        return self.keys.p256(f"platform-{dso}")

    def anchorer(self, party: int) -> Anchorer:
        """Anchors this node's log in the name of an access node's party (LOG-2)."""
        return Anchorer(
            self.log,
            self.ledger,
            self.signers[party],
            party,
            self.settings.anchor_every_entries,
            self.settings.anchor_every_seconds,
            self.clock,
            self.cosigner,
            self.settings.anchor_wait_seconds,
        )

    def learn_keys(self) -> None:
        """Have the access node read all device keys, so that no first reading waits for its key."""
        self.log.learn_keys()

    def close(self) -> None:
        """Release files and locks."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_node(settings: Settings, clock: Clock) -> Node:
    """Open a node, or found a sandbox in an empty folder.

    Raises:
        OperationalError: what cannot be opened, told apart by its class; nothing stays locked then.
    """
    with ExitStack() as stack:
        keys = KeyRing(settings.state / KEYS_FOLDER)
        admin = keys.party("admin") if settings.sandbox else None
        ledger = _ledger(settings, clock, admin, stack)
        mirror = SqlMirror(register_url(settings), ledger)
        stack.callback(mirror.close)
        vault_url = settings.vault_url or f"sqlite:///{settings.state / VAULT_FILE}"
        vault = SqlVault(vault_url)
        stack.callback(vault.close)
        answers = SqlAnswers(vault_url)
        stack.callback(answers.close)
        mirror.catch_up()
        devices = MirrorDevices(mirror)
        platforms = PlatformKeys(mirror, keys)
        metrics = CollectorRegistry()
        ProcessCollector(registry=metrics)
        log = AccessNode(
            settings.state / LOG_FOLDER,
            devices,
            platforms,
            clock,
            keys.ed25519("log"),
            keys.p256("receipts"),
            LogSettings(
                settings.log_origin,
                AcceptanceRules(window_s=settings.acceptance_window_days * 86_400),
                verifiers=settings.verifiers,
            ),
            PrometheusMeter(metrics),
            (lambda: PostgresEngine(settings.log_url)) if settings.log_url else None,
        )
        stack.callback(log.close)
        _check_anchored(mirror, log)
        issuer = None if settings.jwks_url else Issuer(settings.token_issuer, keys.p256("issuer"))
        node = Node(
            settings=settings,
            clock=clock,
            ledger=ledger,
            mirror=mirror,
            vault=vault,
            answers=answers,
            log=log,
            devices=devices,
            witness=_witness(settings, keys, clock),
            cosigner=_cosigner(settings),
            keys=keys,
            tokens=TokenChecker(
                settings.token_issuer, _issuer_keys(settings, issuer), mirror, devices, clock.now
            ),
            issuer=issuer,
            admin=admin,
            metrics=metrics,
            signers=dict(_signers(settings, keys)),
        )
        node._stack = stack.pop_all()
        return node


def register_url(settings: Settings) -> str:
    """Where the mirror's database is."""
    return settings.register_url or f"sqlite:///{settings.state / REGISTER_FILE}"


class PlatformKeys:
    """Which DSO platform may command which POD: the platform of the connecting DSO (SET-1)."""

    def __init__(self, mirror: Mirror, keys: KeyRing) -> None:
        self._mirror = mirror
        self._keys = keys
        self._points: dict[int, bytes] = {}

    def platform_key(self, platform: bytes, pod_id: bytes) -> bytes | None:
        """The platform's public key (65 bytes) if it has this id and commands this POD."""
        pod = self._mirror.pod(pod_id)
        if pod is None:
            return None
        point = self._points.get(pod.dso)
        if point is None:
            public_key = self._keys.p256(f"platform-{pod.dso}").public_key()
            point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            self._points[pod.dso] = point
        return point if key_id(point[1:33], point[33:]) == platform else None


def _witness(settings: Settings, keys: KeyRing, clock: Clock) -> Witness:
    logs = [NoteKey.parse(text) for text in settings.witness_logs]
    return Witness(
        settings.state / WITNESS_FOLDER, settings.witness_name, keys.ed25519("witness"), logs, clock
    )


def _cosigner(settings: Settings) -> CosignatureCollector:
    pairs = (text.split(" ", 1) for text in settings.witnesses)
    witnesses = [HttpWitness(prefix, WitnessKey.parse(key)) for key, prefix in pairs]
    return CosignatureCollector(settings.state / LOG_FOLDER / TREE_FOLDER, witnesses)


def _ledger(settings: Settings, clock: Clock, admin: Signer | None, stack: ExitStack) -> Ledger:
    if settings.chain_url and settings.deployment is not None:
        return open_rpc(settings.chain_url, settings.deployment)
    embedded = open_embedded(settings.state / CHAIN_FOLDER, clock, admin)
    stack.callback(embedded.close)
    return embedded.ledger


def _check_anchored(mirror: Mirror, log: AccessNode) -> None:
    """The ledger has anchored no more of this log than is here: a lost or older log never goes on (LOG-2)."""
    size = log.size
    beyond = mirror.checkpoint_covering(log.log_id, size + 1)
    if beyond is not None:
        raise DatabaseCorrupted(
            found=f"a log of {size} entries",
            expected=f"{beyond.size} entries at least, as block {beyond.recorded.block_number} anchors",
            remedy="restore the newest copy of the log; never go on with this one",
        )


def _signers(settings: Settings, keys: KeyRing) -> Mapping[int, Signer]:
    if settings.keystore is None:
        return keys.parties()
    if not settings.keystore.is_dir():
        raise KeyUnusable(
            found=f"no folder {settings.keystore}",
            expected="a folder of keystores, <party>.json",
            remedy="correct FLEXLEDGER_KEYSTORE",
        )
    return {
        int(path.stem): KeystoreSigner(path, settings.keystore_passphrase)
        for path in sorted(settings.keystore.glob("*.json"))
        if path.stem.isdigit()
    }


def _issuer_keys(settings: Settings, issuer: Issuer | None) -> Any:
    if issuer is not None:
        public_key = issuer.key.public_key()
        return lambda _: public_key
    client = jwt.PyJWKClient(
        settings.jwks_url,
        cache_keys=True,
        lifespan=int(JWKS_LIFETIME.total_seconds()),
        timeout=JWKS_TIMEOUT_S,
    )

    def key_of(name: str) -> Any:
        try:
            return client.get_signing_key(name).key
        except jwt.PyJWKClientConnectionError as error:
            raise OperationalError(
                found=f"no keys at {settings.jwks_url}: {error}",
                expected="the key set of the token issuer",
                remedy="start the issuer, or correct FLEXLEDGER_JWKS_URL",
            ) from error

    return key_of
