"""The compiled contracts, as ``contracts/compile.py`` wrote them: ABI, bytecode, and the rule behind each
error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from registry.domain.contract_changes import CONTRACTS, CONTRACTS_VERSION
from registry.domain.errors import RuleViolation
from registry.evidence.abi import abi_types, signature_hash
from registry.ports import ContractsMissing

CONSORTIUM = "Consortium"
"""The contract that gives the others their addresses and their code (CON-1)."""
ORDER = (CONSORTIUM, *CONTRACTS)
"""All contracts."""
LATER = frozenset({"Procurement"})
"""Contracts that the set has had since docs/adr/0017: a chain founded before is read and settled without
them.
"""


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """A typed error: its name, the rule and text of its source, its parameters' names and types in order."""

    name: str
    rule: str
    text: str
    names: tuple[str, ...]
    types: tuple[str, ...]


@dataclass(frozen=True)
class Artifact:
    """One compiled contract."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    rules: dict[str, dict[str, str]]
    """By error selector (0x-hex): ``signature``, ``rule``, ``text``."""

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """ABI entries of the functions by name; FlexLedger's contracts overload none that are called."""
        return {entry["name"]: entry for entry in self.abi if entry["type"] == "function"}

    @cached_property
    def errors(self) -> dict[bytes, ErrorEntry]:
        """Typed errors by their 4-byte selector."""
        found = {}
        for entry in self.abi:
            if entry["type"] == "error":
                selector = signature_hash(entry)[:4]
                rule = self.rules.get("0x" + selector.hex(), {"rule": "ACT-1", "text": ""})
                found[selector] = ErrorEntry(
                    entry["name"],
                    rule["rule"],
                    rule["text"],
                    tuple(parameter["name"] for parameter in entry["inputs"]),
                    abi_types(entry["inputs"]),
                )
        return found


@dataclass(frozen=True)
class Artifacts:
    """All compiled contracts of one version, and the SHA-256 over them that a deployment remembers.

    ``earlier``: the events of earlier versions by contract name, where they differ from today's: a chain
    keeps its logs (CON-1).
    """

    by_name: dict[str, Artifact]
    sha256: str
    version: int = CONTRACTS_VERSION
    earlier: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def of_chain(self, addresses: Mapping[str, str]) -> Artifacts:
        """Those of a chain that was founded when the set had no contract of :data:`LATER` yet: without it."""
        gone = LATER - addresses.keys()
        kept = {name: artifact for name, artifact in self.by_name.items() if name not in gone}
        return replace(self, by_name=kept)

    def of_command(self, contract: str) -> Artifact:
        """The contract that a command is for.

        Raises:
            RuleViolation: CON-1, the chain was founded without it.
        """
        try:
            return self.by_name[contract]
        except KeyError:
            raise RuleViolation(
                rule="CON-1",
                field="contract",
                found=f"a chain founded without {contract}",
                allowed=f"a chain with {contract}",
                hint="the consortium's contracts are named when it is founded",
            ) from None

    @cached_property
    def abis(self) -> dict[str, list[Mapping[str, Any]]]:
        """What reads the logs of a chain from its first block on, by contract name."""
        return {name: [*artifact.abi, *self.earlier.get(name, ())] for name, artifact in self.by_name.items()}

    @cached_property
    def errors(self) -> dict[bytes, ErrorEntry]:
        """Typed errors of all contracts: one contract's error surfaces through the others that call it."""
        return {key: entry for artifact in self.by_name.values() for key, entry in artifact.errors.items()}


def load_artifacts(folder: Traversable | None = None, names: tuple[str, ...] = ORDER) -> Artifacts:
    """Read the artifacts of ``folder`` (default: those that came with the program).

    Raises:
        ContractsMissing: one is not there.
    """
    folder = resources.files("contracts.artifacts") if folder is None else folder
    digest = hashlib.sha256()
    by_name = {}
    for name in names:
        try:
            data = folder.joinpath(f"{name}.json").read_bytes()
        except FileNotFoundError as error:
            raise ContractsMissing(
                found=f"no {name}.json in {folder}",
                expected="one artifact per contract",
                remedy="run `make contracts`",
            ) from error
        digest.update(data)
        entry = json.loads(data)
        by_name[name] = Artifact(
            name, entry["abi"], bytes.fromhex(entry["bytecode"].removeprefix("0x")), entry["errors"]
        )
    return Artifacts(by_name, digest.hexdigest())
