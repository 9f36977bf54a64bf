"""Keys that sign transactions: in memory, or in an encrypted keystore file (version 3)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount

from registry.ports import KeyUnusable


class LocalSigner:
    """A key in this process's memory. A server that holds several parties' keys is a sandbox."""

    def __init__(self, private_key: bytes) -> None:
        self._account: LocalAccount = Account.from_key(private_key)

    @classmethod
    def create(cls) -> Self:
        """A new random key."""
        return cls(bytes(Account.create().key))

    @property
    def address(self) -> str:
        """The checksummed address of the key."""
        return str(self._account.address)

    @property
    def private_key(self) -> bytes:
        """The 32-byte key, to keep it."""
        return bytes(self._account.key)

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """The raw signed transaction."""
        return bytes(self._account.sign_transaction(dict(transaction)).raw_transaction)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address})"


class KeystoreSigner(LocalSigner):
    """A key from an encrypted file, opened by its passphrase.

    Raises:
        KeyUnusable: there is no such file, it is no keystore, or the passphrase does not open it.
    """

    def __init__(self, path: Path, passphrase: str) -> None:
        try:
            keystore = json.loads(path.read_text(encoding="utf-8"))
            key = Account.decrypt(keystore, passphrase)
        except FileNotFoundError as error:
            raise self._unusable(f"no file {path}") from error
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise self._unusable(f"no keystore in {path}") from error
        except ValueError as error:
            raise self._unusable(f"a keystore {path} that the passphrase does not open") from error
        super().__init__(bytes(key))

    @classmethod
    def keep(cls, signer: LocalSigner, path: Path, passphrase: str) -> None:
        """Write a key to a new encrypted file for its owner only. Raises :class:`FileExistsError`."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(Account.encrypt(signer.private_key, passphrase), file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def _unusable(found: str) -> KeyUnusable:
        return KeyUnusable(
            found=found,
            expected="a version 3 keystore and its passphrase",
            remedy="name the right file and passphrase",
        )
