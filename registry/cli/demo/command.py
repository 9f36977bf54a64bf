"""`flexledger demo`."""

from __future__ import annotations

import typer
from rich.console import Console

from registry.cli.demo.run import run_demo
from registry.cli.options import State
from registry.cli.outcome import EPILOG, one_clear_line
from registry.config import DEFAULT_STATE

demo_app = typer.Typer()
console = Console()


@demo_app.command(epilog=EPILOG)
def demo(
    state: State = DEFAULT_STATE,
) -> None:
    """`flexledger demo`."""
    with one_clear_line():
        report = run_demo(state, console)
        console.rule("[bold green]done", align="left")
        say(
            f"  {report['pods']} PODs, {report['readings_certified']} certified readings, "
            f"{len(report['refusals'])} refusals, {len(report['settlements'])} settlements, "
            f"in {report['seconds']['all']:.0f} s"
        )
        say(f"  report: {state / 'report.json'}; serve it: flexledger serve --state {state}")


def say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
