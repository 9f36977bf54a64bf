"""Offers, agreements and the merit order through the services, and what an auditor finds afterwards
(SES-5).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from registry.bootstrap import SettableClock
from registry.cli.dso import merit as merit_command
from registry.cli.main import app
from registry.cli.verifying import read_openings
from registry.domain.calendar import from_unix
from registry.domain.commands import JoinAggregate, RecordOffers, SelectLocal
from registry.domain.deals import Basis, DealTerms, Form
from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.identifiers import canonical_json, commitment
from registry.domain.lights import CellLight, Colour
from registry.domain.market import Selection
from registry.domain.procurement import Agreement, Bid
from registry.domain.quantities import Direction, pack_selection
from registry.domain.recorded_offers import Offer
from registry.domain.sessions import Market
from registry.evidence.verify import Report, Trust, verify_bundle_bytes
from registry.ledger.artifacts import load_artifacts
from registry.services.bundle_settlement import bundle_settlement
from registry.services.merit import MeritEntry, merit_list
from registry.services.procurement import accept_agreement, offer_bids, propose_agreement
from registry.services.publish_lights import DayLights, publish_lights
from registry.services.recorder import Recorder
from registry.services.sealing import seal
from registry.services.select_flexibility import Order, select_flexibility
from registry.services.settle_day import settle_day
from tests.unit.api.sandbox import (
    AGREED,
    AUDITOR,
    BALANCING,
    BSP,
    CONGESTION,
    DAY,
    DSO,
    LOCAL,
    OTHER_BSP,
    OTHER_DSO,
    OTHER_GLOBAL,
    OTHER_LOCAL,
    PERIMETER,
    TSO,
    Sandbox,
    signed_kw,
)

pytestmark = pytest.mark.rule("SES-5")
ABIS = {name: artifact.abi for name, artifact in load_artifacts().by_name.items()}
HOUR, UNFAIR, DATE = 20, 22, DAY.date.isoformat()


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Two local aggregates in one perimeter: LOCAL can give 80 kW up, OTHER_LOCAL 40; LFP 1 is open."""
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("merit"))
    sandbox.record(JoinAggregate(OTHER_BSP, OTHER_LOCAL, (sandbox.pods[4].pod_id,)), OTHER_BSP)
    sandbox.qualify()
    sandbox.file_baselines()
    sandbox.clock.set(from_unix(sandbox.schedule.lfp_gates[0]) - timedelta(minutes=20))
    light(sandbox, 1)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def bids(market: Sandbox) -> dict[int, bytes]:
    """60 kW of LOCAL at 200 EUR/MWh, 30 kW of OTHER_LOCAL at 150, all of them for HOUR."""
    dear = market.bid(LOCAL, CONGESTION, Market.LFP, 1, signed_kw(HOUR, 60), 200_000)
    cheap = market.bid(OTHER_LOCAL, CONGESTION, Market.LFP, 1, signed_kw(HOUR, 30), 150_000)
    return {LOCAL: dear, OTHER_LOCAL: cheap}


def light(sandbox: Sandbox, session: int) -> None:
    green = (CellLight(Colour.GREEN, None),) * DAY.hours
    lights = [DayLights(PERIMETER, green, green, {})]
    publish_lights(sandbox.node.recorder, DSO, sandbox.node.signers[DSO], DAY, session, lights)


def order(aggregate: int, kw: int, rests_on: bytes) -> Order:
    return Order(aggregate, PERIMETER, signed_kw(HOUR, kw), (CONGESTION,), aggregate, rests_on)


def select(sandbox: Sandbox, session: int, *orders: Order) -> None:
    node = sandbox.node
    select_flexibility(node.recorder, DSO, node.signers[DSO], Market.LFP, DAY, session, orders)


def merit(sandbox: Sandbox, session: int, need_kw: int) -> list[tuple[int, int, int]]:
    def row(entry: MeritEntry) -> tuple[int, int, int]:
        return entry.offer.bid.aggregate, entry.kw, entry.taken_kw

    recorder = sandbox.node.recorder
    found = merit_list(recorder, DAY, session, PERIMETER, CONGESTION, HOUR, Direction.UP, need_kw)
    return [row(entry) for entry in found]


