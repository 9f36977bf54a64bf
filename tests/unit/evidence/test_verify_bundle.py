"""The offline verification re-derives a settlement, and finds whatever is not as it should be, naming the
check.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.domain.events import (
    CheckpointAnchored,
    DayScheduled,
    DeviceEnded,
    EquivalenceAccepted,
    EquivalenceRevoked,
    LightsPublished,
    PodLeft,
    QualificationMoved,
    StatementRecorded,
)
from registry.domain.identifiers import canonical_json
from registry.domain.prequalification import QualificationState
from registry.domain.quantities import GREEN, pack_cells
from registry.domain.sessions import Market
from registry.evidence.blocks import BlockEvidence
from registry.evidence.bundle import Bundle, read_canonical_json, write_bundle
from registry.evidence.checkpoints import Checkpoint, NoteKey, open_checkpoint, sign_checkpoint
from registry.evidence.es256 import kid_of
from registry.evidence.statements import sign
from registry.evidence.verify import Report, Trust, verify_bundle, verify_bundle_bytes
from tests.unit.evidence.paper_day import (
    BASELINES,
    BOUGHT,
    BSP,
    DAY,
    DSO,
    GATES,
    GLOBAL,
    LOCAL,
    NODE,
    ORIGIN,
    PERIMETER,
    POD_A,
    POD_B,
    ROSTER,
    STARTS,
    STATEMENT_ID,
    TESTED,
    TSO,
    ZERO,
    PaperDay,
    certified,
    device,
    reading,
    sealed,
    selection,
    witness_key,
)
from tests.unit.evidence.paper_ledger import ABIS, ADDRESSES

pytestmark = pytest.mark.rule("AUD-1")

CHECKS = [
    "container",
    "trust",
    "chain of blocks",
    "receipts of blocks",
    "start of the run",
    "ledger events",
    "statement on the ledger",
    "openings",
    "delivery day",
    "gates",
    "qualification",
    "lights",
    "offers and agreements",
    "anchored checkpoint",
    "growth of the log",
    "inclusion in the log",
    "certified readings",
    "figures",
]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return PaperDay().bundle()


def verify(bundle: Bundle, trust: Trust | None = None) -> Report:
    return verify_bundle_bytes(write_bundle(bundle), trust or Trust(), ABIS)


def failed(report: Report) -> list[tuple[str, str]]:
    return [(check.name, check.rule) for check in report.failures]


@pytest.mark.rule("STT-1", "STT-2", "STT-3", "TOE-2")
def test_the_settlement_is_derived_again(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "day.flexbundle"
    path.write_bytes(write_bundle(bundle))
    report = verify_bundle(path, Trust(), ABIS)
    assert report.ok, report.failures
    assert [check.name for check in report.checks] == CHECKS
    assert report.figures is not None
    # 4 x 1,250 Wh and 3 x 900 Wh at 200 EUR/MWh; one period has no reading: see the head of paper_day
    assert (report.figures["total_cent"], report.figures["unsettled_periods"]) == (154, 1)
    lines = [line for deal in report.figures["deals"] for line in deal["lines"]]
    assert [line["delivered_wh"] for line in lines] == [1250] * 4 + [900, None, 900, 900]
    assert "certified reading" in lines[5]["unsettled"]


def test_what_the_verifier_trusts_is_compared(bundle: Bundle) -> None:
    blocks = verify(bundle).checks[2].detail
    last = bytes.fromhex(blocks.split("0x")[1][:64])
    number = 100 + len(bundle.blocks) - 1
    assert verify(bundle, Trust(1337, ADDRESSES, {number: last})).ok
    assert failed(verify(bundle, Trust(chain_id=1))) == [("trust", "AUD-1")]
    moved = {**ADDRESSES, "Market": bytes(20)}
    assert failed(verify(bundle, Trust(contracts=moved))) == [("trust", "AUD-1")]
    assert failed(verify(bundle, Trust(block_hashes={number: bytes(32)}))) == [("chain of blocks", "AUD-1")]
    assert failed(verify(bundle, Trust(block_hashes={number + 1: last}))) == [("chain of blocks", "AUD-1")]


def test_any_changed_byte_is_found(bundle: Bundle) -> None:
    data = write_bundle(bundle)
    dice = random.Random(20261028)
    places = {0, len(data) - 1, *dice.sample(range(len(data)), 600)}
    for place in places:
        changed = bytearray(data)
        changed[place] ^= dice.randrange(1, 256)
        report = verify_bundle_bytes(bytes(changed), Trust(), ABIS)
        assert not report.ok and report.failures[0].name in CHECKS, f"byte {place} of {len(data)}"


def test_bytes_added_or_cut_off_are_found(bundle: Bundle) -> None:
    data = write_bundle(bundle)
    for changed in (b"", data[:-1], data + b"\0", data[1:], data[: len(data) // 2], b"\0" + data):
        assert failed(verify_bundle_bytes(changed, Trust(), ABIS)) == [("container", "AUD-1")]


# ------------------------------------------------- forgeries: the bundle is written anew, hashes and all


def _statement(bundle: Bundle) -> Bundle:
    document = read_canonical_json(bundle.statement, "statement")
    return replace(bundle, statement=canonical_json({**document, "total_cent": document["total_cent"] + 1}))


def _price(bundle: Bundle) -> Bundle:
    first, *others = bundle.openings
    payload = {**first.payload, "use_price_milli_eur_per_mwh": 1}
    return replace(bundle, openings=(replace(first, payload=payload), *others))


def _foreign_opening(bundle: Bundle) -> Bundle:
    return replace(bundle, openings=(*bundle.openings, sealed({"kind": "deal"})))


def _without_opening(bundle: Bundle, commitment: bytes) -> Bundle:
    return replace(bundle, openings=tuple(o for o in bundle.openings if o.commitment != commitment))


def _block(bundle: Bundle, at: int, block: BlockEvidence | None) -> Bundle:
    middle = () if block is None else (block,)
    return replace(bundle, blocks=(*bundle.blocks[:at], *middle, *bundle.blocks[at + 1 :]))


def _entry(bundle: Bundle, at: int, **changes: object) -> Bundle:
    entries = list(bundle.entries)
    entries[at] = replace(entries[at], **changes)  # type: ignore[arg-type]
    return replace(bundle, entries=tuple(entries))


def _other_tree(bundle: Bundle) -> Bundle:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return replace(
        bundle, checkpoint=sign_checkpoint(Checkpoint(ORIGIN, len(bundle.entries), bytes(32)), key)
    )


def _other_note_key(bundle: Bundle) -> Bundle:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return replace(bundle, note_key=str(NoteKey(ORIGIN, key.public_key().public_bytes_raw())))


FORGERIES: dict[str, tuple[Callable[[Bundle], Bundle], str, str]] = {
    "a cent more": (_statement, "statement on the ledger", "STT-4"),
    "another salt": (lambda b: replace(b, statement_salt=bytes(32)), "statement on the ledger", "STT-4"),
    "a statement of another id": (
        lambda b: replace(b, statement_id=bytes(32)),
        "statement on the ledger",
        "STT-4",
    ),
    "another price": (_price, "openings", "PRIV-3"),
    "an opening nobody recorded": (_foreign_opening, "openings", "PRIV-3"),
    "a price left out": (
        lambda b: _without_opening(b, b.openings[1].commitment),
        "offers and agreements",
        "PRIV-3",
    ),
    "a baseline left out": (lambda b: _without_opening(b, BASELINES[POD_A].commitment), "figures", "BAS-1"),
    "receipts left out": (
        lambda b: _block(b, 21, replace(b.blocks[21], receipts=())),
        "receipts of blocks",
        "AUD-1",
    ),
    "a receipt left out": (
        lambda b: _block(b, 21, replace(b.blocks[21], receipts=b.blocks[21].receipts[1:])),
        "receipts of blocks",
        "AUD-1",
    ),
    "a block left out": (lambda b: _block(b, 20, None), "chain of blocks", "AUD-1"),
    "a header changed": (
        lambda b: _block(b, 20, replace(b.blocks[20], header_rlp=b.blocks[20].header_rlp[:-1] + b"\x08")),
        "chain of blocks",
        "AUD-1",
    ),
    "no header": (
        lambda b: _block(b, 20, replace(b.blocks[20], header_rlp=b"\xc0")),
        "chain of blocks",
        "AUD-1",
    ),
    "the beginning left out": (lambda b: replace(b, blocks=b.blocks[1:]), "start of the run", "AUD-1"),
    "the end left out": (lambda b: replace(b, blocks=b.blocks[:-2]), "ledger events", "AUD-1"),
    "another contract": (
        lambda b: replace(b, contracts={**b.contracts, "Market": bytes(20)}),
        "ledger events",
        "AUD-1",
    ),
    "an unknown contract": (
        lambda b: replace(b, contracts={**b.contracts, "Other": bytes(20)}),
        "ledger events",
        "AUD-1",
    ),
    "another tree": (_other_tree, "anchored checkpoint", "LOG-2"),
    "another note key": (_other_note_key, "anchored checkpoint", "LOG-1"),
    "another origin": (lambda b: replace(b, origin="example.org/x"), "anchored checkpoint", "LOG-2"),
    "another place in the log": (
        lambda b: _entry(b, 3, path=b.entries[4].path),
        "inclusion in the log",
        "LOG-1",
    ),
    "a reading forged": (
        lambda b: _entry(b, 0, statement=sign(reading(POD_A, 8, 1, export_wh=9999), device(1))),
        "inclusion in the log",
        "LOG-1",
    ),
    "a reading by a stranger": (
        lambda b: _entry(b, 0, statement=sign(reading(POD_A, 8, 1), device(9))),
        "inclusion in the log",
        "LOG-1",
    ),
    "a reading twice": (
        lambda b: replace(b, entries=(*b.entries, b.entries[0])),
        "inclusion in the log",
        "LOG-1",
    ),
    "a reading left out": (lambda b: replace(b, entries=b.entries[1:]), "figures", "STT-2"),
    "a conflict that is none": (
        lambda b: replace(b, conflicts=(b.entries[0].statement,)),
        "certified readings",
        "STT-3",
    ),
    "a conflict by a stranger": (
        lambda b: replace(b, conflicts=(sign(reading(POD_A, 8, 1, export_wh=5), device(9)),)),
        "certified readings",
        "DEV-1",
    ),
    "a conflict the statement does not know": (
        lambda b: replace(b, conflicts=(sign(reading(POD_A, 8, 1, export_wh=5), device(1)),)),
        "figures",
        "STT-2",
    ),
}


@pytest.mark.rule("STT-4", "PRIV-3", "LOG-1", "LOG-2", "MEA-1", "DEV-1", "BAS-1")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_bundle_fails_at_the_check_it_breaks(bundle: Bundle, forgery: str) -> None:
    forge, name, rule = FORGERIES[forgery]
    report = verify(forge(bundle))
    assert not report.ok
    assert failed(report)[0] == (name, rule), report.failures


def test_an_own_checkpoint_is_opened_with_the_own_key(bundle: Bundle) -> None:
    assert open_checkpoint(bundle.checkpoint, NoteKey.parse(bundle.note_key)).size == len(bundle.entries)


# ---------------------------------------------- histories that no ledger should have accepted, duly recorded


def _event(kind: type, day: PaperDay) -> Any:
    return next(event for _, _, events in day.steps for event in events if type(event) is kind)


def _schedule(day: PaperDay) -> PaperDay:
    scheduled = _event(DayScheduled, day)
    return day.replace_step("schedule", events=[replace(scheduled, starts_at=STARTS + 3600)])


def _late_baseline(day: PaperDay) -> PaperDay:
    return day.replace_step("baselines", time=GATES["baseline_gate"])


def _revoked(day: PaperDay) -> PaperDay:
    accepted = EquivalenceAccepted(TESTED, BOUGHT, TSO, True)
    return day.replace_step("equivalence", events=[accepted, EquivalenceRevoked(TESTED, BOUGHT, DSO)])


def _qualification(state: QualificationState, until: int) -> Callable[[PaperDay], PaperDay]:
    moved = QualificationMoved(LOCAL, TESTED, state, DSO, until, 950, ZERO, ROSTER)
    return lambda day: day.replace_step("qualification", events=[moved])


def _twins_differ(day: PaperDay) -> PaperDay:
    pods = next(events for name, _, events in day.steps if name == "pods")
    return day.replace_step("pods", events=[*pods, PodLeft(GLOBAL, POD_B, DAY.number)])


def _changed_since_its_test(day: PaperDay) -> PaperDay:
    pods = next(events for name, _, events in day.steps if name == "pods")
    left = [PodLeft(aggregate, POD_B, DAY.number) for aggregate in (LOCAL, GLOBAL)]
    return day.replace_step("pods", events=[*pods, *left])


def _light(kw: int) -> Callable[[PaperDay], PaperDay]:
    light = LightsPublished(PERIMETER, DAY.number, 1, pack_cells([kw] * 24), pack_cells([GREEN] * 24), ZERO)
    return lambda day: day.replace_step("lights", events=[light])


def _local_down(day: PaperDay) -> PaperDay:
    local = selection(
        1, {11: -3}, aggregate=LOCAL, market=Market.LFP, operator=DSO, product=TESTED, chain=(TESTED,)
    )
    lights = next(events for name, _, events in day.steps if name == "lights")
    return day.replace_step("lights", events=[*lights, local])


def _two_aggregates(day: PaperDay) -> PaperDay:
    other = selection(1, {2: 1}, aggregate=BSP << 24 | 9)
    return day.replace_step("selection 1", events=[other, selection(1, {2: 5, 11: 8})])


def _shrinking_log(day: PaperDay) -> PaperDay:
    anchor = CheckpointAnchored(sha256(ORIGIN.encode()).digest(), NODE, 1000, bytes(32), 0)
    return day.replace_step("lights", events=[*next(e for n, _, e in day.steps if n == "lights"), anchor])


def _ended_device(day: PaperDay) -> PaperDay:
    ended = DeviceEnded(POD_A, kid_of(device(1).public_key()), DSO, STARTS + 10_000, ZERO)
    return day.replace_step("lights", events=[*next(e for n, _, e in day.steps if n == "lights"), ended])


def _superseded(day: PaperDay) -> PaperDay:
    day.after = [StatementRecorded(bytes(31) + b"1", TSO, GLOBAL, BOUGHT, DAY.number, ZERO, STATEMENT_ID, 0)]
    return day


def _other_chain(day: PaperDay) -> PaperDay:
    return day.replace_step("selection 1", events=[selection(1, {2: 5, 11: 8}, chain=(TESTED,))])


HISTORIES: dict[str, tuple[Callable[[PaperDay], PaperDay], str, str]] = {
    "a day of another length": (_schedule, "delivery day", "TIM-1"),
    "a selection at its gate": (
        lambda d: d.replace_step("selection 1", time=GATES["msd_gates"][0]),
        "gates",
        "SES-4",
    ),
    "a selection before its window": (
        lambda d: d.replace_step("selection 1", time=GATES["lfp_gates"][0] - 1),
        "gates",
        "SES-4",
    ),
    "a declaration after the next gate": (
        lambda d: d.replace_step("declaration", time=GATES["lfp_gates"][1]),
        "gates",
        "SES-4",
    ),
    "a baseline at its gate": (_late_baseline, "gates", "BAS-1"),
    "an equivalence revoked": (_revoked, "qualification", "TOE-1"),
    "an equivalence one operator accepted": (
        lambda d: d.replace_step("equivalence", events=[EquivalenceAccepted(TESTED, BOUGHT, TSO, False)]),
        "qualification",
        "TOE-1",
    ),
    "a qualification suspended": (
        _qualification(QualificationState.SUSPENDED, STARTS * 2),
        "qualification",
        "PRQ-1",
    ),
    "a qualification expired": (
        _qualification(QualificationState.QUALIFIED, STARTS - 9000),
        "qualification",
        "PRQ-1",
    ),
    "a member that left after the test": (_changed_since_its_test, "qualification", "PRQ-2"),
    "twins that are none": (_twins_differ, "qualification", "TOE-2"),
    "a chain that ends elsewhere": (_other_chain, "qualification", "TOE-2"),
    "a red light": (_light(0), "lights", "DTL-4"),
    "a capability exceeded": (_light(4), "lights", "DTL-4"),
    "a capability exceeded by two aggregates": (_two_aggregates, "lights", "DTL-4"),
    "against the DSO's own plan": (_local_down, "lights", "DTL-4"),
    "no lights": (lambda d: d.replace_step("lights", events=[]), "lights", "DTL-2"),
    "a log that shrank": (_shrinking_log, "anchored checkpoint", "LOG-2"),
    "a device that was ended": (_ended_device, "certified readings", "DEV-1"),
    "a statement replaced": (_superseded, "statement on the ledger", "STT-4"),
}


@pytest.mark.rule(
    "TIM-1", "SES-4", "BAS-1", "TOE-1", "TOE-2", "PRQ-1", "PRQ-2", "DTL-3", "DTL-4", "LOG-2", "DEV-1"
)
@pytest.mark.parametrize("history", HISTORIES)
def test_a_history_against_the_rules_fails_at_the_check_of_its_rule(history: str) -> None:
    change, name, rule = HISTORIES[history]
    report = verify(change(PaperDay()).bundle())
    assert not report.ok
    assert failed(report)[0] == (name, rule), report.failures


@pytest.mark.rule("DTL-4")
def test_later_lights_do_not_undo_what_was_selected() -> None:
    day = PaperDay()
    red = LightsPublished(PERIMETER, DAY.number, 3, pack_cells([0] * 24), pack_cells([0] * 24), ZERO)
    declaration = next(events for name, _, events in day.steps if name == "declaration")
    assert verify(day.replace_step("declaration", events=[*declaration, red]).bundle()).ok


@pytest.mark.rule("STT-3")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quality": 16}, "tamper"),
        ({"clock": 0}, "clock not synchronised"),
        ({"quality": 3}, "estimated, incomplete"),
    ],
)
def test_a_reading_that_its_device_marks_is_unsettled(changes: dict[str, int], reason: str) -> None:
    entries = certified()
    entries[0] = sign(reading(POD_A, 8, 1, **changes), device(1))
    report = verify(PaperDay(entries=entries).bundle())
    assert report.ok and report.figures is not None
    assert report.figures["unsettled_periods"] == 2
    assert reason in report.figures["deals"][0]["lines"][0]["unsettled"]


@pytest.mark.rule("STT-3", "MEA-2")
def test_a_conflict_leaves_its_period_unsettled() -> None:
    """Both kinds: other bytes for the same period, and a counter that the key used before."""
    other = sign(reading(POD_A, 8, 77, export_wh=1), device(1))
    reused = sign(reading(POD_B, 45, 1), device(2))
    day = PaperDay(conflicts=[other, reused])
    report = verify(day.bundle())
    assert report.ok and report.figures is not None, report.failures
    lines = [line for deal in report.figures["deals"] for line in deal["lines"]]
    assert [line["quarter"] for line in lines if "conflicting statements" in line["unsettled"]] == [8, 45]


@pytest.mark.rule("SES-3")
def test_without_a_declaration_all_members_serve() -> None:
    """Then hour 2 waits for POD B too, which has readings there, and gives 1,250 Wh of its own: beyond what
    was asked, not paid.
    """
    report = verify(PaperDay().replace_step("declaration", events=[]).bundle())
    assert report.ok and report.figures is not None
    pods = [len(line["pods"]) for deal in report.figures["deals"] for line in deal["lines"]]
    assert pods == [2] * 8
    assert report.figures["total_cent"] == 154


# ------------------------------------------------------------------------------------------------- witnesses

NAMES = ["tso.example/w", "dso.example/w", "bsp.example/w"]


def counted(day: PaperDay, *names: str) -> Report:
    return verify(day.bundle(), Trust(witnesses=tuple(map(witness_key, names))))


@pytest.mark.rule("LOG-2")
@pytest.mark.parametrize(
    ("cosigned", "claimed", "detail"),
    [
        (0, (0,), "0 of the anchor's 0 cosignatures verify"),
        (3, (3,), "3 of the anchor's 3 cosignatures verify"),
        (2, (2,), "2 of the anchor's 2 cosignatures verify"),
        (3, (1,), "1 of the anchor's 1 cosignatures verify, and 2 more"),
        (2, (3, 2), "2 of the anchor's 2 cosignatures verify"),
    ],
)
def test_the_witnesses_of_the_anchor_are_counted_again(
    cosigned: int, claimed: tuple[int, ...], detail: str
) -> None:
    day = PaperDay(witnesses=NAMES[:cosigned], claimed=claimed)
    report = counted(day, *NAMES)
    assert report.ok, report.failures
    names = [check.name for check in report.checks]
    assert names == [*CHECKS[:14], "witnesses", *CHECKS[14:]]
    assert report.checks[14].detail == detail
    # without keys nobody counts, and the report says whose word the number is
    silent = verify(day.bundle())
    assert silent.ok and [check.name for check in silent.checks] == CHECKS
    assert silent.checks[13].detail.endswith(f"with {claimed[-1]} cosignatures, as it says")


@pytest.mark.rule("LOG-2")
@pytest.mark.parametrize(
    ("cosigned", "claimed", "given"),
    [
        (NAMES[:2], (3,), NAMES),
        (NAMES[:2], (2, 3), NAMES),
        ([], (1,), NAMES),
        (NAMES, (3,), NAMES[:2]),
        (NAMES, (3,), [*NAMES[:2], "other.example/w"]),
    ],
    ids=["one short", "the newer anchor counts", "none", "a key not given", "another key given"],
)
def test_an_anchor_that_claims_more_witnesses_than_there_are_is_found(
    cosigned: list[str], claimed: tuple[int, ...], given: list[str]
) -> None:
    report = counted(PaperDay(witnesses=cosigned, claimed=claimed), *given)
    assert failed(report) == [("witnesses", "LOG-2")]
    assert f"allowed the {claimed[-1]} that the anchor claims" in report.failures[0].detail


@pytest.mark.rule("LOG-2")
def test_a_cosignature_of_another_checkpoint_does_not_count() -> None:
    """The line under the note is by a witness, for a log that it saw at another size."""
    cosigned = PaperDay(witnesses=NAMES, claimed=(3,)).bundle()
    shorter = PaperDay(entries=certified()[:-1], witnesses=NAMES).bundle()
    own = cosigned.checkpoint.decode().splitlines(keepends=True)
    foreign = shorter.checkpoint.decode().splitlines(keepends=True)
    forged = replace(cosigned, checkpoint="".join([*own[:-1], foreign[-1]]).encode())
    report = verify(forged, Trust(witnesses=tuple(map(witness_key, NAMES))))
    assert failed(report) == [("witnesses", "LOG-2")]
    assert "does not verify" in report.failures[0].detail
