"""A BSP claims PODs that another BSP is responsible for: a switch of supplier (POD-5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.domain.commands import ClaimPods
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import validate_pod_code
from registry.domain.pods import PodClaim
from registry.ports import Receipt, Signer
from registry.services.recorder import Recorder
from registry.services.sealing import seal


@dataclass(frozen=True, slots=True)
class ClaimWish:
    """A POD by its code, which the customer told, and how the BSP refers to the customer's mandate."""

    pod_code: str
    mandate: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """The pseudonyms of the claimed PODs, in the order of the wishes, and the transaction."""

    pod_ids: tuple[bytes, ...]
    receipt: Receipt


def claim_pods(recorder: Recorder, bsp: int, signer: Signer, wishes: Sequence[ClaimWish]) -> Claimed:
    """Claim PODs, all or none; the connecting DSO then hands them over.

    The mandate goes to the vault, where the claiming BSP and the DSO can open it, and its commitment to the
    ledger.

    Raises:
        RuleViolation: POD-1 for a code that is none, POD-5 for a POD that nobody has registered, POD-5 or
            ACT-1 from the ledger.
    """
    known = [_registered(recorder, wish.pod_code) for wish in wishes]
    claims = tuple(
        PodClaim(
            pod_id,
            seal(
                recorder.vault,
                {"kind": "mandate", "reference": wish.mandate},
                (bsp, dso),
                pod_id=pod_id,
            ),
        )
        for (pod_id, dso), wish in zip(known, wishes, strict=True)
    )
    receipt = recorder.record(ClaimPods(bsp, claims), signer)
    return Claimed(tuple(pod_id for pod_id, _ in known), receipt)


def _registered(recorder: Recorder, pod_code: str) -> tuple[bytes, int]:
    """The pseudonym of a registered POD and its connecting DSO."""
    pod_id = recorder.vault.pod_id_of(validate_pod_code(pod_code))
    pod = recorder.mirror.pod(pod_id) if pod_id is not None else None
    if pod is None or pod.withdrawn:
        raise RuleViolation(
            rule="POD-5",
            field="pod_code",
            found=f"{pod_code}, for which no BSP is responsible",
            allowed="a POD that another BSP has registered",
            hint="register it",
        )
    return pod.pod_id, pod.dso
