"""Makes .venv: an interpreter, the hash-locked packages, the project. Runs on the machine's own Python.

1. Pick an interpreter the locks cover (3.11 to 3.13): the running one, else the first on the path.
2. If the stamp in .venv says that this lock and interpreter are installed already, stop.
3. Otherwise make .venv (afresh, unless only the dev tools are missing) and install the lock by hash.
4. Install the project in place, without dependencies and without any index: the build backend is locked too.
5. Write the stamp last, so that an interrupted run starts over.

Usage: python3 tools/setup_env.py {runtime,dev}

The syntax stays readable to Python 3.8, so that an old interpreter can still say what it lacks.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}
COVERED = ((3, 11), (3, 13))
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3")


class SetupError(Exception):
    """What is missing on this machine and what to do about it, in one line."""


def version_of(interpreter: str) -> tuple[int, int] | None:
    """Major and minor version of ``interpreter``, None if it does not run."""
    question = "import sys; print(sys.version_info[0], sys.version_info[1])"
    try:
        answer = subprocess.run(
            [interpreter, "-c", question], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor = answer.split()
    return int(major), int(minor)


def covered(version: tuple[int, int] | None) -> bool:
    """Whether the locks hold packages for that Python version."""
    return version is not None and COVERED[0] <= version <= COVERED[1]


def pick_interpreter(running: str = sys.executable, candidates: tuple[str, ...] = CANDIDATES) -> str:
    """The first interpreter the locks cover; raises SetupError naming those that were found.

    Links are followed: inside an activated .venv its base interpreter is meant, and .venv can be remade.
    """
    seen = []
    for name in (os.path.realpath(running), *candidates):
        path = shutil.which(name)
        if path is None:
            continue
        version = version_of(path)
        if covered(version):
            return path
        seen.append("{} ({})".format(path, "does not run" if version is None else "{}.{}".format(*version)))
    low, high = (".".join(map(str, end)) for end in COVERED)
    raise SetupError(
        f"Python {low} to {high} is needed; found {', '.join(seen) or 'none'}. Install one of them."
    )


def stamp_of(lock: Path, interpreter: str) -> str:
    """Identifies an installation: content of the lock, of the project's own metadata, and the interpreter."""
    digest = hashlib.sha256()
    for part in (
        lock.read_bytes(),
        (ROOT / "pyproject.toml").read_bytes(),
        os.path.realpath(interpreter).encode(),
    ):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def run(command: list[str], what: str) -> None:
    """Run a command, output shown; raises SetupError with ``what`` failed."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if status != 0:
        raise SetupError(f"{what} failed with status {status}")


def make_venv(venv: Path, interpreter: str) -> None:
    """A fresh virtual environment with pip; raises SetupError with the package that is missing on Debian."""
    try:
        run([interpreter, "-m", "venv", "--clear", str(venv)], "making the virtual environment")
    except SetupError as error:
        raise SetupError(f"{error}; on Debian and Ubuntu: apt-get install python3-venv") from None


def ensure(kind: str, venv: Path) -> bool:
    """Bring ``venv`` to the state of the lock ``kind``; returns whether anything had to be done."""
    interpreter = pick_interpreter()
    stamps = {each: venv / f".installed-{each}" for each in LOCKS}
    wanted = {each: stamp_of(ROOT / lock, interpreter) for each, lock in LOCKS.items()}

    def current(each: str) -> bool:
        return stamps[each].exists() and stamps[each].read_text() == wanted[each]

    if current(kind) or current("dev"):  # the dev lock holds all of the runtime lock
        return False

    started = time.monotonic()
    print(f"setting up {venv.name} for {kind} with {interpreter}", flush=True)
    if not current("runtime"):
        make_venv(venv, interpreter)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", LOCKS[kind]], f"installing {LOCKS[kind]}")
    run([*pip, "--no-index", "--no-deps", "--no-build-isolation", "-e", "."], "installing the project")
    stamps[kind].write_text(wanted[kind])
    print(f"set up in {time.monotonic() - started:.0f} s", flush=True)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Make .venv from the hash-locked requirements.")
    parser.add_argument("kind", choices=sorted(LOCKS))
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    options = parser.parse_args(arguments)
    try:
        ensure(options.kind, options.venv)
    except SetupError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
