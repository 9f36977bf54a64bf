"""`python -m api`.

Serve the API over a node's folder. Settings come from the environment (see `registry.config`).
"""

from __future__ import annotations

import errno
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from types import FrameType

from pydantic import ValidationError

from registry.config import Settings, first_fault
from registry.domain.errors import InputInvalid, RuleViolation
from registry.ports import OperationalError, PortInUse


def main() -> int:
    """Serve until interrupted; 1 with one clear line if the node cannot be opened."""
    signal.signal(signal.SIGTERM, _interrupt)
    # Asked to stop while the node opens, it has nothing to finish.
    with suppress(KeyboardInterrupt):
        return _serve()
    return 0


def _serve() -> int:
    try:
        settings = Settings()
        listener = _listen(settings.host, settings.port, "FLEXLEDGER_PORT")
        door = (
            _listen(settings.host, settings.intake_port, "FLEXLEDGER_INTAKE_PORT")
            if settings.fronts
            else None
        )
        # The rooms take seconds to load; what is wrong with the settings is said before.
        from api.app import create_app
        from api.fronts import Fronts
        from api.server import Server
        from registry.bootstrap import SystemClock, open_node

        node = open_node(settings, SystemClock())
    except ValidationError as error:
        return _fail(first_fault(error))
    except (OperationalError, RuleViolation, OSError) as error:
        return _fail(str(error))
    with ExitStack() as stack:
        stack.enter_context(node)
        stack.enter_context(listener)
        host, port = listener.getsockname()[:2]
        sys.stderr.write(f"FlexLedger serves {settings.state} on http://{host}:{port}/docs\n")
        if door is not None:
            stack.enter_context(door)
            stack.enter_context(Fronts(node.log, door, settings.fronts, node.clock))
            sys.stderr.write(f"and takes statements on http://{host}:{door.getsockname()[1]}/v1/statements\n")
        app = create_app(node)
        # The server ends in order and then passes the signal on.
        with suppress(KeyboardInterrupt):
            Server(app, app.state.streams.close).run(sockets=[listener])
    return 0


def _listen(host: str, port: int, setting: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _no_address(host, setting, error) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                found=f"a program that listens on {host}:{port}",
                expected="a free port",
                remedy=f"stop the other program or set {setting}",
            ) from error
        raise _no_address(host, setting, error) from error
    return listener


def _no_address(host: str, setting: str, error: OSError) -> InputInvalid:
    return InputInvalid(
        rule="API-1",
        field=f"FLEXLEDGER_HOST and {setting}",
        found=f"{host}: {error.strerror}",
        allowed="an address of this machine and a port that this user may open",
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fail(text: str) -> int:
    sys.stderr.write(f"flexledger: {' '.join(text.split())}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
