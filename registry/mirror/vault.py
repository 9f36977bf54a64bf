"""The vault port on a SQL database of its own (PRIV-1, PRIV-2, PRIV-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select

from registry.mirror.database import Database
from registry.mirror.migrate import migrate_vault
from registry.mirror.tables import table_of
from registry.mirror.vault_tables import VaultOpening, VaultPod
from registry.ports import Opening, PodSecret

_POD = table_of(VaultPod)
_OPENING = table_of(VaultOpening)
_LOCK = 0x464C56
_CHUNK = 500


class SqlVault:
    """Private payloads (:class:`registry.ports.Vault`).

    Raises what :class:`~registry.mirror.database.Database` raises.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        migrate_vault(self._database)

    def put_pod(
        self, pod_id: bytes, pod_code: str, salt: bytes, payload: Mapping[str, Any], owner: int
    ) -> None:
        """Keep a POD's code, salt and payload; replaces what is kept under the same ``pod_id``."""
        self.put_pods([PodSecret(pod_id, pod_code, salt, payload, owner)])

    def put_pods(self, pods: Sequence[PodSecret]) -> None:
        """As :meth:`put_pod` for many, all or none."""
        rows = [
            {
                "pod_id": pod.pod_id,
                "pod_code": pod.pod_code,
                "salt": pod.salt,
                "payload": dict(pod.payload),
                "owner": pod.owner,
            }
            for pod in {pod.pod_id: pod for pod in pods}.values()
        ]
        with self._database.writing(_LOCK) as connection:
            for start in range(0, len(rows), _CHUNK):
                part = rows[start : start + _CHUNK]
                connection.execute(delete(_POD).where(_POD.c.pod_id.in_([row["pod_id"] for row in part])))
                connection.execute(insert(_POD), part)

    def pod(self, pod_id: bytes) -> PodSecret | None:
        """What is kept of a POD."""
        with self._database.reading() as connection:
            row = connection.execute(select(_POD).where(_POD.c.pod_id == pod_id)).mappings().one_or_none()
        return None if row is None else _secret(row)

    def pod_id_of(self, pod_code: str) -> bytes | None:
        """The ``pod_id`` last made for a POD code."""
        query = (
            select(_POD.c.pod_id).where(_POD.c.pod_code == pod_code).order_by(_POD.c.number.desc()).limit(1)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else bytes(found)

    def pods_of(self, pod_codes: Sequence[str]) -> dict[str, PodSecret]:
        """What is kept of PODs, by code, each as last made; codes of which nothing is kept are left out."""
        found: dict[str, PodSecret] = {}
        with self._database.reading() as connection:
            for start in range(0, len(pod_codes), _CHUNK):
                part = pod_codes[start : start + _CHUNK]
                query = select(_POD).where(_POD.c.pod_code.in_(part)).order_by(_POD.c.number)
                found |= {row["pod_code"]: _secret(row) for row in connection.execute(query).mappings()}
        return found

    def put_opening(
        self,
        commitment: bytes,
        kind: str,
        salt: bytes,
        payload: Mapping[str, Any],
        owners: tuple[int, ...],
        *,
        pod_id: bytes | None = None,
    ) -> None:
        """Keep the opening of a commitment; ``pod_id`` names the POD it is about, to be erased with it."""
        row = {
            "commitment": commitment,
            "kind": kind,
            "salt": salt,
            "payload": dict(payload),
            "owners": list(owners),
            "pod_id": pod_id,
        }
        with self._database.writing(_LOCK) as connection:
            connection.execute(delete(_OPENING).where(_OPENING.c.commitment == commitment))
            connection.execute(insert(_OPENING), row)

    def opening(self, commitment: bytes) -> Opening | None:
        """What a commitment hides."""
        query = select(_OPENING).where(_OPENING.c.commitment == commitment)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return None
        return Opening(
            bytes(row["commitment"]), row["kind"], bytes(row["salt"]), row["payload"], tuple(row["owners"])
        )

    def erase_pod(self, pod_id: bytes) -> bool:
        """Destroy code, salt, payload and all openings about a POD (PRIV-2). False if nothing was there.

        On SQLite the bytes are overwritten in the file and its write-ahead log at once. On PostgreSQL they go
        with the next vacuum, which is asked for here; the server's own archives and backups are the
        operator's (docs/operations.md).
        """
        with self._database.writing(_LOCK) as connection:
            gone = connection.execute(delete(_POD).where(_POD.c.pod_id == pod_id)).rowcount
            gone += connection.execute(delete(_OPENING).where(_OPENING.c.pod_id == pod_id)).rowcount
        if gone:
            self._database.overwrite_deleted(_POD.name, _OPENING.name)
        return gone > 0

    def close(self) -> None:
        """Give all database connections back."""
        self._database.close()


def _secret(row: RowMapping) -> PodSecret:
    return PodSecret(bytes(row["pod_id"]), row["pod_code"], bytes(row["salt"]), row["payload"], row["owner"])
