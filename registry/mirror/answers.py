"""The store of answers to repeatable writes, beside the vault: durable, and not dropped with the mirror."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, delete, insert, select, update

from registry.mirror.database import Database
from registry.mirror.migrate import migrate_vault
from registry.mirror.tables import table_of
from registry.mirror.vault_tables import VaultAnswer
from registry.ports import KeptAnswer

_ANSWER = table_of(VaultAnswer)
_LOCK = 0x464C41


class SqlAnswers:
    """Answers by caller and key (:class:`registry.ports.AnswerStore`). Safe for use by many threads and
    processes:
    of two that claim a key at once, one gets it.

    Raises what :class:`~registry.mirror.database.Database` raises.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        migrate_vault(self._database)

    def begin(self, caller: str, key: str, fingerprint: bytes) -> KeptAnswer | None:
        """Claim a key for a request with this fingerprint; what is there already is returned instead."""
        with self._database.writing(_LOCK) as connection:
            row = connection.execute(select(_ANSWER).where(_place(caller, key))).mappings().one_or_none()
            if row is not None:
                return KeptAnswer(bytes(row["fingerprint"]), row["status"], bytes(row["body"]))
            claim = {"caller": caller, "key": key, "fingerprint": fingerprint, "status": None, "body": b""}
            connection.execute(insert(_ANSWER), claim)
        return None

    def finish(self, caller: str, key: str, status: int, body: bytes) -> None:
        """Keep the answer of a claimed key."""
        with self._database.writing(_LOCK) as connection:
            connection.execute(update(_ANSWER).where(_place(caller, key)).values(status=status, body=body))

    def forget(self, caller: str, key: str) -> None:
        """Give a claimed key back: nothing was written."""
        with self._database.writing(_LOCK) as connection:
            connection.execute(delete(_ANSWER).where(_place(caller, key)))

    def close(self) -> None:
        """Give all database connections back."""
        self._database.close()


def _place(caller: str, key: str) -> ColumnElement[bool]:
    return and_(_ANSWER.c.caller == caller, _ANSWER.c.key == key)
