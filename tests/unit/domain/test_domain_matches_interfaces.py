"""Events, commands, structs, enums and refusals are those of the Solidity interfaces, in their order."""

from __future__ import annotations

import dataclasses
import enum
import re
from pathlib import Path

import pytest

from registry.domain import (
    aggregates,
    contract_changes,
    devices,
    enums,
    lights,
    market,
    participants,
    pods,
    products,
    recorded_offers,
    sessions,
    statements,
)
from registry.domain.commands import COMMANDS
from registry.domain.events import EVENTS, Event, Paused, Recorded
from registry.domain.quantities import HourCells
from registry.domain.refusals import REFUSALS, Refusal

SOURCES = Path(__file__).parents[3] / "contracts" / "src"
INHERITED_ERRORS = {"EnforcedPause", "ExpectedPause", "AccessControlUnauthorizedAccount"}
STRUCTS: dict[str, type] = {
    "Code": contract_changes.Code,
    "Admission": participants.Admission,
    "Registration": pods.Registration,
    "Roster": pods.Roster,
    "PodClaim": pods.PodClaim,
    "Handover": pods.Handover,
    "StaticLightDecision": pods.StaticLightDecision,
    "Pod": pods.Pod,
    "Pool": pods.Pool,
    "AggregateDraft": aggregates.AggregateDraft,
    "Product": products.Product,
    "DaySchedule": sessions.DaySchedule,
    "PerimeterDraft": lights.PerimeterDraft,
    "PerimeterLights": lights.PerimeterLights,
    "Selection": market.Selection,
    "PodQuarters": market.PodQuarters,
    "BaselineFiling": market.BaselineFiling,
    "AgreementDraft": recorded_offers.AgreementDraft,
    "Offer": recorded_offers.Offer,
    "Binding": devices.Binding,
    "Statement": statements.Statement,
    "HourCells": HourCells,
}


def snake(name: str) -> str:
    plain = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return plain + "_" if plain == "from" else plain


def names(parameters: str, separator: str = ",") -> tuple[str, ...]:
    return tuple(snake(part.split()[-1]) for part in parameters.split(separator) if part.strip())


def uncommented(path: Path) -> str:
    return re.sub(r"//.*", "", path.read_text())


INTERFACES = {
    path.stem.removeprefix("I"): uncommented(path) for path in (SOURCES / "interfaces").glob("*.sol")
}
EVERYTHING = "\n".join([*INTERFACES.values(), uncommented(SOURCES / "types" / "Types.sol")])


def test_events() -> None:
    declared = {
        name: (contract, names(parameters))
        for contract, source in INTERFACES.items()
        for name, parameters in re.findall(r"event (\w+)\((.*?)\);", source, re.DOTALL)
    }
    inherited = {"Paused": ("Participants", ("account",)), "Unpaused": ("Participants", ("account",))}
    ours = {name: (event.contract, fields_of(event)) for name, event in EVENTS.items()}
    assert ours == declared | inherited


def test_commands() -> None:
    declared = {
        (contract, name): names(parameters)
        for contract, source in INTERFACES.items()
        for name, parameters in re.findall(r"function (\w+)\(([^)]*?)\)\s*external;", source, re.DOTALL)
    }
    ours = {(command.contract, command.function): fields_of(command) for command in COMMANDS.values()}
    founding = {("Consortium", "found"): ("codes",), ("Participants", "initialize"): ("admin",)}
    assert ours | founding == declared


def test_structs() -> None:
    declared = {
        name: names(body, ";") for name, body in re.findall(r"struct (\w+) \{(.*?)\}", EVERYTHING, re.DOTALL)
    }
    assert {name: fields_of(struct) for name, struct in STRUCTS.items()} == declared


def test_enums() -> None:
    for name, body in re.findall(r"enum (\w+) \{(.*?)\}", EVERYTHING, re.DOTALL):
        ours: type[enum.IntEnum] = getattr(enums, name)
        values = [snake(value.strip()).upper() for value in body.split(",") if value.strip()]
        assert [(member.name, member.value) for member in ours] == [
            (value, i) for i, value in enumerate(values)
        ]


def test_refusals_have_the_names_values_and_rules_of_the_errors() -> None:
    declared = {}
    for path in SOURCES.rglob("*.sol"):
        pattern = r"@dev ([A-Z]+-\d): (?:(?!\n\s*error).)*?\n\s*error (\w+)\((.*?)\);"
        for rule, name, parameters in re.findall(pattern, path.read_text(), re.DOTALL):
            declared[name] = (rule, names(parameters))
    ours = {kind.name: (kind.rule, kind.parameters) for kind in REFUSALS.values()}
    assert {name: ours[name] for name in ours if name not in INHERITED_ERRORS} == declared
    assert {ours[name][0] for name in INHERITED_ERRORS} == {"ACT-1"}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_can_be_said(name: str) -> None:
    kind = REFUSALS[name]
    word = {
        "field",
        "attribute",
        "what",
        "log_id",
        "key_id",
        "key_x",
        "key_y",
        "statement_id",
        "commitment",
        "in_force",
        "role",
        "needed_role",
    }
    bytes_in = {
        "CodeMissing": {"name"},
        "ContractUnknown": {"name"},
        "SupersedesWrong": {"found"},
        "LogForks": {"found", "anchored"},
        "KeyTaken": {"pod_id"},
    }
    values: list[object] = [
        b"\x61" * 32 if key in word | bytes_in.get(name, set()) or key in ("pod_id", "eic") else 1
        for key in kind.parameters
    ]
    refusal = Refusal.decoded(name, values)
    assert (refusal.name, refusal.rule) == (name, kind.rule)
    assert str(refusal).startswith(f"{kind.rule}: ")
    assert "{" not in str(refusal)
    assert set(refusal.values) == set(kind.parameters)


def test_a_refusal_takes_exactly_its_values() -> None:
    with pytest.raises(TypeError, match="DayNotScheduled takes"):
        Refusal("DayNotScheduled", days=1)


def test_recorded_events_have_a_total_order() -> None:
    def at(block: int, index: int) -> Recorded[Event]:
        return Recorded(Paused("0x1"), "Participants", block, b"", 0, b"", index, "0x1")

    events = [at(2, 0), at(1, 5), at(1, 1)]
    assert [event.position for event in sorted(events)] == [(1, 1), (1, 5), (2, 0)]


def fields_of(cls: type) -> tuple[str, ...]:
    assert dataclasses.is_dataclass(cls)
    return tuple(field.name for field in dataclasses.fields(cls))
