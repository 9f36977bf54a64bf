"""`flexledger verify`: re-derive a settlement from its evidence bundle, offline (AUD-1)."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from registry.domain.errors import InputInvalid
from registry.evidence.verify import Report, Trust, verify_bundle
from registry.ledger.artifacts import load_artifacts


def verify_file(
    bundle: Path, deployment: Path | None, block_hashes: dict[int, bytes] | None = None
) -> Report:
    """Verify a bundle file.

    Args:
        bundle: the ``.flexbundle`` file.
        deployment: the deployment the verifier trusts; without one the bundle's own addresses are used, and
            the report says so.
        block_hashes: blocks known from a node of one's own.

    Raises:
        InputInvalid: AUD-1, a file cannot be read.
    """
    try:
        trust = Trust(block_hashes=block_hashes or {})
        if deployment is not None:
            fields = json.loads(deployment.read_text(encoding="utf-8"))
            contracts = {name: bytes.fromhex(address[2:]) for name, address in fields["addresses"].items()}
            trust = Trust(int(fields["chain_id"]), contracts, block_hashes or {})
        abis = {name: artifact.abi for name, artifact in load_artifacts().by_name.items()}
        return verify_bundle(bundle, trust, abis)
    except OSError as error:
        raise InputInvalid(
            rule="AUD-1", field="file", found=f"{error.filename}: {error.strerror}", allowed="a readable file"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputInvalid(
            rule="AUD-1", field="deployment", found=repr(error), allowed="a deployment file"
        ) from error


def print_report(console: Console, bundle: Path, report: Report) -> None:
    """One line per check, then the verdict."""
    for check in report.checks:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]"
        console.print(f"  {mark} {check.rule:<7}{check.name:<24}", end="", highlight=False)
        console.print(check.detail, highlight=False, markup=False, soft_wrap=True)
    verdict = (
        "[green]every figure re-derived[/]" if report.ok else f"[red]fails: {report.failures[0].name}[/]"
    )
    console.print(f"  {bundle}: {len(report.checks)} checks, {verdict}", highlight=False, soft_wrap=True)
