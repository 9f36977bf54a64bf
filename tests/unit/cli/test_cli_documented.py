"""The page of the command line says what the program does: commands, exit statuses, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from registry.cli.main import app
from registry.cli.outcome import EPILOG, EXIT_DEMO, EXIT_DONE, EXIT_FAILED, EXIT_REFUSED
from registry.config import Settings

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
STATUSES = {EXIT_DONE, EXIT_FAILED, EXIT_REFUSED, EXIT_DEMO}


def leaves() -> dict[str, object]:
    """All commands by the words that call them."""
    found: dict[str, object] = {}

    def walk(words: tuple[str, ...], command: object) -> None:
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
            r"^\| `flexledger ((?:log |bench |devices |pods |dso perimeters |dso )?[a-z]+)([^`]*)`",
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
