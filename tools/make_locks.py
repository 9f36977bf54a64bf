"""Resolves requirements*.in into requirements*.lock: versions with hashes, no addresses, Python 3.11 to 3.13.

The runtime lock is resolved first and binds that of the checks, so that what is tested is what runs. Fixtures
are made, and the contracts analysed, in environments of their own (pandapower and Slither ask for older
packages), hence resolved on their own; so is the fuzzer, which not every machine can install.

Usage: python3 tools/make_locks.py    (needs `uv` on the path)
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = "requirements"
CHECKS = "requirements-dev"
FIXTURES = "requirements-fixtures"
SLITHER = "requirements-slither"
FUZZ = "requirements-fuzz"
OPTIONS = (
    "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-header", "--no-emit-index-url", "--no-annotate", "--quiet",
)  # fmt: skip


def compile_lock(uv: str, name: str, *options: str) -> None:
    """Resolve ``name``.in into ``name``.lock; raises CalledProcessError when it cannot be resolved."""
    command = [uv, "pip", "compile", *OPTIONS, *options, f"{name}.in", "--output-file", f"{name}.lock"]
    subprocess.run(command, cwd=ROOT, check=True)
    print(f"{name}.lock written")


def main() -> int:
    """Command line; returns the exit status."""
    uv = shutil.which("uv")
    if uv is None:
        print("locks: `uv` is not on the path; install it and say `make locks` again", file=sys.stderr)
        return 1
    try:
        compile_lock(uv, RUNTIME)
        compile_lock(uv, CHECKS, "--constraint", f"{RUNTIME}.lock")
        compile_lock(uv, FIXTURES)
        compile_lock(uv, SLITHER)
        compile_lock(uv, FUZZ)
    except subprocess.CalledProcessError as error:
        print(f"locks: uv ended with status {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