def test_agreements_are_accepted_by_who_can_read_them(market: Sandbox) -> None:
    node, recorder = market.node, market.node.recorder
    name, _ = propose_agreement(recorder, BSP, node.signers[BSP], AGREED)
    opening = node.vault.opening(name)
    assert opening is not None and {BSP, DSO, AUDITOR} == set(opening.owners)
    too_soon = order(LOCAL, 10, name)
    with pytest.raises(RuleViolation, match=r"SES-5: rests_on: .*an agreement that both parties accepted"):
        select(market, 1, too_soon)
    with pytest.raises(RuleViolation, match=r"SES-5: agreement .*accepted by 21"):
        accept_agreement(recorder, BSP, node.signers[BSP], name)
    accept_agreement(recorder, DSO, node.signers[DSO], name)
    view = node.mirror.agreement(name)
    assert view is not None and view.accepted and view.recorded.actor == DSO
    with pytest.raises(RuleViolation, match="PRIV-3: agreement"):
        accept_agreement(recorder, DSO, node.signers[DSO], bytes(32))
    with pytest.raises(RuleViolation, match="SES-5: kw of hour 20: found \\+51, allowed 0 to \\+50"):
        select(market, 1, order(LOCAL, 51, name))
    with pytest.raises(RuleViolation, match="SES-5: agreement: found None"):
        other = {**AGREED.as_payload(), "available_kw": 51}
        accept_agreement(recorder, DSO, node.signers[DSO], seal(node.vault, other, (DSO,)))


@pytest.mark.rule("PRD-1")
def test_nothing_is_offered_or_agreed_about_nothing(market: Sandbox) -> None:
    node, nothing = market.node, CONGESTION + 1
    bid = Bid(nothing, LOCAL, PERIMETER, DAY.number, Market.LFP, 1, signed_kw(HOUR, 1), 1)
    head = node.ledger.head().number
    with pytest.raises(RuleViolation, match=f"PRD-1: product: found {nothing}"):
        offer_bids(node.recorder, BSP, node.signers[BSP], [replace(bid, product=CONGESTION), bid])
    with pytest.raises(RuleViolation, match=f"PRD-1: product: found {nothing}"):
        propose_agreement(node.recorder, BSP, node.signers[BSP], replace(AGREED, product=nothing))
    with pytest.raises(RuleViolation, match=f"SES-5: until_day: found {DATE}, allowed a day after {DATE}"):
        propose_agreement(node.recorder, BSP, node.signers[BSP], replace(AGREED, until_day=DAY.number))
    assert node.ledger.head().number == head


def test_offers_are_refused_late_and_malformed(market: Sandbox) -> None:
    node, bid = market.node, Bid(CONGESTION, LOCAL, PERIMETER, DAY.number, Market.LFP, 1, (0,) * 24, 1)
    with pytest.raises(InputInvalid, match="SES-5: kw"):
        offer_bids(node.recorder, BSP, node.signers[BSP], [replace(bid, kw=(0,) * 23)])
    with pytest.raises(RuleViolation, match="AGG-1"):
        offer_bids(node.recorder, OTHER_BSP, node.signers[OTHER_BSP], [bid])
    with pytest.raises(RuleViolation, match="SES-1"):
        offer_bids(node.recorder, BSP, node.signers[BSP], [replace(bid, day=DAY.number + 1)])


def test_the_command_line_shows_the_merit_order(
    market: Sandbox, bids: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merit_command, "open_existing", lambda _state: nullcontext(market.node))
    place = ["--day", DATE, "--session", "1", "--perimeter", str(PERIMETER), "--product", str(CONGESTION)]
    words = ["dso", "merit", *place, "--hour", str(HOUR), "--direction", "up", "--need"]
    shown = CliRunner().invoke(app, [*words, "100"])
    assert shown.exit_code == 0 and "90 of 100 kW covered by 2 bids" in shown.output, shown.output
    found = json.loads(CliRunner().invoke(app, [*words, "50", "--json"]).output)
    assert [row["taken_kw"] for row in found["bids"]] == [30, 20] and found["uncovered_kw"] == 0
    for wrong in (["--direction", "left"], ["--hour", "24"], ["--day", "today"]):
        assert CliRunner().invoke(app, [*words, "1", *wrong]).exit_code == 2


