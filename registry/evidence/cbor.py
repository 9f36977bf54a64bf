"""One CBOR item out of untrusted bytes. Deterministic form (RFC 8949 section 4.2.1) is checked by encoding
again, by the caller.
"""

from __future__ import annotations

from typing import Any

import cbor2

from registry.domain.errors import RuleViolation


def decode_item(data: bytes, *, rule: str, field: str) -> Any:
    """The CBOR item at the start of ``data``; what may follow it is not looked at.

    Raises :class:`RuleViolation` with the given rule key and field if there is no well-formed item.
    """
    try:
        return cbor2.loads(data)
    except Exception as error:
        # Besides CBORDecodeError: tags with a meaning of their own (dates, expressions, addresses) raise
        # whatever their types raise.
        raise RuleViolation(
            rule=rule, field=field, found=f"no CBOR ({error})", allowed="one well-formed CBOR item"
        ) from None
