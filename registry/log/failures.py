"""Failures of disk and database, told apart and named: every error of the outside world becomes one of
``registry.ports``.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.ports import AlreadyInUse, DatabaseCorrupted, DatabaseUnreachable, DiskFull

_FULL = {errno.ENOSPC, errno.EDQUOT}
_UNREACHABLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
}


@contextmanager
def disk_failures(path: Path) -> Iterator[None]:
    """Turn a full disk and a damaged or locked database at ``path`` into the errors an operator can act on.

    Raises :class:`DiskFull`, :class:`DatabaseCorrupted`, :class:`DatabaseUnreachable` or
    :class:`AlreadyInUse`; whatever else went wrong passes as it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _disk_full(error.filename or path) from error
        raise
    except sqlite3.Error as error:
        # The primary result code is the low byte (sqlite.org, "Result and Error Codes").
        extended = getattr(error, "sqlite_errorcode", 0)
        code = extended & 0xFF
        # Without space for its shared index SQLite speaks of a failed growth, not of a full disk.
        if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
            raise _disk_full(path) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise AlreadyInUse(
                found=f"{path} locked by another program",
                expected="one access node per log",
                remedy="stop the other program",
            ) from error
        if code in _UNREACHABLE:
            raise DatabaseUnreachable(
                found=f"{error}: {path}",
                expected="a file that this user may read and write, on a sound disk",
                remedy="correct owner and rights of file and folder, or the disk",
            ) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise DatabaseCorrupted(
                found=f"{path}: {error}",
                expected="the log's SQLite database",
                remedy="restore it from the last backup",
            ) from error
        raise


def _disk_full(path: object) -> DiskFull:
    return DiskFull(
        found=f"no space left for {path}",
        expected="space for the log to grow",
        remedy="free or add space, then retry",
    )
