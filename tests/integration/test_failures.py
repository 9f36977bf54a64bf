"""What can go wrong around a node, seen from the command line: each failure has its own name, one line and
exit status 1, and leaves the node's folder as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from registry.cli.main import app
from registry.cli.outcome import EXIT_DONE, EXIT_FAILED, EXIT_REFUSED
from registry.ledger import opening
from registry.ledger.artifacts import load_artifacts
from registry.ledger.embedded.store import ChainStore
from registry.ledger.signers import KeystoreSigner, LocalSigner
from registry.log.failures import disk_failures
from registry.mirror.database import Database
from registry.ports import DatabaseUnreachable, DiskFull
from tests.unit.api.sandbox import ACCESS_NODE, BSP, Sandbox

DEPLOYMENT = Path("chain", "deployment.json")
NOBODY = 65_534


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The closed folder of a played day."""
    sandbox = Sandbox.played(tmp_path_factory.mktemp("failures") / "node")
    sandbox.close()
    return sandbox.folder


@pytest.fixture
def state(played: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(played, tmp_path / "node"))


def named(state: Path, *parts: str, command: str = "status", **settings: object) -> None:
    """The command fails with one line that holds the parts."""
    words = [command, "--state", str(state)]
    result = CliRunner().invoke(app, words, env={name: str(value) for name, value in settings.items()})
    assert result.exit_code == EXIT_FAILED, result.output
    assert isinstance(result.exception, SystemExit)
    (line,) = result.stderr.splitlines()
    assert line.startswith("flexledger: ")
    for part in parts:
        assert part in line


def change(state: Path, **fields: Any) -> Path:
    """Another deployment file."""
    path = state / DEPLOYMENT
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **fields}), encoding="utf-8")
    return path


# ---------------------------------------------------------------------------------------------- the chain


def test_no_chain_answers(state: Path) -> None:
    url = "http://127.0.0.1:1"
    own = {"FLEXLEDGER_CHAIN_URL": url, "FLEXLEDGER_DEPLOYMENT": state / DEPLOYMENT}
    named(state, "chain unreachable", url, **own)


def test_another_chain_answers(state: Path, anvil_url: str) -> None:
    own = {"FLEXLEDGER_CHAIN_URL": anvil_url, "FLEXLEDGER_DEPLOYMENT": state / DEPLOYMENT}
    named(state, "wrong chain", "found chain 31337", **own)
    change(state, chain_id=31337)
    named(state, "contracts missing", "no contract Consortium", **own)


