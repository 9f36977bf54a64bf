"""How the rooms are put together into a running node."""

from registry.bootstrap.clocks import SettableClock, SystemClock
from registry.bootstrap.keys import KeyRing
from registry.bootstrap.node import Node, open_node
from registry.bootstrap.tokens import sandbox_token

__all__ = ["KeyRing", "Node", "SettableClock", "SystemClock", "open_node", "sandbox_token"]
