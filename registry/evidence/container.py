"""The container of an evidence bundle: a ZIP file of which every byte is determined by its members (AUD-1).

Any unzip tool reads it. Members are stored, not compressed, in the order of their names, with one fixed time;
so the container can be rebuilt from its members, and a byte changed anywhere, in a member or around it,
shows. Byte format: ``docs/formats/bundle.md``. Source: APPNOTE.TXT (ZIP) sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from typing import Final

from registry.domain.errors import RuleViolation

CONTAINER_BYTES_MAX: Final = 2**32 - 1
MEMBERS_MAX: Final = 2**16 - 1

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*")
_VERSION: Final = 20  # needed to extract a plain file in a folder
_TIME: Final = 0
_DATE: Final = 0x0021  # 1980-01-01, the first day a ZIP file can name
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")


def pack(members: Mapping[str, bytes]) -> bytes:
    """The container of ``members`` (name to content).

    Raises :class:`RuleViolation` (AUD-1) for a name outside ``[a-z0-9_.-]`` and slashes, or more than a plain
    ZIP file holds.
    """
    if len(members) > MEMBERS_MAX:
        raise _violation("members", len(members), f"at most {MEMBERS_MAX}")
    files, directory = bytearray(), bytearray()
    for name in sorted(members):
        if not _NAME.fullmatch(name):
            raise _violation("member name", repr(name), "lower-case letters, digits, '_', '.', '-' and '/'")
        data, path = members[name], name.encode()
        if len(files) + len(data) > CONTAINER_BYTES_MAX:
            raise _violation("bundle", "more than 4 GiB", f"at most {CONTAINER_BYTES_MAX} bytes")
        common = (_VERSION, 0, 0, _TIME, _DATE, zlib.crc32(data), len(data), len(data), len(path), 0)
        directory += _CENTRAL.pack(b"PK\x01\x02", _VERSION, *common, 0, 0, 0, 0, len(files)) + path
        files += _LOCAL.pack(b"PK\x03\x04", *common) + path + data
    if len(files) + len(directory) > CONTAINER_BYTES_MAX:
        raise _violation("bundle", "more than 4 GiB", f"at most {CONTAINER_BYTES_MAX} bytes")
    end = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(files), 0)
    return bytes(files + directory + end)


def unpack(container: bytes) -> dict[str, bytes]:
    """The members of a container, which must be exactly what :func:`pack` makes of them.

    Raises :class:`RuleViolation` (AUD-1, field ``bundle``) for any other file, naming the first byte that
    differs.
    """
    members: dict[str, bytes] = {}
    at = 0
    while container[at : at + 4] == b"PK\x03\x04":
        start = at + _LOCAL.size
        if start > len(container):
            raise _violation("bundle", f"an end at byte {len(container)}", "a whole file header")
        size, path_length = _LOCAL.unpack_from(container, at)[8:10]
        content = start + path_length
        at = content + size
        name = container[start:content].decode("ascii", "replace")
        if at > len(container) or name in members:
            raise _violation("bundle", f"member {name!r} cut off or repeated", "each member once and whole")
        members[name] = container[content:at]
    canonical = pack(members)
    if canonical != container:
        differs = next(
            (i for i, (a, b) in enumerate(zip(canonical, container, strict=False)) if a != b), None
        )
        where = f"byte {differs}" if differs is not None else f"the length, {len(container)} bytes"
        raise _violation("bundle", f"{where} differs", f"the {len(canonical)} bytes its members determine")
    return members


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="AUD-1", field=field, found=found, allowed=allowed)
