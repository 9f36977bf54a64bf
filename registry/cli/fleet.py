"""`flexledger pgui`: the simulated devices, a program of their own, from the same command line (PGU-1,
PGU-2). It shares no code with the register, so it takes this process's place.
"""

from __future__ import annotations

import os
import sys

import typer


def pgui(context: typer.Context) -> None:
    """Simulated PGUIs: fleet, make-fleet, run, bench; all arguments go to `python -m pgui_sim`."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pgui_sim", *context.args])


def add_pgui(app: typer.Typer) -> None:
    """Add the command; options, `--help` among them, are the other program's."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("pgui", context_settings=settings, add_help_option=False)(pgui)