@pytest.mark.rule("PRIV-3")
def test_what_was_not_made_for_a_party_is_not_opened_for_it(market: Sandbox, bids: dict[int, bytes]) -> None:
    """Not even where the node that it uses could."""
    node, name = market.node, bids[LOCAL]
    foreign = Order(LOCAL, PERIMETER, signed_kw(HOUR, 1), (BALANCING,), LOCAL, name)
    with pytest.raises(RuleViolation, match=f"PRIV-3: rests_on: found no opening of {name.hex()}"):
        select_flexibility(node.recorder, TSO, node.signers[TSO], Market.MSD, DAY, 1, [foreign])
    other, _ = propose_agreement(node.recorder, BSP, node.signers[BSP], replace(AGREED, available_kw=1))
    with pytest.raises(RuleViolation, match=f"PRIV-3: agreement: found no opening of {other.hex()}"):
        accept_agreement(node.recorder, OTHER_BSP, node.signers[OTHER_BSP], other)


def test_the_cheapest_bids_are_taken_first(market: Sandbox, bids: dict[int, bytes]) -> None:
    assert merit(market, 1, 50) == [(OTHER_LOCAL, 30, 30), (LOCAL, 60, 20)]
    assert merit(market, 1, 0) == [(OTHER_LOCAL, 30, 0), (LOCAL, 60, 0)]
    passed = "SES-5: merit hour 20 up: found {} kW of 30 at 150000 .*before any at 200000"
    with pytest.raises(RuleViolation, match=passed.format(0)):
        select(market, 1, order(LOCAL, 50, bids[LOCAL]))
    with pytest.raises(RuleViolation, match=passed.format(29)):
        select(market, 1, order(LOCAL, 1, bids[LOCAL]), order(OTHER_LOCAL, 29, bids[OTHER_LOCAL]))
    with pytest.raises(RuleViolation, match="SES-5: aggregate"):
        select(market, 1, order(LOCAL, 1, bids[OTHER_LOCAL]))
    select(market, 1, order(OTHER_LOCAL, 30, bids[OTHER_LOCAL]))
    select(market, 1, order(LOCAL, 20, bids[LOCAL]))


@pytest.mark.rule("PRQ-2")
def test_bids_count_while_their_aggregates_are_qualified(market: Sandbox, bids: dict[int, bytes]) -> None:
    """At the time of asking, as the ledger asks when a selection is recorded; not as the day begins."""

    def bidding(recorder: Recorder) -> set[int]:
        found = merit_list(recorder, DAY, 1, PERIMETER, CONGESTION, HOUR, Direction.UP, 50)
        return {entry.offer.bid.aggregate for entry in found}

    recorder = market.node.recorder
    lapsed = SettableClock(market.clock.now() + timedelta(days=400))
    assert bidding(recorder) == set(bids) and bidding(replace(recorder, clock=lapsed)) == set()


@pytest.mark.rule("PRIV-3")
def test_an_opening_is_handed_to_the_other_partys_node(market: Sandbox) -> None:
    """A bid that was sealed elsewhere: only its commitment is known here, until the BSP gives what it
    hides.
    """
    bid = Bid(CONGESTION, LOCAL, PERIMETER, DAY.number, Market.LFP, 6, signed_kw(23, 7), 90_000)
    salt, payload = bytes(range(32)), bid.as_payload()
    sealed = commitment(salt, canonical_json(payload))
    offers = (Offer(sealed, LOCAL, PERIMETER),)
    market.record(RecordOffers(BSP, DAY.number, Market.LFP, 6, offers), BSP)

    def seen() -> list[int]:
        recorder = market.node.recorder
        found = merit_list(recorder, DAY, 6, PERIMETER, CONGESTION, 23, Direction.UP, 5)
        return [entry.taken_kw for entry in found]

    def hand(party: int, **changes: object) -> tuple[int, str]:
        one = {"salt": salt.hex(), "payload": payload, **changes}
        answer = market.post("/v1/openings", party, {"openings": [one]})
        return answer.status_code, answer.json().get("rule", "")

    assert seen() == []
    dearer = {**payload, "use_price_milli_eur_per_mwh": 90_001}
    refused = [hand(OTHER_BSP), hand(DSO), hand(BSP, payload=dearer), hand(BSP, salt="00" * 32)]
    assert refused == [(422, "PRIV-3")] * 4 and seen() == []
    assert hand(BSP, payload={}) == (422, "SES-5")
    assert hand(BSP) == (201, "") and seen() == [5]
    opening = market.node.vault.opening(sealed)
    assert opening is not None and set(opening.owners) == {BSP, DSO, AUDITOR}
    terms = market.get(f"/v1/openings/{DATE}", BSP).json()["openings"]
    assert {"commitment": sealed.hex(), "salt": salt.hex(), "payload": payload} in terms


