"""The ledger's part of a bundle: from block bytes to facts (AUD-1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from eth_hash.auto import keccak

from registry.domain.contract_changes import CONTRACTS_VERSION
from registry.domain.errors import RuleViolation
from registry.domain.events import ContractsChanged
from registry.evidence.abi import AbiItem, EventDecoder
from registry.evidence.blocks import BlockEvidence, Header, Log, parse_header, verify_block, verify_run
from registry.evidence.facts import Facts, LedgerFact
from registry.evidence.verify.report import Trust

ROOT_CONTRACT: Final = "Consortium"
"""The contract deployed first; it gives the others their addresses and their code."""
_FOUNDED: Final = bytes(keccak(b"ConsortiumFounded(uint32,(bytes32,address,bytes)[])"))


def check_trust(chain_id: int, contracts: Mapping[str, bytes], trust: Trust) -> str:
    """Compare the bundle's chain and contracts with what the verifier trusts."""
    if trust.chain_id not in (None, chain_id):
        raise _violation("chain_id", chain_id, trust.chain_id)
    if trust.contracts is not None and dict(trust.contracts) != dict(contracts):
        differing = sorted(
            name
            for name in {*trust.contracts, *contracts}
            if trust.contracts.get(name) != contracts.get(name)
        )
        raise _violation("contracts", f"other addresses of {', '.join(differing)}", "the trusted deployment")
    if trust.contracts is None:
        return f"chain {chain_id}; addresses are the bundle's own: compare them with the deployment"
    return f"chain {chain_id}, {len(contracts)} contracts of the trusted deployment"


def check_run(blocks: Sequence[BlockEvidence], trust: Trust) -> tuple[list[Header], str]:
    """Check that the headers form one gapless chain, through the blocks the verifier knows."""
    headers = [parse_header(block.header_rlp) for block in blocks]
    verify_run(headers)
    first, last = headers[0], headers[-1]
    known = 0
    for number, block_hash in trust.block_hashes.items():
        if first.number <= number <= last.number:
            found = headers[number - first.number].hash
            if found != block_hash:
                raise _violation("block_hash", f"{found.hex()} of block {number}", block_hash.hex())
            known += 1
    if trust.block_hashes and not known:
        raise _violation(
            "block_hash", f"blocks {first.number} .. {last.number}", "a run through a trusted block"
        )
    anchor = f"through {known} trusted blocks" if known else "compare the last hash with a node you trust"
    return headers, f"blocks {first.number} .. {last.number}, the last is 0x{last.hash.hex()}; {anchor}"


def check_receipts(
    headers: Sequence[Header], blocks: Sequence[BlockEvidence], contracts: Mapping[str, bytes]
) -> tuple[list[tuple[Header, tuple[Log, ...]]], str]:
    """Check every block's receipts; where they are left out, the header must exclude that a contract
    logged.
    """
    proved, left_out = [], 0
    for header, block in zip(headers, blocks, strict=True):
        if block.receipts or not any(header.may_log(address) for address in contracts.values()):
            left_out += not block.receipts
            proved.append((header, verify_block(header, block.receipts) if block.receipts else ()))
        else:
            raise _violation(
                "receipts",
                f"none of block {header.number}",
                "those of a block in which a contract may have logged",
            )
    return proved, f"{len(proved) - left_out} blocks with receipts, {left_out} in which no contract logged"


def check_start(proved: Sequence[tuple[Header, tuple[Log, ...]]], contracts: Mapping[str, bytes]) -> str:
    """Check that the run reaches back to the deployment, so that nothing recorded earlier can be missing.

    The consortium's first log is that it gave the other contracts their code (CON-1); they cannot have logged
    before.
    """
    root = contracts.get(ROOT_CONTRACT)
    for header, logs in proved:
        for log in logs:
            if log.address == root:
                if log.topics[:1] == (_FOUNDED,):
                    return f"from the founding of the contracts in block {header.number}"
                raise _violation(
                    "start",
                    f"a run that starts within the life of {ROOT_CONTRACT}",
                    "one from its deployment on",
                )
    raise _violation("start", f"no log of {ROOT_CONTRACT}", "a run from its deployment on")


def check_events(
    proved: Sequence[tuple[Header, tuple[Log, ...]]],
    abis: Mapping[str, Sequence[AbiItem]],
    contracts: Mapping[str, bytes],
    version: int = CONTRACTS_VERSION,
) -> tuple[Facts, str]:
    """Decode the contracts' logs into facts; every contract named must have logged, and none may have been
    changed beyond ``version``, whose rules the verifier knows (CON-1).
    """
    unknown = sorted(contracts.keys() - abis.keys())
    if unknown:
        raise _violation("contracts", ", ".join(unknown), ", ".join(sorted(abis)))
    decoder = EventDecoder(abis, contracts)
    facts, seen = [], set()
    for header, logs in proved:
        for log in logs:
            contract = decoder.contract_of(log)
            if contract is None:
                continue
            seen.add(contract)
            event = decoder.decode(log)
            if isinstance(event, ContractsChanged) and event.version > version:
                raise _violation(
                    "contracts",
                    f"version {event.version} from block {header.number} on",
                    f"version {version}, which this program knows (CON-1)",
                )
            if event is not None:
                facts.append(
                    LedgerFact(event, contract, header.number, header.hash, header.timestamp, log.index)
                )
    silent = sorted(contracts.keys() - seen)
    if silent:
        raise _violation(
            "contracts", f"{', '.join(silent)} never logged", "addresses at which the contracts stand"
        )
    return Facts(facts), f"{len(facts)} events of {len(seen)} contracts"


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="AUD-1", field=field, found=found, allowed=allowed)
