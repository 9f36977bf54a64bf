"""One access node per log: a lock that ends with the process, however it ends (MEA-3)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from registry.ports import AlreadyInUse


class FolderLock:
    """Holds ``folder/lock`` until :meth:`release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises :class:`AlreadyInUse` with the holder's process id."""
        path = folder / "lock"
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._handle, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            raise AlreadyInUse(
                found=f"{folder} held by process {holder}",
                expected="one access node per log",
                remedy="stop the other one",
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._handle)
