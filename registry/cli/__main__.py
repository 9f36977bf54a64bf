"""`python -m registry.cli`: the same as `flexledger`."""

from registry.cli.main import app

app()
