"""`flexledger offers` and `flexledger agreements` on a node: recorded, shown, refused (SES-5, PRIV-3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from registry.bootstrap import Node
from registry.cli import agreements as agreements_command
from registry.cli import offers as offers_command
from registry.cli.main import app
from registry.cli.outcome import EXIT_REFUSED
from registry.domain.calendar import from_unix
from registry.domain.commands import ProposeAgreements, RecordOffers
from registry.domain.identifiers import commitment
from registry.domain.recorded_offers import AgreementDraft, Offer
from registry.domain.sessions import Market
from registry.services.procurement import OFFERS_PER_TRANSACTION
from registry.services.sealing import seal
from tests.unit.api.sandbox import (
    BSP,
    CONGESTION,
    DAY,
    DSO,
    LOCAL,
    OTHER_BSP,
    OTHER_LOCAL,
    PERIMETER,
    Sandbox,
    signed_kw,
)

pytestmark = pytest.mark.rule("SES-5")
DATE = DAY.date.isoformat()
BID: dict[str, Any] = {
    "product": CONGESTION,
    "aggregate": LOCAL,
    "perimeter": PERIMETER,
    "kw": list(signed_kw(20, 40)),
    "use_price_milli_eur_per_mwh": 180_500,
}
BIDS: dict[str, Any] = {"day": DATE, "market": "lfp", "session": 1, "offers": [BID]}
TERMS: dict[str, Any] = {
    "product": CONGESTION,
    "aggregate": LOCAL,
    "perimeter": PERIMETER,
    "direction": "up",
    "from_day": DATE,
    "until_day": DAY.plus(30).date.isoformat(),
    "available_kw": 20,
    "availability_price_milli_eur_per_mwh": 3_430,
    "use_price_milli_eur_per_mwh": 200_000,
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("deals"))
    sandbox.clock.set(from_unix(sandbox.schedule.lfp_gates[0]) - timedelta(minutes=30))
    yield sandbox
    sandbox.close()


@pytest.fixture(autouse=True)
def used(node: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find the sandbox's node open already, at the time that it plays."""

    def opened(_: Path) -> AbstractContextManager[Node]:
        return nullcontext(node.node)

    for module in (offers_command, agreements_command):
        monkeypatch.setattr(module, "open_existing", opened)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "80"})


def document(*words: object) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(result: Result, *parts: str) -> None:
    assert result.exit_code == EXIT_REFUSED, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert all(part in line for part in parts), line


def written(folder: Path, content: Any) -> Path:
    path = folder / "deal.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_bids_are_recorded_shown_and_listed_for_their_bsp(node: Sandbox, tmp_path: Path) -> None:
    shown = run("offers", "record", written(tmp_path, BIDS), "--bsp", BSP)
    assert shown.exit_code == 0 and "1 bids recorded in block" in shown.stdout, shown.output
    down = {**BIDS, "offers": [{**BID, "kw": list(signed_kw(3, -7))}]}
    done = document("offers", "record", written(tmp_path, down), "--bsp", BSP)
    assert done["events"] == ["OfferRecorded"] and len(done["commitments"]) == 1
    # the other BSP's, and one whose secret is here, but not for this one
    node.bid(OTHER_LOCAL, CONGESTION, Market.LFP, 1, signed_kw(20, 5))
    hidden = seal(node.node.vault, {"kind": "bid"}, (DSO,))
    node.record(RecordOffers(BSP, DAY.number, Market.LFP, 1, (Offer(hidden, LOCAL, PERIMETER),)), BSP)
    found = document("offers", "list", "--day", DATE, "--bsp", BSP)["offers"]
    by_name = {one["commitment"]: one for one in found}
    assert len(by_name) == 3 and by_name[hidden.hex()]["bid"] is None
    assert by_name[done["commitments"][0]]["bid"]["kw"][3] == -7
    table = run("offers", "list", "--day", DATE, "--bsp", BSP).stdout
    rows = {line.split()[-1]: line.split() for line in table.splitlines()}
    assert rows[done["commitments"][0]][-5:-1] == [str(CONGESTION), "180.500", "0", "7"]
    assert rows[hidden.hex()][:4] == ["lfp", "1", str(LOCAL), str(PERIMETER)]
    assert "3 bids of" in table


def test_the_file_is_the_body_that_the_api_takes(node: Sandbox) -> None:
    assert node.post("/v1/offers", BSP, BIDS).status_code == 201
    assert node.post("/v1/agreements", BSP, TERMS).status_code == 201


