"""Public keys that MUST be refused wherever one comes in."""

from __future__ import annotations

from tests.vectors.making.signing import DEVICE, public_point

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1


def bad_keys() -> list[dict[str, str]]:
    good = public_point(DEVICE)
    x, y = good[1:33], good[33:]

    def number(value: int) -> bytes:
        return value.to_bytes(32, "big")

    cases = {
        "a point that is not on the curve": b"\x04" + x + y[:-1] + bytes([y[-1] ^ 1]),
        "x and y changed for one another": b"\x04" + y + x,
        "both coordinates zero": b"\x04" + bytes(64),
        "x the prime of the field": b"\x04" + number(PRIME) + y,
        "y beyond the prime of the field": b"\x04" + x + b"\xff" * 32,
        "the generator of another curve, secp256k1": bytes.fromhex(
            "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
            "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
        ),
        "the point at infinity": b"\x00",
        "compressed": bytes([2 + y[-1] % 2]) + x,
        "hybrid": bytes([6 + y[-1] % 2]) + x + y,
        "without the leading 04": x + y,
        "cut off": good[:-1],
        "one byte behind": good + b"\x00",
        "empty": b"",
    }
    return [
        {"name": name, "rule": "MEA-1", "field": "public_key", "public_key": key.hex()}
        for name, key in cases.items()
    ]
