"""Two kinds of import rule that import-linter does not bring along.

``StandardLibraryOnly`` keeps a room free of third parties; ``SoleImporter`` makes one room the only importer
of an external package. Both look at direct imports and cover rooms added later without being told of them.
pyproject.toml says which room is held to which.
"""

from __future__ import annotations

import abc
import sys
from dataclasses import dataclass
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


@dataclass(frozen=True, slots=True)
class DirectImport:
    """One import statement: where it stands and what it names."""

    importer: str
    imported: str
    line_number: int


def inside(module: str, package: str) -> bool:
    """Whether ``module`` is ``package`` or lies below it."""
    return module == package or module.startswith(package + ".")


def direct_imports(graph: ImportGraph) -> list[DirectImport]:
    """Every direct import of the graph, ordered by importer and line."""
    found = [
        DirectImport(detail["importer"], detail["imported"], detail["line_number"])
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        for detail in graph.get_import_details(importer=importer, imported=imported)
    ]
    return sorted(found, key=lambda each: (each.importer, each.line_number, each.imported))


def strangers_to_standard_library(imports: list[DirectImport], room: str) -> list[DirectImport]:
    """Imports inside ``room`` that reach neither the room itself nor the standard library."""
    return [
        each
        for each in imports
        if inside(each.importer, room)
        and not inside(each.imported, room)
        and each.imported.split(".")[0] not in sys.stdlib_module_names
    ]


def imports_outside_room(imports: list[DirectImport], room: str, externals: set[str]) -> list[DirectImport]:
    """Imports of one of ``externals`` that stand outside ``room``."""
    return [
        each
        for each in imports
        if any(inside(each.imported, external) for external in externals) and not inside(each.importer, room)
    ]


class _DirectImportContract(Contract):
    """Shared rendering: a contract is kept when ``violations`` finds nothing."""

    @abc.abstractmethod
    def violations(self, graph: ImportGraph) -> list[DirectImport]:
        """The imports that break the contract."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        found = self.violations(graph)
        return ContractCheck(kept=not found, metadata={"violations": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        violations: list[DirectImport] = check.metadata["violations"]
        for each in violations:
            output.print_error(
                f"{each.importer} imports {each.imported} (line {each.line_number})", bold=True
            )


class StandardLibraryOnly(_DirectImportContract):
    """``room`` imports itself and the standard library, nothing else."""

    type_name = "stdlib_only"
    room: Any = fields.StringField()

    def violations(self, graph: ImportGraph) -> list[DirectImport]:
        return strangers_to_standard_library(direct_imports(graph), self.room)


class SoleImporter(_DirectImportContract):
    """``room`` alone imports the packages named in ``externals``."""

    type_name = "sole_importer"
    room: Any = fields.StringField()
    externals: Any = fields.SetField(subfield=fields.StringField())

    def violations(self, graph: ImportGraph) -> list[DirectImport]:
        return imports_outside_room(direct_imports(graph), self.room, set(self.externals))
