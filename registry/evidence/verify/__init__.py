"""Offline verification of an evidence bundle (AUD-1): from bytes to a list of checks and the figures they
support.
"""

from __future__ import annotations

from registry.evidence.verify.procedure import verify_bundle, verify_bundle_bytes
from registry.evidence.verify.report import Check, Report, Trust

__all__ = ["Check", "Report", "Trust", "verify_bundle", "verify_bundle_bytes"]
