"""The commands of `flexledger dso`."""

from __future__ import annotations

import typer

from registry.cli.dso.curves import curves, year
from registry.cli.dso.draw import draw
from registry.cli.dso.expost import expost
from registry.cli.dso.lights import lights
from registry.cli.dso.merit import merit
from registry.cli.dso.perimeters import perimeters_app
from registry.cli.outcome import EPILOG

dso_app = typer.Typer(no_args_is_help=True, epilog=EPILOG)
for command in (lights, curves, year, expost, draw, merit):
    dso_app.command(command.__name__, epilog=EPILOG)(command)
dso_app.add_typer(perimeters_app, name="perimeters")
