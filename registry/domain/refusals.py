"""Refusals of the ledger: one entry per typed error of the contracts.

A refusal has the name and the values of the Solidity error, whoever raised it: a contract, decoded by the
ledger, or the rulebook in memory. So both say the same sentence, and a test can compare them. The texts
follow from the values by templates: `{x}` plain, `{x!h}` bytes in hex, `{x!w}` a word in 32 bytes, `{x!t}` a
time, `{x!d}` a direction, `{x!c}` a selection's cell, `{x!n}` a number, or a word where one is meant.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from registry.domain.calendar import from_unix
from registry.domain.enums import ChangeState, Market, PartyKind, QualificationState, StaticLight
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import text_of_bytes32
from registry.domain.quantities import signed_kw


@dataclass(frozen=True, slots=True)
class RefusalKind:
    """A typed error: its rule, its parameters in order, and the templates of what it says."""

    name: str
    rule: str
    parameters: tuple[str, ...]
    field: str
    found: str
    allowed: str


class Refusal(RuleViolation):
    """A write that the ledger refuses, with the name and values of its typed error."""

    def __init__(self, name: str, /, **values: object) -> None:
        kind = REFUSALS[name]
        if tuple(values) != kind.parameters:
            raise TypeError(f"{name} takes {kind.parameters}, got {tuple(values)}")
        self.name = name
        self.values = {key: _typed(name, key, value) for key, value in values.items()}
        super().__init__(
            rule=kind.rule,
            field=str(_show(kind.field, self.values)),
            found=_show(kind.found, self.values),
            allowed=_show(kind.allowed, self.values),
        )

    @classmethod
    def decoded(cls, name: str, values: Sequence[object]) -> Refusal:
        """The refusal of a contract's error from its decoded parameters in order.

        Raises:
            KeyError: no such error.
        """
        return cls(name, **dict(zip(REFUSALS[name].parameters, values, strict=True)))

    def plain_values(self) -> dict[str, bool | int | str]:
        """The values as JSON has them: truth values, numbers up to 2^53, text; bytes in hex."""
        return {name: _plain(value) for name, value in self.values.items()}


def _plain(value: object) -> bool | int | str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, bool):
        return value
    return int(value) if isinstance(value, int) and value <= _EXACT_IN_JSON else str(value)


class _Formatter(string.Formatter):
    def convert_field(self, value: Any, conversion: str | None) -> Any:
        match conversion:
            case "h":
                return "0x" + value.hex()
            case "w":
                return text_of_bytes32(value)
            case "t":
                return from_unix(value).isoformat() if value else "no date"
            case "n":
                return text_of_bytes32(value.to_bytes(32)) if value >= _WORD_MIN else value
            case "d":
                return "down" if value else "up"
            case "c":
                return f"{signed_kw(value):+d} kW"
        return value

    def format_field(self, value: Any, format_spec: str) -> str:
        return value.name.lower() if isinstance(value, IntEnum) else str(format(value, format_spec))


_EXACT_IN_JSON = 1 << 53
_WORD_MIN = 1 << 64
"""Values from here on are words in 32 bytes, not numbers."""
_FORMATTER = _Formatter()
_ENUMS: dict[str, type[IntEnum]] = {
    "change_state": ChangeState,
    "kind": PartyKind,
    "light": StaticLight,
    "market": Market,
    "other": Market,
    "state": QualificationState,
    "wanted": QualificationState,
}


def _typed(name: str, key: str, value: object) -> object:
    enum = _ENUMS.get(key)
    return enum(value) if enum is not None and isinstance(value, int) else value


def _show(template: str, values: Mapping[str, object]) -> object:
    """The template filled in; a template that is one plain value gives the value itself."""
    plain = values.get(template[1:-1])
    return plain if type(plain) is int else _FORMATTER.vformat(template, (), values)


def _read(table: str) -> dict[str, RefusalKind]:
    """Two lines per error: name, rule, parameters; then field, found and allowed between bars."""
    lines = table.strip().splitlines()
    kinds = {}
    for signature, texts in zip(lines[::2], lines[1::2], strict=True):
        left, parameters = signature.split(":")
        name, rule = left.split()
        field, found, allowed = (text.strip() for text in texts.split("|"))
        kinds[name] = RefusalKind(name, rule, tuple(parameters.split()), field, found, allowed)
    return kinds


REFUSALS: dict[str, RefusalKind] = _read("""
FoundingRefused CON-1: sender version
    sender | {sender}, version {version} | who made the consortium, before it is founded
