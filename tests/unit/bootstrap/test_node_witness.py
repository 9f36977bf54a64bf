"""A node finds the logs it watches and the witnesses it asks in its settings (LOG-2)."""

from __future__ import annotations

import json
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn

from api.app import create_app
from registry.bootstrap import KeyRing, SettableClock, open_node
from registry.bootstrap.node import KEYS_FOLDER
from registry.config import Settings
from registry.evidence.checkpoints import NoteKey, open_checkpoint
from registry.evidence.cosignatures import WitnessKey, read_cosignatures

NOW = datetime(2026, 6, 18, 10, tzinfo=UTC)


@pytest.mark.rule("LOG-2")
def test_a_node_cosigns_the_log_that_its_settings_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One node in both parts, its own witness, as nobody would run it."""
    keys = KeyRing(tmp_path / KEYS_FOLDER)
    log = NoteKey("dso.example/log", keys.ed25519("log").public_key().public_bytes_raw())
    witness = WitnessKey("tso.example/w", keys.ed25519("witness").public_key().public_bytes_raw())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        prefix = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/witness"
        monkeypatch.setenv("FLEXLEDGER_STATE", str(tmp_path))
        monkeypatch.setenv("FLEXLEDGER_LOG_ORIGIN", log.name)
        monkeypatch.setenv("FLEXLEDGER_WITNESS_NAME", witness.name)
        monkeypatch.setenv("FLEXLEDGER_WITNESS_LOGS", json.dumps([str(log)]))
        monkeypatch.setenv("FLEXLEDGER_WITNESSES", json.dumps([f"{witness} {prefix}"]))
        with open_node(Settings(), SettableClock(NOW)) as node:
            app = create_app(node, caretaker=False)
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            try:
                collected = node.cosigner.collect()
            finally:
                server.should_exit = True
                thread.join()
    assert collected.failures == {}
    (cosignature,) = read_cosignatures(collected.note, [witness])
    assert cosignature.at == int(NOW.timestamp())
    assert open_checkpoint(collected.note, log).size == 0