def test_contracts_of_another_version(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(load_artifacts(), version=2)
    monkeypatch.setattr(opening, "load_artifacts", lambda: later)
    named(state, "contracts of another version", "found version 1", "expected version 2")


@pytest.mark.parametrize(
    "fields",
    [
        {"addresses": []},
        {"addresses": {"Participants": "0x12"}},
        {"addresses": {"Participants": 7}},
        {"chain_id": "1"},
        {"contracts_version": None},
        {"surplus": 1},
    ],
    ids=str,
)
def test_a_deployment_file_that_is_none(state: Path, fields: Mapping[str, object]) -> None:
    named(state, "contracts missing", str(change(state, **fields)))


def test_a_lost_deployment_file_never_begins_the_contracts_anew(state: Path) -> None:
    """The chain would hold two sets of contracts and the register would follow the empty one."""
    text = (state / DEPLOYMENT).read_text("utf-8")
    (state / DEPLOYMENT).unlink()
    named(state, "contracts missing", "no deployment file", "deployment.json")
    assert not (state / DEPLOYMENT).exists()
    (state / DEPLOYMENT).write_text(text, encoding="utf-8")
    assert CliRunner().invoke(app, ["status", "--state", str(state)]).exit_code == EXIT_DONE


def test_a_lost_chain_is_not_replaced(state: Path) -> None:
    (state / "chain" / "chain.sqlite").unlink()
    named(state, "contracts missing", "no contract Consortium")


# ------------------------------------------------------------------------------------------- the databases

DAMAGE: dict[str, Callable[[Path], object]] = {
    "header": lambda path: path.write_bytes(os.urandom(100) + path.read_bytes()[100:]),
    "short": lambda path: os.truncate(path, 20_000),
}


@pytest.mark.parametrize("file", ["chain/chain.sqlite", "register.sqlite", "vault.sqlite", "log/log.sqlite"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_database_is_named_and_not_touched(
    state: Path, file: str, damage: Callable[[Path], object]
) -> None:
    damage(state / file)
    before = sha256((state / file).read_bytes()).digest()
    named(state, "database corrupted", Path(file).name)
    assert sha256((state / file).read_bytes()).digest() == before


@pytest.mark.rule("MIR-1")
def test_a_damaged_mirror_can_go(state: Path) -> None:
    DAMAGE["header"](state / "register.sqlite")
    named(state, "database corrupted", "rebuilt from the chain", command="rebuild")
    (state / "register.sqlite").unlink()
    done = CliRunner().invoke(app, ["rebuild", "--state", str(state)])
    assert done.exit_code == EXIT_DONE and "equal" in done.stdout


@pytest.mark.rule("LOG-2")
@pytest.mark.parametrize("lost", ["log", "log/log.sqlite"])
def test_a_lost_log_never_goes_on_from_nothing(state: Path, lost: str) -> None:
    path = state / lost
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    named(state, "database corrupted", "expected", "restore the newest copy")
    named(state, "database corrupted", "expected", "restore the newest copy")


@pytest.mark.rule("LOG-1")
def test_lost_tiles_are_made_again(state: Path) -> None:
    tree = state / "log" / "tree"
    note = (tree / "checkpoint").read_bytes()
    shutil.rmtree(tree)
    assert CliRunner().invoke(app, ["status", "--state", str(state)]).exit_code == EXIT_DONE
    assert (tree / "checkpoint").read_bytes() == note
    checked = CliRunner().invoke(app, ["log", "check", str(tree)])
    assert checked.exit_code == EXIT_DONE and checked.stdout.strip().endswith("sound")


@pytest.mark.rule("LOG-1")
def test_a_changed_entry_fails_the_check_of_the_log(state: Path) -> None:
    tree = state / "log" / "tree"
    tiles = [path for path in (tree / "tile" / "entries").rglob("*") if path.is_file()]
    tile = max(tiles, key=lambda path: path.stat().st_size)  # narrower ones are from before it grew
    data = bytearray(tile.read_bytes())
    data[-1] ^= 1
    tile.write_bytes(data)
    done = CliRunner().invoke(app, ["log", "check", str(tree)])
    assert done.exit_code == EXIT_REFUSED
    assert "NOT SOUND" in done.stdout and "LOG-1: entry" in done.stdout


@pytest.mark.parametrize(
    "url", ["nonsense", "foo://x", "mysql://u:geheim@h/x", "sqlite:////nowhere/x.sqlite"]
)
def test_a_database_url_that_leads_nowhere(state: Path, url: str) -> None:
    named(state, "database unreachable", FLEXLEDGER_REGISTER_URL=url)
    named(state, "database unreachable", FLEXLEDGER_VAULT_URL=url)


# -------------------------------------------------------------------------------------- rights and space


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of the superuser, who may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_written(played: Path) -> None:
    # all modules are loaded before rights go
    CliRunner().invoke(app, ["status", "--state", str(played)])
    CliRunner().invoke(app, ["demo", "--state", "/dev/null/new"])
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(played, Path(folder) / "node"))
        Path(folder).chmod(0o755)
        for path in [*copy.rglob("*"), copy]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            with as_nobody():
                named(copy, "database unreachable", "chain.sqlite")
                named(copy / "new", str(copy / "new"), "Permission denied", command="demo")
        finally:
            for path in [copy, *copy.rglob("*")]:
                path.chmod(0o755)


def test_no_space_for_the_shared_index_is_a_full_disk(tmp_path: Path) -> None:
    """SQLite calls it an input/output error; only its extended code says that the disk is full."""
    store, database = ChainStore(tmp_path / "chain.sqlite"), Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    rooms = (lambda: disk_failures(tmp_path), store._failures)
    for code, expected in (
        (sqlite3.SQLITE_IOERR_SHMSIZE, DiskFull),
        (sqlite3.SQLITE_IOERR, DatabaseUnreachable),
    ):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        for failures in rooms:
            with pytest.raises(expected), failures():
                raise error
        assert isinstance(database._sqlite_failure(code, str(error)), expected)
    store.close()
    database.close()


# ------------------------------------------------------------------------------------------ keys, settings


def test_a_keystore_that_does_not_open(state: Path, tmp_path: Path) -> None:
    named(state, "key unusable", "no folder", FLEXLEDGER_KEYSTORE=tmp_path / "none")
    KeystoreSigner.keep(LocalSigner.create(), tmp_path / f"{ACCESS_NODE}.json", "right")
    wrong = {"FLEXLEDGER_KEYSTORE": tmp_path, "FLEXLEDGER_KEYSTORE_PASSPHRASE": "wrong"}
    named(state, "key unusable", f"{ACCESS_NODE}.json", "passphrase does not open", **wrong)


def test_a_wrong_setting_shows_no_secret(state: Path) -> None:
    own = {"FLEXLEDGER_CHAIN_URL": "http://127.0.0.1:1", "FLEXLEDGER_KEYSTORE_PASSPHRASE": "geheim"}
    for command in ("status", "serve"):
        result = CliRunner().invoke(app, [command, "--state", str(state)], env=own)
        assert result.exit_code == EXIT_FAILED
        assert "needs deployment" in result.stderr and "geheim" not in result.output


def test_a_token_needs_the_mirror_and_the_key_only(state: Path) -> None:
    shutil.rmtree(state / "log")
    words = ["token", "--party", str(BSP), "--state", str(state)]
    assert CliRunner().invoke(app, words).exit_code == EXIT_DONE
    (state / "keys" / "issuer.pem").write_bytes(b"no key")
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == EXIT_FAILED and "key unusable" in refused.stderr