ContractUnknown CON-1: name
    name | {name!w} | the name of a contract, each once
CodeMissing CON-1: name implementation
    implementation of {name!w} | {implementation} | an address with code
NotOperator CON-1: party
    operator | {party} | a TSO or a DSO
ChangeEmpty CON-1:
    codes | none | code for at least one contract
NoticeTooShort CON-1: not_before earliest
    not_before | {not_before!t} | {earliest!t} or later
ChangeNotOpen CON-1: change change_state
    change | {change}, {change_state} | a change that is open
ChangeOutdated CON-1: change version in_force
    change | {change}, for version {version} | a change of the contracts in force, version {in_force}
ConsentTwice CON-1: change operator
    operator | {operator} | one that has not consented to change {change}
ChangeOfOther CON-1: change proposer caller
    operator | {caller} | {proposer}, who proposed change {change}
ChangeTooEarly CON-1: change not_before now_at
    change {change} | {now_at!t} | {not_before!t} or later
CodesDiffer CON-1: change
    codes | other ones | those that change {change} was proposed with
ConsentsMissing CON-1: change consents operators
    consents to change {change} | {consents} | more than two thirds of {operators} operators
NotAuthorised ACT-1: party kind sender
    sender | {sender} | a key that signs for {kind} {party}
PartyIsSuspended ACT-1: party
    party | {party} | a party that is not suspended
PartyNotAdmissible ACT-1: party kind
    party | {party} as {kind} | a free number above 0 and a kind
UnknownParty ACT-1: party
    party | {party} | an admitted party
EicInvalid ACT-2: eic
    eic | {eic!w} | 16 characters that end with their check character
EicTaken ACT-2: eic party
    eic | {eic!w} | an EIC of its own (party {party} has this one)
SignerTaken ACT-1: signer party
    signer | {signer} | an address that signs for nobody (party {party} has this one)
EnforcedPause ACT-1:
    ledger | paused | writes while it is not paused
ExpectedPause ACT-1:
    ledger | not paused | unpausing while it is paused
AccessControlUnauthorizedAccount ACT-1: account needed_role
    sender | {account} | a key with the role {needed_role!h}
SignerOnlyRotates ACT-1: role
    role | {role!h} renounced | a rotation to the next signer
ConsentRepeated ACT-1: seat
    seat | {seat} | a seat that has not consented yet
AdminOfferInvalid ACT-1: seats threshold
    seats | {seats}, {threshold} of which agree | 1 to 16 different seats and a threshold within
AdminNotOffered ACT-1: sender
    sender | {sender} | a seat that the admin is offered to
DelegationInvalid ACT-1: party agent valid_until limit
    delegation | to party {agent} until {valid_until!t} | to another party, from now to {limit!t} at most
DelegationMissing ACT-1: party agent
    delegation | from {party} to {agent}: none | a right that was delegated
ScheduleInvalid SES-1: day field found limit
    {field!w} of day {day} | {found} | an order of times around {limit}
DayNotScheduled SES-1: day
    day | {day} | a scheduled delivery day
SessionNotOpen SES-4: day market session opens_at now_at
    {market} {session} | {now_at!t} | from {opens_at!t} on day {day}
GateClosed SES-4: day market session gate now_at
    {market} {session} | {now_at!t} | before its gate at {gate!t} for day {day}
SessionUnknown SES-1: session
    session | {session} | 1 to 6
PerimeterOfOther DTL-1: perimeter dso
    perimeter | {perimeter} | a perimeter of DSO {dso}
PerimeterExists DTL-1: perimeter
    perimeter | {perimeter} | a number that was never used
PerimeterNotInForce DTL-1: perimeter day
    perimeter | {perimeter} | a perimeter of the partition of day {day}
NotASuccessor DTL-1: perimeter predecessor
    perimeter | {perimeter} | a perimeter that was split or merged from {predecessor}
LightMalformed DTL-2: perimeter day
    lights of {perimeter} | a stray cell or flag | cells in the hours of day {day}, flags on yellow cells
PodAlreadyRegistered POD-1: pod_id bsp
    pod_id | {pod_id!h} | one active registration (BSP {bsp} has it)
RegistrationInvalid POD-1: pod_id field found limit
    {field!w} of {pod_id!h} | {found} | limit {limit}
PodUnknown POD-1: pod_id
    pod_id | {pod_id!h} | a POD with an active registration
PodOfOtherBsp POD-1: pod_id bsp caller
    pod_id | {pod_id!h} of BSP {bsp} | a POD of BSP {caller}