def test_what_the_other_market_has_is_not_passed_over(market: Sandbox, bids: dict[int, bytes]) -> None:
    """The TSO takes the POD of OTHER_LOCAL in another hour, where it bids, too: only LOCAL is left there."""
    node, hour = market.node, HOUR + 1
    kw = tuple({HOUR: 40, hour: 30, UNFAIR: 30}.get(at, 0) for at in range(24))
    market.bid(OTHER_LOCAL, CONGESTION, Market.LFP, 2, kw, 150_000)
    market.clock.set(from_unix(market.schedule.lfp_gates[0]) + timedelta(minutes=5))
    taken = market.bid(OTHER_GLOBAL, BALANCING, Market.MSD, 1, signed_kw(hour, 40))
    both = Order(OTHER_GLOBAL, PERIMETER, signed_kw(hour, 40), (BALANCING,), OTHER_GLOBAL, taken)
    select_flexibility(node.recorder, TSO, node.signers[TSO], Market.MSD, DAY, 1, [both])
    recorder = node.recorder
    found = merit_list(recorder, DAY, 2, PERIMETER, CONGESTION, hour, Direction.UP, 10)
    assert found == [], "without a declaration the other market has all of the aggregate's PODs"


def test_an_auditor_finds_who_was_passed_over(
    market: Sandbox, bids: dict[int, bytes], tmp_path: Path
) -> None:
    node = market.node
    # In session 2 it is fair to leave the dearer bid as it is, though a cheaper one has grown, and unfair to
    # take more of it in a later hour. The DSO's own software does not refuse that.
    market.clock.set(from_unix(market.schedule.lfp_gates[1]) - timedelta(minutes=10))
    kw = tuple({HOUR: 20, UNFAIR: 10}.get(at, 0) for at in range(24))
    bid = market.bid(LOCAL, CONGESTION, Market.LFP, 2, tuple(2 * one for one in kw), 200_000)
    with pytest.raises(RuleViolation, match=f"SES-5: merit hour {UNFAIR} up: found 0 kW of 30"):
        select(market, 2, replace(order(LOCAL, 0, bid), kw=kw))
    deal = DealTerms(0, 200_000, 0, Basis(Form.BID, bid))
    sealed = seal(node.vault, deal.as_payload(), (DSO, BSP, AUDITOR))
    row = Selection(LOCAL, PERIMETER, LOCAL, (CONGESTION,), pack_selection(kw), sealed)
    market.record(SelectLocal(DSO, DAY.number, 2, (row,)), DSO)
    market.clock.set(DAY.ends_at + timedelta(hours=6))
    readings = [market.reading(0, 4 * HOUR + quarter, quarter + 1) for quarter in range(4)]
    assert market.client.post(
        "/v1/statements/batch",
        content=b"".join(readings),
        headers={"Content-Type": "application/cbor-seq"},
    ).is_success
    node.anchorer(31).anchor()
    node.mirror.catch_up()
    path = tmp_path / "openings.json"
    path.write_text(json.dumps(market.get(f"/v1/openings/{DATE}", AUDITOR).json()))
    others = read_openings(path)
    fair, unfair = (verified(market, aggregate, Trust(openings=others)) for aggregate in (OTHER_LOCAL, LOCAL))
    assert fair.ok, fair.failures
    assert "1 local selections, 2 bids compared" in [check.detail for check in fair.checks]
    assert [(check.name, check.rule) for check in unfair.failures] == [("merit order", "SES-5")]
    assert f"in {PERIMETER}, session 2, hour {UNFAIR} up" in unfair.failures[0].detail
    # without the bids of others nobody can say so; with some of them left out that is said
    assert verified(market, LOCAL, Trust()).ok
    cheap = {one.commitment for one in others if one.payload.get("use_price_milli_eur_per_mwh") == 150_000}
    some = tuple(one for one in others if one.commitment not in cheap)
    assert [check.rule for check in verified(market, LOCAL, Trust(openings=some)).failures] == ["PRIV-3"]
    wrong = (replace(others[0], salt=bytes(32)), *others[1:])
    assert [check.rule for check in verified(market, LOCAL, Trust(openings=wrong)).failures] == ["PRIV-3"]


