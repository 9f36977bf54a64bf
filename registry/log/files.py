"""Files that are either there whole or not at all, also after a power cut (MEA-3)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_SYNCFS: Final[Any] = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` so that readers see the old file or the new one; durable by the next
    :func:`sync_filesystem`.
    """
    temporary = path.with_name(path.name + ".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        handle = os.open(temporary, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, flags, 0o644)
    try:
        _write_all(handle, data)
    finally:
        os.close(handle)
    temporary.replace(path)


def sync_filesystem(folder: Path) -> None:
    """Make everything durable that was written to the file system of ``folder``: one call for any number of
    files.
    """
    if _SYNCFS is None:  # not Linux
        os.sync()
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if _SYNCFS(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` by way of a synced temporary file beside it; the folder is not synced, see
    :func:`sync_folders`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        _write_all(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    temporary.replace(path)


def sync_folders(folders: Iterable[Path], root: Path) -> None:
    """Make names in ``folders`` durable, and in the folders between each and ``root`` (included)."""
    to_sync = {root}
    for folder in folders:
        while folder not in to_sync:
            to_sync.add(folder)
            folder = folder.parent
    for folder in to_sync:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