PodOfOtherDso POD-2: pod_id dso caller
    pod_id | {pod_id!h} of DSO {dso} | a POD of DSO {caller}
StaticLightInconsistent POD-2: pod_id light up_kw down_kw declared_up_kw declared_down_kw
    light | {light}, up {up_kw}, down {down_kw} kW | of {declared_up_kw}, {declared_down_kw} kW all, less or 0
ReasonMissing POD-2: pod_id
    reason | none | a reason for a modulation or an invalidation
StaticLightMissing POD-2: pod_id light
    static light of {pod_id!h} | {light} | confirmed or modulated
ClaimStep POD-5: pod_id bsp holder
    claim of {pod_id!h} | by BSP {bsp}, held by {holder} | a step that the claim allows now
AggregateOfOther AGG-1: aggregate bsp
    aggregate | {aggregate} | an aggregate of BSP {bsp}
AggregateExists AGG-1: aggregate
    aggregate | {aggregate} | a number that was never used
AggregateUnknown AGG-1: aggregate
    aggregate | {aggregate} | an aggregate that was created
PodInOtherAggregate AGG-2: pod_id aggregate
    pod_id | {pod_id!h} in aggregate {aggregate} | one aggregate of each scope
PodNotMember AGG-1: pod_id aggregate
    pod_id | {pod_id!h} | a member of aggregate {aggregate}
TooManyCounterparts AGG-2: aggregate limit
    counterparts of aggregate {aggregate} | one more | {limit}
ProductOfOther PRD-1: product operator
    product | {product} | a product of operator {operator}
ProductExists PRD-1: product
    product | {product} | a number that was never used
ProductUnknown PRD-1: product
    product | {product} | a published product
ProductInvalid PRD-1: product attribute found limit
    {attribute!w} | {found} | limit {limit}
ListsDiffer PRQ-1: expected found
    entries of a list | {found} | {expected}, as the first list has
StepNotAllowed PRQ-1: aggregate product state wanted
    state | {wanted} | a step that leads on from {state}
StepOfOther PRQ-1: aggregate product caller
    caller | {caller} | the party whose step it is
PowerBelowProduct PRQ-1: aggregate product found_kw minimum_kw
    power of aggregate {aggregate} | {found_kw} | at least {minimum_kw} kW for product {product}
NotEquivalent TOE-1: from_ to attribute from_value to_value
    {attribute!w} | {from_value!n} | what product {to} demands ({to_value!n}) from product {from_}
EquivalenceStep TOE-1: from_ to operator
    equivalence | {from_} to {to} | a step that operator {operator} may take now
EquivalenceNotInForce TOE-1: from_ to
    equivalence | {from_} to {to} | one that both operators accepted
AggregatesNotIdentical TOE-2: tested asking shared tested_pods asking_pods
    aggregates {tested} and {asking} | {shared} shared of {tested_pods} and {asking_pods} PODs | the same PODs
NotQualified PRQ-1: aggregate product state valid_until
    aggregate {aggregate} for product {product} | {state}, until {valid_until!t} | qualified and not expired
AggregateChanged PRQ-2: aggregate product what tested found
    {what!w} of aggregate {aggregate} | {found} | {tested} as tested for product {product}, or a new test
ChainMalformed TOE-2: product length limit
    chain | {length} products | 1 to {limit} products that end at {product}
OutcomeDuplicate SES-4: aggregate perimeter day session
    session | {session} | a session after the last of aggregate {aggregate} in perimeter {perimeter}
SelectionOfOther SES-2: aggregate perimeter day operator caller
    operator | {caller} | {operator}, who selected aggregate {aggregate} in perimeter {perimeter}
HourDefinitive SES-2: aggregate perimeter day hour recorded found
    hour {hour} | {found!c} | {recorded!c}, planned definitively before
SelectionMalformed SES-4: aggregate perimeter day
    cells | a cell outside the day or a direction without power | the hours of day {day}
WrongScope SES-3: aggregate market
    aggregate | {aggregate} | an aggregate of the scope of {market}
NotOwnProduct SES-4: product operator
    product | {product} | a product (and perimeter) of operator {operator}
PodsUnavailable SES-2: aggregate perimeter day hour down wanted_kw available_kw
    hour {hour} {down!d} | {wanted_kw} | at most {available_kw} kW, left in aggregate {aggregate}
RedLight DTL-2: perimeter day hour down wanted_kw
    hour {hour} {down!d} | {wanted_kw} | 0 kW, the light of perimeter {perimeter} is red
