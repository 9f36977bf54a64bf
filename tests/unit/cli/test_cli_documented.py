"""The page of the command line says what the program does: commands, exit statuses, settings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from registry.cli.bench.app import COMMANDS as BENCHES
from registry.cli.deferred import Deferred
from registry.cli.main import COMMANDS, app
from registry.cli.outcome import EPILOG, EXIT_DEMO, EXIT_DONE, EXIT_FAILED, EXIT_REFUSED
from registry.config import Settings

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
STATUSES = {EXIT_DONE, EXIT_FAILED, EXIT_REFUSED, EXIT_DEMO}


def leaves() -> dict[str, object]:
    """All commands by the words that call them."""
    found: dict[str, object] = {}

    def walk(words: tuple[str, ...], command: object) -> None:
        command = command.load() if isinstance(command, Deferred) else command
        parts = getattr(command, "commands", None)
        if parts is None:
            found[" ".join(words)] = command
        else:
            for name, part in parts.items():
                walk((*words, name), part)

    walk((), get_command(app))
    return found


def test_every_command_and_option_is_on_the_page() -> None:
    listed = dict(
        re.findall(
            r"^\| `flexledger "
            r"((?:log |bench |devices |pods |offers |agreements |dso perimeters |dso )?[a-z]+)([^`]*)`",
            PAGE,
            re.M,
        )
    )
    commands = leaves()
    assert listed.keys() == commands.keys()
    del commands["pgui"]  # its words are another program's
    for name, command in commands.items():
        options = {option for parameter in command.params for option in parameter.opts if "--" in option}
        assert set(re.findall(r"--[a-z][a-z-]*", listed[name])) == options - {"--help"}, name


def test_exit_statuses_are_on_the_page_and_in_the_help() -> None:
    assert {int(status) for status in re.findall(r"^\| (\d) \|", PAGE, re.M)} == STATUSES
    assert {
        int(status) for status in re.findall(r"(\d) (?:done|something|refused|the demo)", EPILOG)
    } == STATUSES


@pytest.mark.parametrize("words", ["", *(name for name in leaves() if name != "pgui")])
def test_the_help_of_every_command_ends_with_them(words: str) -> None:
    shown = CliRunner().invoke(app, [*words.split(), "--help"], env={"COLUMNS": "100"})
    assert shown.exit_code == EXIT_DONE
    assert EPILOG in " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown.output).split())


def test_every_setting_is_on_the_page_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `FLEXLEDGER_([A-Z_]+)` \| ([^|]+) \|", PAGE, re.M))
    expected = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        text = "none" if default is None else "empty" if default == "" else f"`{default}`"
        expected[name.upper()] = text
    assert listed == expected


@pytest.mark.parametrize("command", [*COMMANDS, *BENCHES], ids=lambda command: str(command.name))
def test_a_list_says_of_a_command_what_its_own_help_says(command: Deferred) -> None:
    own = command.load().help.split("\n\n")[0]
    assert " ".join(own.split()) == command.help


@pytest.mark.parametrize("words", [(), ("bench",)])
def test_a_list_of_commands_needs_none_of_their_code(words: tuple[str, ...]) -> None:
    heavy = {"web3", "eth", "sqlalchemy", "fastapi", "power_grid_model", "scipy", "numpy"}
    program = (
        "import sys; from registry.cli.main import app; "
        f"app({[*words, '--help']!r}, standalone_mode=False); "
        f"print('loaded:', *({heavy!r} & sys.modules.keys()))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1].split() == ["loaded:"]
