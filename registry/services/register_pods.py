"""A BSP registers PODs at the one entry point (POD-1, PRIV-1)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.domain.commands import RegisterPods
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import SALT_LENGTH, canonical_json, commitment, pod_id, validate_pod_code
from registry.domain.pods import PodCategory, Registration, VoltageLevel
from registry.domain.quantities import MAX_KW
from registry.ports import PodSecret, Receipt, Signer, Vault
from registry.services.recorder import Recorder

PODS_PER_TRANSACTION = 100
POSITION = r"^-?[0-9]{1,2}\.[0-9]{1,6},-?[0-9]{1,3}\.[0-9]{1,6}$"
"""Latitude and longitude in degrees."""
ACTIVATION_TIME_MAX_S = 86_400
TECHNOLOGIES_MAX = 20
TECHNOLOGY_LENGTH_MAX = 40


@dataclass(frozen=True, slots=True)
class PodApplication:
    """What a BSP says about a POD (D4.1 Table 6). Powers in kW; ``position`` is latitude and longitude in
    degrees, as text.
    """

    pod_code: str
    dso: int
    category: PodCategory
    voltage: VoltageLevel
    up_kw: int
    down_kw: int
    activation_time_s: int
    position: str
    technologies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be registered and the rule it breaks; rows of a request count from 0, those of a file
    by its lines.
    """

    row: int
    violation: RuleViolation


class ApplicationsInvalid(RuleViolation):
    """Rows of a batch are invalid; none was registered. ``rows`` names each."""

    def __init__(self, rows: Sequence[RowError]) -> None:
        self.rows = tuple(rows)
        first = rows[0].violation
        super().__init__(
            rule=first.rule,
            field=f"row {rows[0].row}: {first.field}",
            found=first.found,
            allowed=first.allowed,
            hint=f"{len(rows)} rows are invalid and none was registered",
        )


@dataclass(frozen=True, slots=True)
class Registered:
    """The pseudonyms given, in the order of the applications, and the transactions that recorded them."""

    pod_ids: tuple[bytes, ...]
    receipts: tuple[Receipt, ...]


def register_pods(
    recorder: Recorder, bsp: int, signer: Signer, applications: Sequence[PodApplication]
) -> Registered:
    """Register a batch of PODs.

    1. Every row is checked; one bad row refuses the batch, with all bad rows named.
    2. Codes, salts and private fields go to the vault first: nothing on the ledger may lack its opening.
    3. Registrations go to the ledger in transactions of 100; for what the ledger refuses
    the vault is as it was.

    A POD code keeps its pseudonym while the vault knows it, so that the ledger itself refuses a second
    active registration.

    Raises:
        ApplicationsInvalid: POD-1, with the rows at fault.
        RuleViolation: POD-1 or ACT-1, from the ledger.
    """
    # 1. rows
    errors = [
        RowError(row, error)
        for row, error in enumerate(_violations(recorder, applications))
        if error is not None
    ]
    if errors:
        raise ApplicationsInvalid(errors)
    # 2. vault
    secrets_ = [secret_of(bsp, each, _kept(recorder.vault, each.pod_code)) for each in applications]
    before = {secret.pod_id: recorder.vault.pod(secret.pod_id) for secret in secrets_}
    recorder.vault.put_pods(secrets_)
    # 3. ledger
    registrations = [
        registration_of(application, secret)
        for application, secret in zip(applications, secrets_, strict=True)
    ]
    receipts: list[Receipt] = []
    for start in range(0, len(registrations), PODS_PER_TRANSACTION):
        batch = tuple(registrations[start : start + PODS_PER_TRANSACTION])
        try:
            receipts.append(recorder.record(RegisterPods(bsp, batch), signer))
        except RuleViolation:
            _take_back(recorder.vault, {r.pod_id: before[r.pod_id] for r in registrations[start:]})
            raise
    return Registered(tuple(secret.pod_id for secret in secrets_), tuple(receipts))


def _take_back(vault: Vault, before: Mapping[bytes, PodSecret | None]) -> None:
    """Bring the vault back to what it held: another BSP's entry again, or none."""
    vault.put_pods([kept for kept in before.values() if kept is not None])
    for fresh, kept in before.items():
        if kept is None:
            vault.erase_pod(fresh)


def _violations(recorder: Recorder, applications: Sequence[PodApplication]) -> list[RuleViolation | None]:
    seen: set[str] = set()
    found: list[RuleViolation | None] = []
    for application in applications:
        try:
            _check(recorder, application, seen)
            found.append(None)
        except RuleViolation as error:
            found.append(error)
        seen.add(application.pod_code)
    return found


def _check(recorder: Recorder, application: PodApplication, seen: set[str]) -> None:
    validate_pod_code(application.pod_code)
    if application.pod_code in seen:
        raise RuleViolation(
            rule="POD-1", field="pod_code", found=application.pod_code, allowed="each POD once in a batch"
        )
    for name in ("up_kw", "down_kw"):
        if not 0 <= getattr(application, name) <= MAX_KW:
            raise RuleViolation(
                rule="POD-1", field=name, found=getattr(application, name), allowed=f"0 .. {MAX_KW} kW"
            )
    if application.up_kw == 0 and application.down_kw == 0:
        raise RuleViolation(
            rule="POD-1", field="up_kw", found="0 kW up and down", allowed="power in at least one direction"
        )
    known = recorder.vault.pod_id_of(application.pod_code)
    registered = recorder.mirror.pod(known) if known is not None else None
    if registered is not None and not registered.withdrawn:
        raise registered_already(application.pod_code)


def registered_already(pod_code: str) -> RuleViolation:
    """The refusal of a POD that has an active registration (POD-1)."""
    return RuleViolation(
        rule="POD-1",
        field="pod_code",
        found=f"{pod_code}, registered already",
        allowed="one active registration per POD",
        hint="the BSP responsible now withdraws it first",
    )


def _kept(vault: Vault, pod_code: str) -> PodSecret | None:
    known = vault.pod_id_of(pod_code)
    return None if known is None else vault.pod(known)


def secret_of(bsp: int, application: PodApplication, kept: PodSecret | None) -> PodSecret:
    """What the vault is to hold of a POD; ``kept``: what it holds of that POD's code now."""
    salt = kept.salt if kept is not None else secrets.token_bytes(SALT_LENGTH)
    payload = {
        "kind": "pod",
        "position": application.position,
        "technologies": list(application.technologies),
    }
    return PodSecret(pod_id(salt, application.pod_code), application.pod_code, salt, payload, bsp)


def registration_of(application: PodApplication, secret: PodSecret) -> Registration:
    return Registration(
        pod_id=secret.pod_id,
        dso=application.dso,
        category=application.category,
        voltage=application.voltage,
        up_kw=application.up_kw,
        down_kw=application.down_kw,
        activation_time_s=application.activation_time_s,
        payload_hash=commitment(secret.salt, canonical_json(dict(secret.payload))),
    )
