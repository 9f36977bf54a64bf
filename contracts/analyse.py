"""Runs Slither over contracts/src, in one compilation with the compiler's settings of contracts/compile.py:
whatever it finds is a failure, and what it is told to leave out stands in README.md with the reason.

Usage: python -m contracts.analyse SLITHER
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from contracts.compile import COMPILER, CONTRACTS, SETTINGS, CompilationFailed, collect_sources, node_modules

INPUT = "contracts.json"
CONFIG = CONTRACTS / "slither.config.json"
OUTPUTS = {
    "*": {
        "": ["ast"],
        "*": ["abi", "metadata", "devdoc", "userdoc", "evm.bytecode", "evm.deployedBytecode"],
    }
}


def main(slither: str) -> int:
    """Exit status: 0 if nothing is found."""
    try:
        packages = node_modules()
        sources = collect_sources(packages)
    except CompilationFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {**SETTINGS, "outputSelection": OUTPUTS},
    }
    with tempfile.TemporaryDirectory() as folder:
        # Slither wants to read from disk, under the names by which the sources import each other.
        for name, text in sources.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        Path(folder, INPUT).write_text(json.dumps(request), encoding="utf-8")
        command = [slither, INPUT, "--compile-force-framework", "Solc-json", "--solc", str(COMPILER)]
        command += ["--config-file", str(CONFIG)]
        environment = {**os.environ, "NODE_PATH": str(packages)}
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(str(Path(sys.argv[1]).absolute())))