def test_what_the_ledger_refuses_is_said_with_its_rule(tmp_path: Path) -> None:
    foreign = {**BIDS, "offers": [{**BID, "aggregate": OTHER_LOCAL}]}
    refused(run("offers", "record", written(tmp_path, foreign), "--bsp", BSP), "AGG-1", str(OTHER_LOCAL))
    unknown = {**BIDS, "day": DAY.plus(300).date.isoformat(), "offers": [BID]}
    refused(run("offers", "record", written(tmp_path, unknown), "--bsp", BSP), "SES-1")
    refused(run("offers", "record", written(tmp_path, BIDS), "--bsp", 999), "SES-5: bsp", "whose key is here")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no JSON"),
        ("[]", "found list"),
        ("[" * 99, "levels"),
        ({"offers": []}, "day, market, session and offers"),
        ({**BIDS, "offers": []}, "1 to 100"),
        ({**BIDS, "offers": [BID] * (OFFERS_PER_TRANSACTION + 1)}, "found 101"),
        ({**BIDS, "day": "tomorrow"}, "SES-5: day: found tomorrow"),
        ({**BIDS, "market": "mb"}, "offers[0]: market"),
        ({**BIDS, "offers": [BID, {**BID, "kw": [0] * 23}]}, "offers[1]: kw"),
        ({**BIDS, "offers": [{**BID, "session": 2}]}, "a bid without its session"),
        ({**BIDS, "offers": [5]}, "a bid without its session"),
        ({**BIDS, "offers": [{**BID, "note": "cheap"}]}, "note"),
        ({**BIDS, "offers": [{**BID, "aggregate": -1}]}, "offers[0]: aggregate: found -1"),
        ({**BIDS, "offers": [{**BID, "product": 2**32}]}, "offers[0]: product: found 4294967296"),
    ],
)
def test_a_file_of_bids_is_refused_by_its_first_fault(tmp_path: Path, content: Any, said: str) -> None:
    refused(run("offers", "record", written(tmp_path, content), "--bsp", BSP), "SES-5", said)


def test_an_agreement_is_proposed_by_one_and_accepted_by_the_other(tmp_path: Path) -> None:
    shown = run("agreements", "propose", written(tmp_path, TERMS), "--party", BSP)
    assert shown.exit_code == 0, shown.output
    name = shown.stdout.split()[-1]
    (found,) = [one for one in listed(DSO) if one["commitment"] == name]
    assert (found["proposer"], found["accepted"]) == (BSP, False)
    assert found["terms"]["available_kw"] == 20
    assert name not in {one["commitment"] for one in listed(OTHER_BSP)}
    refused(run("agreements", "accept", name, "--party", BSP), "SES-5")
    done = document("agreements", "accept", name, "--party", DSO)
    assert (done["events"], done["commitments"]) == (["AgreementAccepted"], [name])
    refused(run("agreements", "accept", name, "--party", DSO), "SES-5")
    table = run("agreements", "list", "--party", BSP).stdout
    (row,) = [line.split() for line in table.splitlines() if name in line]
    assert row[:4] == [str(DSO), str(LOCAL), str(BSP), "accepted"]
    assert row[4:-1] == [DATE, "until", TERMS["until_day"], "20", "up", "3.430", "200.000"]


@pytest.mark.rule("PRIV-3")
def test_terms_that_are_not_here_are_neither_shown_nor_accepted(node: Sandbox) -> None:
    hidden = commitment(bytes(32), b"terms")
    node.record(ProposeAgreements(BSP, (AgreementDraft(hidden, DSO, LOCAL),)), BSP)
    (found,) = [one for one in listed(DSO) if one["commitment"] == hidden.hex()]
    assert found["terms"] is None
    assert hidden.hex() in run("agreements", "list", "--party", DSO).stdout
    refused(run("agreements", "accept", hidden.hex(), "--party", DSO), "PRIV-3", hidden.hex())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({**TERMS, "until_day": "2026-13-01"}, "until_day"),
        ({**TERMS, "direction": "left"}, "direction"),
        ({**TERMS, "available_kw": 131_072}, "available_kw: found 131072, allowed at most 131071"),
        ({name: value for name, value in TERMS.items() if name != "available_kw"}, "available_kw"),
    ],
)
def test_a_file_of_an_agreement_is_refused_by_its_first_fault(
    tmp_path: Path, content: Any, said: str
) -> None:
    refused(run("agreements", "propose", written(tmp_path, content), "--party", DSO), "SES-5", said)


def test_what_is_no_commitment_and_no_file_is_refused(tmp_path: Path) -> None:
    for text in ("", "xyz", "00" * 31):
        refused(run("agreements", "accept", text, "--party", DSO), "SES-5: agreement", "64 hexadecimal")
    refused(run("offers", "record", tmp_path / "none.json", "--bsp", BSP), "SES-5: offers", "readable")


def listed(party: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document("agreements", "list", "--party", party)["agreements"]
    return found
