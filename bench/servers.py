"""Servers that benchmarks and test sessions start and end themselves: PostgreSQL and anvil, on loopback, in
throw-away folders.
"""

from __future__ import annotations

import contextlib
import os
import platform
import pwd
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
UNPRIVILEGED_USERS = ("postgres", "nobody")
DATABASE = "flexledger"
_ANVIL_LISTENS = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")


class MissingProgram(Exception):
    """The program is not installed; the message says which, in words a report can show."""


class ServerFailed(Exception):
    """The program is there and did not start; the message carries what it said."""


def find_program(name: str, folders: list[Path]) -> Path | None:
    """First executable ``name`` in ``folders``, then on the path."""
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


class _OwnedServer:
    """A child process and its folder; both are gone after the ``with`` block."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, url: str) -> None:
        self.process = process
        self.folder = folder
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def end(process: subprocess.Popen[str]) -> None:
    """Interrupt a process of ours and wait for it; kill it if it does not listen."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


# ---------------------------------------------------------------------------------------------- PostgreSQL


class PostgresServer(_OwnedServer):
    """PostgreSQL with an empty database ``flexledger``, trust authentication on loopback."""

    @classmethod
    def start(cls, *, durable: bool) -> PostgresServer:
        """``durable``: commits are on the disk before they are answered, as in production; tests that are not
        about that are quicker without. Raises MissingProgram without server binaries, ServerFailed when
        they do not come up."""
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        initdb, postgres = find_program("initdb", programs), find_program("postgres", programs)
        if initdb is None or postgres is None:
            raise MissingProgram("no PostgreSQL server binaries (initdb, postgres)")
        identity = unprivileged_identity()
        folder = Path(tempfile.mkdtemp(prefix="flexledger-pg-"))
        if identity:
            os.chown(folder, identity["user"], identity["group"])
        try:
            return cls._start_in(folder, initdb, postgres, identity, durable=durable)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @classmethod
    def _start_in(
        cls, folder: Path, initdb: Path, postgres: Path, identity: dict[str, int], *, durable: bool
    ) -> PostgresServer:
        data = folder / "data"
        made = subprocess.run(
            [initdb, "-D", data, "-U", DATABASE, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
            **identity,  # type: ignore[call-overload]
        )
        if made.returncode != 0:
            raise ServerFailed(f"initdb: {made.stderr.strip()}")
        port = free_port()
        hasty = () if durable else ("fsync=off", "full_page_writes=off")
        options = (
            *hasty,
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={folder}",
        )
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [
                    postgres,
                    "-D",
                    data,
                    "-p",
                    str(port),
                    *(word for option in options for word in ("-c", option)),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=folder,
                **identity,  # type: ignore[call-overload]
            )
        try:
            wait_for_database(process, port, folder / "log")
        except BaseException:
            end(process)
            raise
        return cls(process, folder, f"postgresql+psycopg://{DATABASE}@127.0.0.1:{port}/{DATABASE}")


def unprivileged_identity() -> dict[str, int]:
    """``user`` and ``group`` for subprocess when we are root, whom PostgreSQL refuses; else empty."""
    if os.geteuid() != 0:
        return {}
    for name in UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            return {"user": account.pw_uid, "group": account.pw_gid}
    raise MissingProgram(f"no unprivileged user to run PostgreSQL as ({', '.join(UNPRIVILEGED_USERS)})")


def free_port() -> int:
    """A TCP port of loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_database(process: subprocess.Popen[str], port: int, log: Path) -> None:
    """Wait until the server answers and create the database; raises ServerFailed with the server's log."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with psycopg.connect(
                host="127.0.0.1", port=port, user=DATABASE, dbname="postgres", autocommit=True
            ) as db:
                db.execute(f"CREATE DATABASE {DATABASE}")
                return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"postgres: {log.read_text(errors='replace').strip()}") from None
            time.sleep(0.05)


# --------------------------------------------------------------------------------------------------- anvil


class Anvil(_OwnedServer):
    """A development chain that picks its own free port and keeps its cache in its own folder."""

    @classmethod
    def start(cls, root: Path, *options: str, states: int = 0) -> Anvil:
        """``options`` are anvil's own; ``states``: how many past states it keeps, more than the deepest
        reorganisation that is asked of it. Raises MissingProgram without anvil, ServerFailed when it does not
        come up.
        """
        modules = [
            root / "node_modules",
            *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))),
        ]
        fits = (platform.system(), platform.machine()) == ("Linux", "x86_64")
        folders = [each / "@foundry-rs" / "anvil-linux-amd64" / "bin" for each in modules if fits]
        anvil = find_program("anvil", folders)
        if anvil is None:
            raise MissingProgram(
                "no anvil in node_modules nor on the path" if shutil.which("node") else "no node"
            )
        folder = Path(tempfile.mkdtemp(prefix="flexledger-anvil-"))
        process = subprocess.Popen(
            [
                anvil,
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--hardfork",
                "osaka",
                "--prune-history",
                *([str(states)] if states else []),
                "--cache-path",
                folder,
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            env={**os.environ, "HOME": str(folder), "NO_COLOR": "1"},
        )
        try:
            port = port_from_output(process)
        except BaseException:
            end(process)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(process, folder, f"http://127.0.0.1:{port}")


def port_from_output(process: subprocess.Popen[str]) -> int:
    """The port anvil announces; goes on draining its output so that it never blocks. Raises ServerFailed."""
    announced: queue.Queue[int | None] = queue.Queue()
    said: list[str] = []

    def drain() -> None:
        with contextlib.suppress(ValueError):  # the pipe was closed at the end of the session
            for line in process.stdout or ():
                said.append(line)
                del said[:-200]
                match = _ANVIL_LISTENS.search(line)
                if match:
                    announced.put(int(match[1]))
        announced.put(None)

    threading.Thread(target=drain, daemon=True, name="anvil-output").start()
    with contextlib.suppress(queue.Empty):
        port = announced.get(timeout=START_TIMEOUT_S)
        if port is not None:
            return port
    raise ServerFailed(f"anvil: {''.join(said).strip()}")
