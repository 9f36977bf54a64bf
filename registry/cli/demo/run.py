"""The order of the demo's acts, and the report they leave."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from registry.bootstrap import SettableClock, SystemClock, open_node
from registry.bootstrap.node import CHAIN_FOLDER
from registry.cli.demo import (
    attempts,
    founding,
    grid_files,
    metering,
    procuring,
    proving,
    qualifying,
    registering,
    sessions,
    settling,
)
from registry.cli.demo.book import MarketBook
from registry.cli.demo.scenario import DAY
from registry.cli.demo.serving import serving
from registry.cli.demo.stage import Stage
from registry.config import Settings
from registry.domain.calendar import SESSIONS
from registry.ledger.opening import open_embedded
from registry.ports import ContractsMissing, ContractsVersionMismatch, DatabaseCorrupted

FOUNDED = timedelta(hours=20)
"""The demo begins so long before the delivery day's midnight: four in the morning of the day before."""
MARKER = ".flexledger-demo"


def run_demo(folder: Path, console: Console) -> dict[str, Any]:
    """Play the day in ``folder``, which is emptied first, and write ``report.json`` there.

    Raises:
        DemoFailed: something did not go as it must.
        RuleViolation, OperationalError: what a room found.
        ValueError: the folder holds something else than an earlier demo.
    """
    _empty(folder)
    started = time.perf_counter()
    clock = SettableClock(DAY.starts_at - FOUNDED)
    with open_node(Settings(state=folder), clock) as node:
        stage = Stage(folder, console, clock, node)
        _prepare(stage)
        with serving(node) as url:
            _play(stage, url)
        _close(stage)
    stage.report["session_pairs"] = SESSIONS
    stage.report["seconds"]["all"] = round(time.perf_counter() - started, 2)
    (folder / "report.json").write_text(json.dumps(stage.report, indent=2) + "\n", encoding="utf-8")
    return stage.report


def _prepare(stage: Stage) -> None:
    with stage.act(1, "The chain and its contracts"):
        founding.show_chain(stage)
    with stage.act(2, "The parties"):
        founding.admit_parties(stage)
        founding.schedule_day(stage)
    with stage.act(3, "A real grid and its PODs"):
        registering.load_pods(stage)
    with stage.act(4, "Registration, static lights, devices"):
        registering.register_all(stage)
        registering.give_static_lights(stage)
        grid_files.write_grid_files(stage)
        registering.bind_devices(stage)
    with stage.act(5, "Products, equivalences, aggregates, prequalification"):
        qualifying.publish_products(stage)
        qualifying.form_aggregates(stage)
        qualifying.prequalify(stage)
        procuring.agree(stage)


def _play(stage: Stage, url: str) -> None:
    stage.facts |= {"local": MarketBook(DAY.hours), "global": MarketBook(DAY.hours)}
    with stage.act(7, "Certified measurements and setpoints"):
        metering.file_all_baselines(stage)
        metering.baselines_closed(stage)
    for session in range(1, SESSIONS + 1):
        with stage.act(6, f"Session pair {session}"):
            sessions.local_session(stage, session)
            attempts.in_local_session(stage, session)
            attempts.between_gates(stage, session)
            sessions.global_session(stage, session)
            attempts.after_global_session(stage, session)
        with stage.act(7, "Certified measurements and setpoints"):
            metering.at_block(stage, url, session - 1)
    with stage.act(7, "Certified measurements and setpoints"):
        metering.at_block(stage, url, SESSIONS)
        metering.sum_up(stage)


def _close(stage: Stage) -> None:
    with stage.act(8, "Settlement and evidence"):
        settling.settle(stage)
        settling.write_bundles(stage)
    with stage.act(9, "An outsider re-derives every figure"):
        proving.verify_bundles(stage)
        proving.find_tampering(stage)
        settling.attest(stage)
    with stage.act(10, "The register is dropped and rebuilt"):
        proving.rebuild(stage)


def _empty(folder: Path) -> None:
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARKER).exists():
            raise ValueError(
                f"state: found {folder}, which holds something else; "
                "allowed an empty folder or that of an earlier demo"
            )
        _require_unused(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()


def _require_unused(folder: Path) -> None:
    """Refuse to empty a folder that a serving node works in (AlreadyInUse)."""
    chain = folder / CHAIN_FOLDER
    if chain.is_dir():
        # Whatever else is wrong with what an earlier demo left does not matter: it is removed.
        with suppress(ContractsMissing, ContractsVersionMismatch, DatabaseCorrupted):
            open_embedded(chain, SystemClock()).close()
