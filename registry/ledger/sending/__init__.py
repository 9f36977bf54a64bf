"""Many transactions of one key, signed ahead and under way at once."""

from registry.ledger.sending.commands import CommandSender

__all__ = ["CommandSender"]
