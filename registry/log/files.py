"""Files that are either there whole or not at all, also after a power cut (MEA-3)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` by way of a synced temporary file beside it; the folder is not synced, see
    :func:`sync_folders`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
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
