"""`flexledger serve`: the API takes this process's place."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from registry.cli.nodes import require_node
from registry.cli.options import State
from registry.cli.outcome import EPILOG, one_clear_line
from registry.config import DEFAULT_STATE, Settings

serve_app = typer.Typer()


@serve_app.command(epilog=EPILOG)
def serve(
    state: State = DEFAULT_STATE,
    host: Annotated[str, typer.Option(envvar="FLEXLEDGER_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="FLEXLEDGER_PORT", min=0, max=65_535, help="0 takes any free one.")
    ] = 8000,
) -> None:
    """`flexledger serve`."""
    with one_clear_line():
        settings = Settings(state=state, host=host, port=port)
        if not settings.chain_url:
            require_node(settings)
        own = {"FLEXLEDGER_STATE": str(state), "FLEXLEDGER_HOST": host, "FLEXLEDGER_PORT": str(port)}
        os.execve(sys.executable, [sys.executable, "-m", "api"], {**os.environ, **own})