OppositeToLocal DTL-3: perimeter day hour down wanted_kw local_kw
    hour {hour} {down!d} | {wanted_kw} | 0 kW against {local_kw} kW of local activation in {perimeter}
CapabilityExceeded DTL-4: perimeter day hour down total_kw capability_kw
    hour {hour} {down!d} | {total_kw} | at most {capability_kw} kW of all aggregates in perimeter {perimeter}
LightsMissing DTL-2: perimeter day
    lights | none | published lights of perimeter {perimeter} for day {day}
LocalBothDirections DTL-3: perimeter day hour
    hour {hour} | up and down | local activations in one direction in perimeter {perimeter}
PowerTooLarge SES-3: hour found_kw limit_kw
    hour {hour} | {found_kw} | at most {limit_kw} kW in all
NothingSelected SES-3: aggregate perimeter day hour
    hour {hour} | 0 kW selected | an hour that is selected for aggregate {aggregate}
DeclarationLate SES-4: aggregate perimeter day due now_at
    declaration | {now_at!t} | before {due!t}
PodServesOtherMarket SES-3: pod_id day hour other
    hour {hour} | {pod_id!h} serves {other} | a POD that serves one market per hour
PodNotInPool SES-3: pod_id aggregate perimeter day
    pod_id | {pod_id!h} | an active POD of aggregate {aggregate} in perimeter {perimeter}, day {day}
OtherMarketUncovered SES-3: other_aggregate perimeter day hour selected_kw left_kw
    hour {hour} | {left_kw} | at least {selected_kw} kW left to aggregate {other_aggregate}
QuartersInvalid SES-6: pod_id day found allowed
    quarters | {found:#x} | bits of {allowed:#x}
ReleaseUncovered SES-6: aggregate perimeter day hour selected_kw left_kw
    hour {hour} | {left_kw} | at least {selected_kw} kW of declared PODs
BaselineLate BAS-1: day gate now_at
    baselines of day {day} | {now_at!t} | before the gate at {gate!t}
BaselineOfOther BAS-1: pod_id bsp caller
    pod_id | {pod_id!h} of BSP {bsp} | a POD of BSP {caller}
AgreementExists SES-5: commitment
    commitment | {commitment!h} | an agreement that was not proposed yet
AgreementOfOthers SES-5: commitment dso aggregate caller
    agreement | DSO {dso}, aggregate {aggregate}, by {caller} | a DSO and a BSP's aggregate, by one of the two
AgreementNotAcceptable SES-5: commitment caller
    agreement {commitment!h} | accepted by {caller} | a proposal, accepted once, by the other party
DeviceOfOtherDso DEV-1: pod_id dso caller
    pod_id | {pod_id!h} of DSO {dso} | a POD of DSO {caller}
LengthsDiffer DEV-1: expected found
    entries of valid_until | {found} | {expected}, one per POD
KeyInvalid DEV-1: key_x key_y
    key | {key_x!h}, {key_y!h} | a point of P-256
KeyTaken DEV-1: key_id pod_id
    key | {key_id!h} | a key that was never bound (POD {pod_id!h} had it)
ValidityInvalid DEV-1: pod_id valid_from valid_until
    validity | {valid_from!t} to {valid_until!t} | an end after its start, no start before the key it replaces
DeviceUnknown DEV-1: pod_id key_id
    device | {key_id!h} | a device of POD {pod_id!h}
LogOfOther LOG-2: log_id node caller
    log_id | {log_id!h} of access node {node} | a log of access node {caller}
LogShrinks LOG-2: log_id anchored found
    size | {found} | at least {anchored}, the size anchored before
LogForks LOG-2: log_id size anchored found
    root at size {size} | {found!h} | {anchored!h}, anchored before
StatementExists STT-4: statement_id
    statement_id | {statement_id!h} | a statement that was not recorded yet
StatementUnknown STT-4: statement_id
    statement_id | {statement_id!h} | a recorded statement
NotSettleable STT-4: statement_id product operator day
    statement | product {product}, day {day} | a product of operator {operator}, after the day of delivery
SupersedesWrong STT-4: statement_id in_force found
    supersedes | {found!h} | {in_force!h}, the statement in force
NotDisputable STT-4: statement_id bsp until now_at
    dispute | BSP {bsp} at {now_at!t} | the aggregate's BSP, once, before {until!t}
""")
"""Every typed error of the contracts, by name, in the order of the contracts."""
