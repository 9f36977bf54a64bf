"""How a command ends: its exit status, and one clear line where it cannot go on.

0   done
1   something around the program is not as it must be: a folder, database, chain, port, key or setting
2   refused: the command line or a file it names is wrong, a rule forbids it, or a check fails
3   the demo did not go as it must
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from pydantic import ValidationError
from rich.console import Console
from typer.core import TyperGroup

from registry.config import first_fault
from registry.domain.errors import RuleViolation
from registry.ports import OperationalError

EXIT_DONE, EXIT_FAILED, EXIT_REFUSED, EXIT_DEMO = 0, 1, 2, 3
EPILOG = (
    "Exit status: 0 done; 1 something around the program is not as it must be (folder, database, chain, "
    "port, key, setting); 2 refused: the command line or a file it names is wrong, a rule forbids it, or "
    "a check fails; 3 the demo did not go as it must."
)
_errors = Console(stderr=True)


class DemoFailed(Exception):
    """The demo did not go as it must: what the ledger had to refuse was accepted, or the other way round."""


class OneLineGroup(TyperGroup):
    """Commands whose wrong use is answered by one line, like every other failure."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; as :meth:`TyperGroup.main` but for how wrong use is shown."""
        try:
            status = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.TyperException as error:
            if not standalone_mode:
                raise
            # Without a text the help was shown instead.
            if text := error.format_message():
                say(text)
            status = error.exit_code
        except typer.Abort:
            if not standalone_mode:
                raise
            say("aborted")
            status = EXIT_FAILED
        if not standalone_mode:
            return status
        sys.exit(status if isinstance(status, int) else EXIT_DONE)


@contextmanager
def one_clear_line() -> Iterator[None]:
    """Turn what rooms raise into a line on stderr and an exit status."""
    try:
        yield
    except RuleViolation as error:
        _end(str(error), EXIT_REFUSED)
    except OperationalError as error:
        _end(str(error), EXIT_FAILED)
    except DemoFailed as error:
        _end(f"the demo failed: {error}", EXIT_DEMO)
    except ValidationError as error:
        _end(first_fault(error), EXIT_FAILED)
    except OSError as error:
        _end(f"{error.filename}: {error.strerror}" if error.filename else str(error), EXIT_FAILED)
    except ValueError as error:
        _end(str(error), EXIT_FAILED)


def say(text: str) -> None:
    """One line on stderr, whatever the text holds."""
    line = " ".join(text.split())
    _errors.print(f"flexledger: {line}", style="red", highlight=False, markup=False, soft_wrap=True)


def _end(text: str, status: int) -> None:
    say(text)
    raise typer.Exit(status)
