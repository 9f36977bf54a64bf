"""The keys a node keeps in its folder: log, receipts, local token issuer, and in a sandbox those of every
party and platform.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from registry.ledger.signers import LocalSigner
from registry.ports import KeyUnusable


class KeyRing:
    """Keys in a folder that only its owner may read; each is made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def p256(self, name: str) -> ec.EllipticCurvePrivateKey:
        """A P-256 key: ``receipts``, ``issuer`` or ``platform-<dso>``."""
        key = self._pem(name, lambda: ec.generate_private_key(ec.SECP256R1()))
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise _unusable(self._path(name), "a P-256 key")
        return key

    def ed25519(self, name: str) -> Ed25519PrivateKey:
        """An Ed25519 key: ``log``, which signs checkpoints, or ``witness``, which cosigns those of others."""
        key = self._pem(name, Ed25519PrivateKey.generate)
        if not isinstance(key, Ed25519PrivateKey):
            raise _unusable(self._path(name), "an Ed25519 key")
        return key

    def party(self, name: str) -> LocalSigner:
        """A ledger key: ``admin`` or ``party-<number>``. Only a sandbox keeps those of others."""
        path = self._folder / f"{name}.hex"
        if not path.exists():
            signer = LocalSigner.create()
            self._keep(path, signer.private_key.hex().encode())
            return signer
        try:
            return LocalSigner(bytes.fromhex(path.read_text(encoding="ascii").strip()))
        except ValueError as error:
            raise _unusable(path, "32 bytes in hexadecimal") from error

    def parties(self) -> dict[int, LocalSigner]:
        """The ledger keys of all parties that are kept here, by party number."""
        names = (path.stem for path in sorted(self._folder.glob("party-*.hex")))
        return {int(name.removeprefix("party-")): self.party(name) for name in names}

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.pem"

    def _pem(self, name: str, make: Callable[[], PrivateKeyTypes]) -> PrivateKeyTypes:
        path = self._path(name)
        if not path.exists():
            key = make()
            self._keep(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            return key
        try:
            return load_pem_private_key(path.read_bytes(), password=None)
        except ValueError as error:
            raise _unusable(path, "a private key in PEM") from error

    def _keep(self, path: Path, data: bytes) -> None:
        # The draft and the rename: a key is there whole or not at all, and never readable by others.
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def _unusable(path: Path, expected: str) -> KeyUnusable:
    return KeyUnusable(found=f"{path}", expected=expected, remedy="restore the file from a backup")
