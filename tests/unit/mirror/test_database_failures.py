"""What can go wrong with a database is told apart and named."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from registry.mirror import SqlMirror, SqlVault
from registry.mirror.database import Database
from registry.ports import AlreadyInUse, DatabaseCorrupted, DatabaseUnreachable, DiskFull, RecordedBlock
from tests.unit.mirror.fake_ledger import BSP, FakeLedger, Storyteller, opening, word


def told_ledger() -> FakeLedger:
    ledger = FakeLedger()
    ledger.mine(*opening())
    return ledger


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "mirror.sqlite"
    path.write_bytes(b"nothing that any database would write" * 200)
    with pytest.raises(DatabaseCorrupted, match=r"mirror\.sqlite.*rebuilt from the chain"):
        SqlMirror(f"sqlite:///{path}", told_ledger())
    with pytest.raises(DatabaseCorrupted):
        SqlVault(f"sqlite:///{path}")


def test_a_damaged_page(tmp_path: Path) -> None:
    path = tmp_path / "mirror.sqlite"
    ledger = told_ledger()
    ledger.mine(*Storyteller(1).tell(100))
    mirror = SqlMirror(f"sqlite:///{path}", ledger)
    mirror.catch_up()
    mirror.close()
    with path.open("r+b") as file:
        for offset in range(4096 * 3, path.stat().st_size, 4096):
            file.seek(offset)
            file.write(b"\xff" * 512)
    with pytest.raises(DatabaseCorrupted):
        list(SqlMirror(f"sqlite:///{path}", ledger).dump())


def test_a_full_disk_writes_nothing(tmp_path: Path) -> None:
    ledger = told_ledger()
    mirror = SqlMirror(f"sqlite:///{tmp_path / 'mirror.sqlite'}", ledger)
    position, before = mirror.catch_up(), list(mirror.dump())
    with mirror._database.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        connection.commit()
    ledger.mine(*Storyteller(1).tell(2000))
    with pytest.raises(DiskFull, match="nothing of the transaction was written"):
        mirror.catch_up()
    assert mirror.position() == position
    assert list(mirror.dump()) == before
    mirror.close()
    assert SqlMirror(f"sqlite:///{tmp_path / 'mirror.sqlite'}", ledger).catch_up() == ledger.head()


def test_a_file_that_stays_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.mirror.database._BUSY_TIMEOUT_S", 0.1)
    path = tmp_path / "vault.sqlite"
    vault = SqlVault(f"sqlite:///{path}")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(AlreadyInUse, match="locked for more than"):
        vault.put_pod(word("a"), "IT001E12345678", word("salt"), {}, BSP)
    holder.execute("ROLLBACK")
    vault.put_pod(word("a"), "IT001E12345678", word("salt"), {}, BSP)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match="correct URL, login and folder"):
        SqlVault(f"sqlite:///{tmp_path / 'nowhere' / 'vault.sqlite'}")


def test_a_server_that_is_not_there_and_a_password_that_stays_secret() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DatabaseUnreachable) as failure:
        SqlVault(f"postgresql+psycopg://someone:secret@127.0.0.1:{port}/nothing")
    assert str(port) in str(failure.value)
    assert "secret" not in str(failure.value)


def test_a_url_that_is_none() -> None:
    with pytest.raises(DatabaseUnreachable, match="the URL 'no url'"):
        Database("no url")


def test_tables_of_a_later_release(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mirror.sqlite'}"
    SqlMirror(url, told_ledger()).close()
    with Database(url).writing() as connection:
        connection.execute(text("UPDATE mirror_version SET version_num = 'mirror_9999'"))
    with pytest.raises(DatabaseCorrupted, match="of this release or an earlier one"):
        SqlMirror(url, told_ledger())


@pytest.mark.rule("PRIV-2")
def test_erased_bytes_are_gone_from_the_files(tmp_path: Path) -> None:
    code, salt, place = "IT001E87654321", word("a salt"), "Via dei Serpenti 7"
    vault = SqlVault(f"sqlite:///{tmp_path / 'vault.sqlite'}")
    vault.put_pod(word("a"), code, salt, {"place": place}, BSP)
    vault.put_opening(word("c"), "registration", salt, {"place": place}, (BSP,), pod_id=word("a"))
    files = list(tmp_path.iterdir())
    secrets = (code.encode(), salt, place.encode())
    assert all(any(secret in file.read_bytes() for file in files) for secret in secrets)
    vault.erase_pod(word("a"))
    assert not any(secret in file.read_bytes() for file in tmp_path.iterdir() for secret in secrets)
    vault.close()


class Moving(FakeLedger):
    """Changes its mind right after it was read, once."""

    moves = True

    def recorded(self, from_block: int, to_block: int) -> list[RecordedBlock]:
        blocks = super().recorded(from_block, to_block)
        if self.moves:
            self.moves = False
            time = self.head().time + 5
            self.give_up(2)
            self.mine_at(time, Storyteller(99).tell(20))
        return blocks


@pytest.mark.rule("MIR-1")
def test_a_chain_that_moves_while_it_is_read_is_read_again() -> None:
    ledger = Moving()
    ledger.mine(*opening())
    ledger.mine(*Storyteller(1).tell(20))
    moved, still = SqlMirror("sqlite://", ledger), FakeLedger()
    assert moved.catch_up() == ledger.head()
    still.mine(*opening())
    still.mine_at(ledger.head().time, Storyteller(99).tell(20))
    assert still.head() == ledger.head()
    fresh = SqlMirror("sqlite://", still)
    fresh.catch_up()
    assert list(moved.dump()) == list(fresh.dump())
