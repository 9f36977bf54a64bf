"""Acts 9 and 10: an outsider re-derives the figures; the register is dropped and rebuilt."""

from __future__ import annotations

import random
from pathlib import Path

from registry.cli.demo.settling import OPENINGS
from registry.cli.demo.stage import Stage
from registry.cli.outcome import DemoFailed
from registry.cli.verifying import print_report, read_openings, verify_file

TAMPER_SEED = 18


def verify_bundles(stage: Stage) -> None:
    """What `flexledger verify --openings` does for an auditor, for each bundle, offline."""
    deployment = stage.folder / "chain" / "deployment.json"
    checks, ok = [], True
    for path in stage.facts["bundles"]:
        others = read_openings(path.parent / OPENINGS)
        report = verify_file(path, deployment, openings=others)
        print_report(stage.console, path, report)
        checks += [{"bundle": path.name, "name": c.name, "rule": c.rule, "ok": c.ok} for c in report.checks]
        ok = ok and report.ok
    stage.report["verify"] = {"ok": ok, "checks": checks}
    if not ok:
        raise DemoFailed("a bundle does not verify")


def find_tampering(stage: Stage) -> None:
    """A copy of each bundle with one changed byte fails, and the check that found it has a name."""
    deployment = stage.folder / "chain" / "deployment.json"
    for path in stage.facts["bundles"]:
        copy = _changed_copy(path)
        report = verify_file(copy, deployment)
        if report.ok:
            raise DemoFailed(f"{copy}: a changed byte was not found")
        stage.add_refusal(
            f"verify {copy.name}, a copy with one changed byte", "AUD-1", report.failures[0].detail
        )
    stage.report["tamper_found"] = True


def rebuild(stage: Stage) -> None:
    """Drop the mirror, rebuild it from the chain, compare row for row (MIR-1)."""
    mirror = stage.node.mirror
    before = list(mirror.dump())
    mirror.drop()
    mirror.catch_up()
    after = list(mirror.dump())
    tables = len({table for table, _ in before})
    stage.report["rebuild_equal"] = before == after
    if before != after:
        raise DemoFailed("the rebuilt mirror differs from the one that was dropped")
    stage.say(
        f"{len(before)} rows in {tables} tables, dropped and rebuilt from the chain: equal, row for row"
    )


def _changed_copy(path: Path) -> Path:
    data = bytearray(path.read_bytes())
    at = random.Random(TAMPER_SEED).randrange(len(data))
    data[at] ^= 0x01
    copy = path.with_suffix(".tampered")
    copy.write_bytes(data)
    return copy
