"""The servers that suites rely on come up empty, answer, and leave nothing behind."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path

import psycopg
import pytest

from bench import servers
from tests.conftest import not_run


def test_postgres_is_empty_and_writable(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as db:
        tables = db.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone()
        db.execute("CREATE TEMP TABLE t (n integer)")
        assert tables is not None
        assert db.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_anvil_answers_as_a_development_chain(anvil_url: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    request = urllib.request.Request(anvil_url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["result"] == hex(31337)


def test_postgres_leaves_no_process_and_no_folder() -> None:
    try:
        server = servers.PostgresServer.start(durable=False)
    except servers.MissingProgram as error:
        not_run(str(error))
    with server:
        assert server.process.poll() is None
        assert server.folder.exists()
    assert server.process.poll() is not None
    assert not server.folder.exists()


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv("NODE_PATH", raising=False)
    with pytest.raises(servers.MissingProgram, match="no node"):
        servers.Anvil.start(tmp_path)


def test_a_server_that_dies_at_once_reports_what_it_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\necho 'no such fork'\nexit 2\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(servers, "find_program", lambda name, folders: program)
    with pytest.raises(servers.ServerFailed, match="no such fork"):
        servers.Anvil.start(tmp_path)
