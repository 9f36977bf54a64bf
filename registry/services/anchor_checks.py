"""Anchored checkpoints against the log: each grew out of the one before it (LOG-2)."""

from __future__ import annotations

from itertools import pairwise

from registry.domain.errors import RuleViolation
from registry.evidence.merkle import verify_consistency
from registry.ports import MeasurementLog, Mirror
from registry.services.recorder import every


def anchored_roots(mirror: Mirror, log_id: bytes) -> dict[int, bytes]:
    """The roots that the ledger holds of a log, by size, ascending."""
    anchors = every(lambda after, limit: mirror.checkpoints(log_id=log_id, after=after, limit=limit))
    return dict(sorted((anchor.size, anchor.root) for anchor in anchors))


def growth_proofs(mirror: Mirror, log: MeasurementLog) -> tuple[tuple[bytes, ...], ...]:
    """One consistency proof between each two anchored sizes that follow each other."""
    sizes = list(anchored_roots(mirror, log.log_id))
    return tuple(tuple(log.consistency_proof(old, new)) for old, new in pairwise(sizes))


def check_anchors(mirror: Mirror, log: MeasurementLog) -> int:
    """Hold every anchor of the log against the one before it; returns their number.

    Raises:
        RuleViolation: LOG-2, naming the first anchor that did not grow out of the one before it.
    """
    roots = anchored_roots(mirror, log.log_id)
    for (old, new), path in zip(pairwise(roots), growth_proofs(mirror, log), strict=True):
        try:
            verify_consistency(old, new, roots[old], roots[new], path)
        except RuleViolation as violation:
            raise RuleViolation(
                rule="LOG-2",
                field=f"anchor of size {new}",
                found=str(violation),
                allowed=f"one that grew from the anchor of size {old}",
                hint="the log was rewritten, or another one was anchored: stop it and keep both",
            ) from violation
    return len(roots)
