"""Commands whose code is imported when they are called: `flexledger --help` needs neither chain nor power
flow. What a list says of a command is its help too, so that it stands in one place.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from registry.cli.outcome import OneLineGroup


class Deferred(TyperCommand):
    """Stands for a command in the list of its group until it is called.

    Attributes:
        place: `module:attribute` of the Typer application that has it.
        within: whether it is one of the application's commands, or the application as a group.
    """

    def __init__(self, name: str, place: str, help: str, *, within: bool = True) -> None:
        super().__init__(name, help=help)
        self.place = place
        self.within = within

    def load(self) -> Any:
        """The command itself, with the help that its list has."""
        module, _, attribute = self.place.partition(":")
        group = get_group(getattr(import_module(module), attribute))
        command = group.commands[str(self.name)] if self.within else group
        command.help = self.help
        return command

    def make_context(self, *given: Any, **named: Any) -> Any:
        """The context of the command itself, so that it is what is invoked."""
        return self.load().make_context(*given, **named)


def group_of(commands: Iterable[Deferred]) -> type[TyperGroup]:
    """The class of a group that begins with these commands."""

    class DeferringGroup(OneLineGroup):
        def __init__(self, **named: Any) -> None:
            super().__init__(**named)
            self.commands = {**{str(command.name): command for command in commands}, **self.commands}

    return DeferringGroup
