"""The whole ledger as a reference in memory.

The same commands, the same events, the same refusals as the contracts.

It is the oracle that the contracts are tested against, and what services ask before they send a command.
"""

from __future__ import annotations

from registry.domain.rulebook.rulebook import Rulebook

__all__ = ["Rulebook"]
