"""The command line under wrong input: one clear line, a documented exit status, never a traceback, nothing
half written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from registry.cli.main import app
from registry.cli.outcome import EXIT_DONE, EXIT_FAILED, EXIT_REFUSED
from registry.evidence.checkpoints import NoteKey
from registry.services.bundle_settlement import bundle_settlement
from tests.unit.api.sandbox import BSP, Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A played day whose node stays open: another process would find it in use."""
    sandbox = Sandbox.played(tmp_path_factory.mktemp("cli"))
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def bundle(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence of its local settlement."""
    path = tmp_path_factory.mktemp("evidence") / "local.flexbundle"
    statement_id = bytes.fromhex(sandbox.statements["local"])
    path.write_bytes(bundle_settlement(sandbox.node.recorder, sandbox.node.log, statement_id))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def one_clear_line(result: Result, status: int, *parts: str) -> None:
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("flexledger: "), result.stderr
    for part in parts:
        assert part in lines[0]


@pytest.mark.rule("AUD-1")
def test_a_good_bundle_verifies_with_and_without_a_deployment(sandbox: Sandbox, bundle: Path) -> None:
    alone = run("verify", bundle)
    assert alone.exit_code == 0 and "every figure re-derived" in alone.output
    deployment = sandbox.folder / "chain" / "deployment.json"
    trusted = run("verify", bundle, "--deployment", deployment, "--json")
    assert trusted.exit_code == 0
    assert json.loads(trusted.stdout)["ok"] is True


@pytest.mark.rule("AUD-1")
@pytest.mark.parametrize("content", [b"", b"\x00" * 500, b"PK\x03\x04", b'{"format": "other"}'])
def test_what_is_no_bundle_fails_at_the_container(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.flexbundle"
    path.write_bytes(content)
    result = run("verify", path)
    assert result.exit_code == EXIT_REFUSED and "container" in result.output
    assert "Traceback" not in result.output


@pytest.mark.rule("AUD-1")
def test_bytes_behind_the_end_are_found(bundle: Path, tmp_path: Path) -> None:
    longer = tmp_path / "longer.flexbundle"
    longer.write_bytes(bundle.read_bytes() + b"\n")
    assert run("verify", longer).exit_code == EXIT_REFUSED


@pytest.mark.rule("AUD-1")
def test_files_that_cannot_be_read_are_named(bundle: Path, tmp_path: Path) -> None:
    one_clear_line(run("verify", tmp_path / "none"), EXIT_REFUSED, "AUD-1", "No such file")
    one_clear_line(run("verify", tmp_path), EXIT_REFUSED, "AUD-1", "Is a directory")
    bad = tmp_path / "deployment.json"
    for text in (
        "",
        "[]",
        "{}",
        '{"chain_id": "x", "addresses": {}}',
        '{"chain_id": 1, "addresses": {"Pods": "0xzz"}}',
        '{"chain_id": ' + "1" * 5_000 + "}",
        "[" * 90_000,
    ):
        bad.write_text(text, encoding="utf-8")
        one_clear_line(run("verify", bundle, "--deployment", bad), EXIT_REFUSED, "AUD-1", "deployment")


@pytest.mark.rule("AUD-1")
@pytest.mark.parametrize(
    "text", ["seven=0x", "7", "7=", "=00", f"-7={'00' * 32}", "7=0x12", f"7={'0g' * 32}"]
)
def test_a_block_that_is_none_is_named(bundle: Path, text: str) -> None:
    one_clear_line(run("verify", bundle, "--block", text), EXIT_REFUSED, "AUD-1", text, "NUMBER=HASH")


@pytest.mark.rule("AUD-1")
def test_a_block_of_another_chain_is_named(bundle: Path) -> None:
    result = run("verify", bundle, "--block", f"1={'00' * 32}")
    assert result.exit_code == EXIT_REFUSED and "fails: chain of blocks" in result.output


@pytest.mark.parametrize("command", ["status", "rebuild"])
def test_a_node_in_use_is_named(sandbox: Sandbox, command: str) -> None:
    one_clear_line(run(command, "--state", sandbox.folder), EXIT_FAILED, "already in use", "another")


@pytest.mark.rule("LOG-1")
def test_a_node_in_use_is_asked_to_detach(sandbox: Sandbox, tmp_path: Path) -> None:
    refused = run(
        "log", "detach", "--month", "2026-06", "--archive", tmp_path / "archive", "--state", sandbox.folder
    )
    one_clear_line(refused, EXIT_FAILED, "already in use", "POST /v1/log/detachment", '{"month": "2026-06"}')
    assert not (tmp_path / "archive").exists()


def test_a_token_is_given_while_the_node_is_served(sandbox: Sandbox) -> None:
    given = run("token", "--party", BSP, "--state", sandbox.folder)
    assert given.exit_code == 0
    # The sandbox plays June 2026; the token of the machine's clock is for the same party all the same.
    assert given.stdout.strip().count(".") == 2
    one_clear_line(run("token", "--party", 999, "--state", sandbox.folder), EXIT_REFUSED, "ACT-1", "999")


@pytest.mark.parametrize("command", [["status"], ["rebuild"], ["token", "--party", "21"]])
def test_a_folder_without_a_node_is_named_and_left_alone(tmp_path: Path, command: list[str]) -> None:
    one_clear_line(run(*command, "--state", tmp_path / "none"), EXIT_FAILED, "state", "holds no node")
    assert not (tmp_path / "none").exists()


def test_the_demo_never_empties_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    one_clear_line(run("demo", "--state", tmp_path), EXIT_FAILED, "holds something else")
    file = tmp_path / "precious"
    one_clear_line(run("demo", "--state", file), EXIT_FAILED, str(file))
    assert file.exists()


def test_damaged_databases_are_told_apart(tmp_path: Path) -> None:
    sandbox = Sandbox.founded(tmp_path / "state")
    sandbox.close()
    for name in ("chain/chain.sqlite", "register.sqlite", "vault.sqlite", "log/log.sqlite"):
        path = sandbox.folder / name
        whole = path.read_bytes()
        path.write_bytes(b"no database at all" * 100)
        one_clear_line(run("status", "--state", sandbox.folder), EXIT_FAILED, "database corrupted", path.name)
        path.write_bytes(whole)
        for rest in path.parent.glob(path.name + "-*"):
            rest.unlink()
    assert run("status", "--state", sandbox.folder).exit_code == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("FLEXLEDGER_PORT", "many"), ("FLEXLEDGER_ANCHOR_EVERY_SECONDS", "0"), ("FLEXLEDGER_LOG_ORIGIN", "a b")],
)
def test_a_malformed_setting_is_named(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    one_clear_line(run("rebuild", "--state", sandbox.folder), EXIT_FAILED, name, value)


@pytest.mark.rule("LOG-1")
def test_log_check_says_what_it_checked(sandbox: Sandbox, tmp_path: Path) -> None:
    tree, key = sandbox.node.log_tree, sandbox.node.log.note_key
    unsigned = run("log", "check", tree)
    assert unsigned.exit_code == EXIT_DONE and "signature not checked" in unsigned.stdout
    signed = run("log", "check", tree, "--key", key)
    assert signed.exit_code == EXIT_DONE and "signed by the key: sound" in signed.stdout
    one_clear_line(run("log", "check", tree, "--key", "no key"), EXIT_REFUSED, "LOG-1")
    other = NoteKey(key.name, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    one_clear_line(run("log", "check", tree, "--key", other), EXIT_REFUSED, "LOG-1")
    one_clear_line(run("log", "check", tmp_path), EXIT_REFUSED, "LOG-1")


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["verify"],
        ["verify", "a", "b"],
        ["status", "--nonsense"],
        ["token"],
        ["token", "--party", "0"],
        ["token", "--party", "x"],
        ["serve", "--port", "70000"],
        ["serve", "--port", "many"],
        ["log", "nonsense"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_answered_by_one_line(words: list[str]) -> None:
    one_clear_line(run(*words), EXIT_REFUSED)


def test_a_port_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEXLEDGER_PORT", "many")
    one_clear_line(run("serve"), EXIT_REFUSED, "FLEXLEDGER_PORT")


def test_without_words_the_help_is_shown() -> None:
    shown = run()
    assert shown.exit_code == EXIT_REFUSED and "verify" in shown.stdout and shown.stderr == ""


@pytest.mark.parametrize("command", [["status"], ["rebuild"], ["serve"], ["token", "--party", "21"]])
def test_a_foreign_folder_is_left_as_it_is(tmp_path: Path, command: list[str]) -> None:
    """Also one that has a folder of the same name as a node's."""
    (tmp_path / "chain").mkdir()
    (tmp_path / "chain" / "links").touch()
    one_clear_line(run(*command, "--state", tmp_path), EXIT_FAILED, "holds no node")
    assert [path.name for path in tmp_path.rglob("*")] == ["chain", "links"]
    one_clear_line(run(*command, "--state", tmp_path / "chain" / "links"), EXIT_FAILED, "holds no node")