def verified(sandbox: Sandbox, aggregate: int, trust: Trust) -> Report:
    node = sandbox.node
    done = settle_day(node.recorder, node.log, DSO, node.signers[DSO], aggregate, CONGESTION, DAY)
    return verify_bundle_bytes(bundle_settlement(node.recorder, node.log, done.statement_id), trust, ABIS)


@pytest.mark.rule("PRIV-3", "AUD-1")
def test_bids_are_opened_for_their_parties_and_the_auditor(market: Sandbox, bids: dict[int, bytes]) -> None:
    def seen(party: int) -> set[str]:
        return {one["commitment"] for one in market.get(f"/v1/openings/{DATE}", party).json()["openings"]}

    dear, cheap = bids[LOCAL].hex(), bids[OTHER_LOCAL].hex()
    assert {dear, cheap} <= seen(DSO) & seen(AUDITOR)
    assert dear in seen(BSP) and cheap not in seen(BSP)
    assert not {dear, cheap} & (seen(TSO) | seen(OTHER_DSO))
    offers = {one["commitment"] for one in market.everything(f"/v1/offers/{DATE}", DSO)}
    assert {dear, cheap} <= offers
    assert cheap not in {one["commitment"] for one in market.everything(f"/v1/offers/{DATE}", BSP)}


@pytest.mark.parametrize("text", ["", "[]", '{"openings": 5}', '{"openings": [{}]}', '{"openings": [5]}'])
def test_what_is_no_file_of_openings_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "openings.json"
    with pytest.raises(InputInvalid, match="AUD-1: openings"):
        read_openings(path)
    path.write_text(text)
    with pytest.raises(InputInvalid, match="AUD-1: openings"):
        read_openings(path)


def test_agreements_through_the_api(market: Sandbox) -> None:
    body = {
        "product": CONGESTION,
        "aggregate": LOCAL,
        "perimeter": PERIMETER,
        "direction": "down",
        "from_day": DATE,
        "until_day": DAY.plus(30).date.isoformat(),
        "available_kw": 20,
        "availability_price_milli_eur_per_mwh": 1_000,
        "use_price_milli_eur_per_mwh": 2_000,
    }
    answer = market.post("/v1/agreements", DSO, body)
    assert (answer.status_code, answer.json()["events"]) == (201, ["AgreementProposed"])
    (name,) = answer.json()["commitments"]
    path = f"/v1/agreements/{name}"
    assert (
        market.get(path, OTHER_BSP).status_code == market.get(f"{path}/terms", OTHER_BSP).status_code == 404
    )
    payload = market.get(f"{path}/terms", BSP).json()["payload"]
    assert Agreement.from_payload(payload).available_kw == 20
    assert market.post(f"{path}/acceptance", OTHER_BSP, None).status_code == 404
    assert market.post(f"{path}/acceptance", BSP, None).json()["events"] == ["AgreementAccepted"]
    assert market.get(path, DSO).json()["accepted"] is True
    assert name in {one["commitment"] for one in market.everything("/v1/agreements", BSP)}
    assert market.everything("/v1/agreements", OTHER_BSP) == []
