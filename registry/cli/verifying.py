"""`flexledger verify`: re-derive a settlement from its evidence bundle, offline (AUD-1)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.json_text import flaw_of
from registry.evidence.bundle import OpenedCommitment
from registry.evidence.cosignatures import WitnessKey
from registry.evidence.verify import Report, Trust, verify_bundle
from registry.ledger.artifacts import load_artifacts
from registry.ledger.deployment import Deployment
from registry.ports import ContractsMissing

HASH_BYTES = 32


def verify_file(
    bundle: Path,
    deployment: Path | None,
    block_hashes: dict[int, bytes] | None = None,
    witnesses: tuple[WitnessKey, ...] = (),
    openings: tuple[OpenedCommitment, ...] = (),
) -> Report:
    """Verify a bundle file.

    Args:
        bundle: the ``.flexbundle`` file.
        deployment: the deployment the verifier trusts; without one the bundle's own addresses are used, and
            the report says so.
        block_hashes: blocks known from a node of one's own.
        witnesses: keys of all witnesses of the log; without them their cosignatures are not counted.
        openings: bids and deals of others, for their merit; without them it is not checked (SES-5).

    Raises:
        InputInvalid: AUD-1, a file cannot be read, or ``deployment`` is no deployment file.
    """
    try:
        trust = Trust(block_hashes=block_hashes or {}, witnesses=witnesses, openings=openings)
        if deployment is not None:
            trusted = Deployment.load(deployment)
            contracts = {name: bytes.fromhex(text[2:]) for name, text in trusted.addresses.items()}
            trust = replace(trust, chain_id=trusted.chain_id, contracts=contracts)
        abis = load_artifacts().abis
        return verify_bundle(bundle, trust, abis)
    except OSError as error:
        raise InputInvalid(
            rule="AUD-1", field="file", found=f"{error.filename}: {error.strerror}", allowed="a readable file"
        ) from error
    except ContractsMissing as error:
        raise InputInvalid(
            rule="AUD-1", field="deployment", found=error.found, allowed="a deployment file"
        ) from error


def read_openings(path: Path) -> tuple[OpenedCommitment, ...]:
    """The file of opened bids and deals that `GET /v1/openings/DAY` gives.

    Raises:
        InputInvalid: AUD-1, the file cannot be read or is none.
    """
    try:
        text = path.read_bytes()
        if (flaw := flaw_of(text)) is not None:
            raise _no_openings(flaw.found)
        return tuple(
            OpenedCommitment(
                bytes.fromhex(one["commitment"]), bytes.fromhex(one["salt"]), dict(one["payload"])
            )
            for one in json.loads(text)["openings"]
        )
    except OSError as error:
        raise InputInvalid(
            rule="AUD-1", field="openings", found=f"{path}: {error.strerror}", allowed="a readable file"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise _no_openings(f"{type(error).__name__} in {path}") from error


def _no_openings(found: str) -> InputInvalid:
    allowed = 'an object with "openings": commitment, salt and payload each'
    return InputInvalid(rule="AUD-1", field="openings", found=found, allowed=allowed)


def known_block(text: str) -> tuple[int, bytes]:
    """A block of a node of one's own: ``NUMBER=HASH``, the hash 32 bytes in hexadecimal.

    Raises:
        InputInvalid: AUD-1, anything else.
    """
    number, _, digest = text.partition("=")
    try:
        found = bytes.fromhex(digest.removeprefix("0x"))
    except ValueError:
        found = b""
    if not (number.isascii() and number.isdecimal()) or len(found) != HASH_BYTES:
        raise InputInvalid(
            rule="AUD-1", field="block", found=text, allowed=f"NUMBER=HASH, {2 * HASH_BYTES} hex digits"
        )
    return int(number), found


def witness_key(text: str) -> WitnessKey:
    """A witness's key as note tools write it.

    Raises:
        InputInvalid: AUD-1, anything else.
    """
    try:
        return WitnessKey.parse(text)
    except RuleViolation as violation:
        raise InputInvalid(
            rule="AUD-1",
            field="witness",
            found=text,
            allowed="NAME+ID+KEY, as GET /v1/witness of its node shows",
        ) from violation


def report_json(bundle: Path, report: Report) -> str:
    """The report for programs: ``bundle``, ``ok``, ``checks`` in their order (``name``, ``rule``, ``ok``,
    ``detail``), and ``figures``, the settlement document as derived, null if it did not get that far.
    """
    checks = [
        {"name": check.name, "rule": check.rule, "ok": check.ok, "detail": check.detail}
        for check in report.checks
    ]
    document = {"bundle": str(bundle), "ok": report.ok, "checks": checks, "figures": report.figures}
    return json.dumps(document, indent=2, ensure_ascii=False)


def print_report(console: Console, bundle: Path, report: Report) -> None:
    """One line per check, then the verdict."""
    for check in report.checks:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]"
        console.print(f"  {mark} {check.rule:<7}{check.name:<24}", end="", highlight=False)
        console.print(check.detail, highlight=False, markup=False, soft_wrap=True)
    verdict = (
        "[green]every figure re-derived[/]" if report.ok else f"[red]fails: {report.failures[0].name}[/]"
    )
    console.print(f"  {bundle}: ", end="", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(report.checks)} checks, {verdict}", highlight=False, soft_wrap=True)
