"""The house's own import rules find what they forbid, and pyproject.toml names every room."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tools.import_contracts import DirectImport, imports_outside_room, strangers_to_standard_library

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


def test_a_third_party_or_another_room_in_the_domain_is_found() -> None:
    kept = [
        DirectImport("registry.domain.calendar", "datetime", 1),
        DirectImport("registry.domain.calendar", "collections.abc", 2),
        DirectImport("registry.domain.calendar", "registry.domain.errors", 3),
        DirectImport("registry.mirror", "sqlmodel", 4),
    ]
    broken = [
        DirectImport("registry.domain.calendar", "pytz", 5),
        DirectImport("registry.domain", "registry.evidence.merkle", 6),
    ]
    assert strangers_to_standard_library([*kept, *broken], "registry.domain") == broken


def test_an_external_is_found_outside_its_room_only() -> None:
    kept = [
        DirectImport("registry.ledger.client", "web3", 1),
        DirectImport("registry.ledger", "web3.types", 2),
        DirectImport("api.app", "web3extras", 3),
    ]
    broken = [DirectImport("registry.ledger_tools", "web3", 4), DirectImport("api.app", "web3.types", 5)]
    assert imports_outside_room([*kept, *broken], "registry.ledger", {"web3"}) == broken


def test_every_part_of_the_register_stands_in_a_layer() -> None:
    layers = next(contract for contract in SETTINGS["contracts"] if contract["type"] == "layers")["layers"]
    named = {room.strip() for layer in layers for room in layer.split("|")}
    present = {
        f"registry.{path.stem}"
        for path in (ROOT / "registry").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__")
        or (path.is_dir() and (path / "__init__.py").exists())
    }
    assert present <= named, f"rooms without a layer: {sorted(present - named)}"


def test_every_folder_with_modules_is_a_package_and_ships() -> None:
    folders = {
        path.parent
        for room in ("registry", "api", "pgui_sim", "contracts")
        for path in (ROOT / room).rglob("*.py")
    }
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
