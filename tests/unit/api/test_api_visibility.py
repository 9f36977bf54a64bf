"""Who sees what: one table of callers and objects, and that a list never says more than single answers do.

The table is SPEC section 1, column "may never": a TSO no PODs outside its market, a BSP nothing of another
BSP, anyone nothing about a single POD.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.api.sandbox import (
    ACCESS_NODE,
    AUDITOR,
    BSP,
    DAY,
    DSO,
    GLOBAL,
    LOCAL,
    OTHER_BSP,
    OTHER_DSO,
    OTHER_GLOBAL,
    OTHER_LOCAL,
    TSO,
    Sandbox,
)

DATE = DAY.date.isoformat()
PARTIES = (TSO, DSO, OTHER_DSO, BSP, OTHER_BSP, AUDITOR, ACCESS_NODE)

# PODs 0 to 3 are the first BSP's, 4 to 6 the second's; 3 and 6 are on the other DSO's grid.
# 2 and 6 are in no global aggregate: no business of the TSO.
SEEN_PODS = {
    TSO: {0, 1, 3, 4, 5},
    DSO: {0, 1, 2, 4, 5},
    OTHER_DSO: {3, 6},
    BSP: {0, 1, 2, 3},
    OTHER_BSP: {4, 5, 6},
    AUDITOR: {0, 1, 2, 3, 4, 5, 6},
    ACCESS_NODE: set(),
}
SEEN_AGGREGATES = {
    TSO: {GLOBAL, OTHER_GLOBAL},
    DSO: {LOCAL, OTHER_LOCAL},
    OTHER_DSO: {LOCAL, OTHER_LOCAL},
    BSP: {LOCAL, GLOBAL},
    OTHER_BSP: {OTHER_LOCAL, OTHER_GLOBAL},
    AUDITOR: {LOCAL, GLOBAL, OTHER_LOCAL, OTHER_GLOBAL},
    ACCESS_NODE: set(),
}
SEEN_SELECTIONS = {
    TSO: {LOCAL, OTHER_GLOBAL},
    DSO: {LOCAL, OTHER_GLOBAL},
    OTHER_DSO: set(),
    BSP: {LOCAL},
    OTHER_BSP: {OTHER_GLOBAL},
    AUDITOR: {LOCAL, OTHER_GLOBAL},
}
SEEN_DECLARATIONS = {
    TSO: {OTHER_GLOBAL},
    DSO: {LOCAL, OTHER_GLOBAL},
    OTHER_DSO: set(),
    BSP: {LOCAL},
    OTHER_BSP: {OTHER_GLOBAL},
    AUDITOR: {LOCAL, OTHER_GLOBAL},
}
SEEN_QUALIFICATIONS = {
    TSO: {OTHER_GLOBAL},
    DSO: {LOCAL, OTHER_LOCAL},
    OTHER_DSO: set(),
    BSP: {LOCAL},
    OTHER_BSP: {OTHER_LOCAL, OTHER_GLOBAL},
    AUDITOR: {LOCAL, OTHER_LOCAL, OTHER_GLOBAL},
}
SEEN_SETTLEMENTS = {
    TSO: {"global"},
    DSO: {"local"},
    OTHER_DSO: set(),
    BSP: {"local"},
    OTHER_BSP: {"global"},
    AUDITOR: {"local", "global"},
    ACCESS_NODE: set(),
}
SEEN_BASELINES = {BSP: {0, 1, 3}, OTHER_BSP: {4, 5, 6}, AUDITOR: {0, 1, 3, 4, 5, 6}}
SEEN_LIGHTS = {
    TSO: {DSO, OTHER_DSO},
    DSO: {DSO},
    OTHER_DSO: {OTHER_DSO},
    BSP: {DSO, OTHER_DSO},
    AUDITOR: {DSO, OTHER_DSO},
}


def same_but_for_the_name(hidden: dict[str, Any], missing: dict[str, Any], names: tuple[str, str]) -> bool:
    return json.dumps(hidden).replace(names[0], "") == json.dumps(missing).replace(names[1], "")


@pytest.mark.rule("PRIV-1")
@pytest.mark.parametrize("party", PARTIES)
def test_pods(played: Sandbox, party: int) -> None:
    missing = played.get(f"/v1/pods/{'ab' * 32}", party).json()
    for number, pod in enumerate(played.pods):
        for path in (f"/v1/pods/{pod.hex}", f"/v1/pods/{pod.hex}/history"):
            answer = played.get(path, party)
            assert answer.status_code == (200 if number in SEEN_PODS[party] else 404), (party, number)
            if answer.status_code == 404:
                assert same_but_for_the_name(answer.json(), missing, (pod.hex, "ab" * 32))
    if party not in (TSO, ACCESS_NODE):
        listed = {item["pod_id"] for item in played.everything("/v1/pods", party)}
        assert listed == {played.pods[number].hex for number in SEEN_PODS[party]}


@pytest.mark.rule("PRIV-1")
def test_codes_are_for_the_bsp_and_the_dso_of_the_pod(played: Sandbox) -> None:
    for number, pod in enumerate(played.pods):
        for party in (DSO, OTHER_DSO, BSP, OTHER_BSP):
            answer = played.get(f"/v1/pods/{pod.hex}/code", party)
            if number in SEEN_PODS[party]:
                assert answer.json()["pod_code"] == pod.code
            else:
                assert answer.status_code == 404
                assert pod.code not in answer.text


@pytest.mark.rule("AGG-1")
@pytest.mark.parametrize("party", PARTIES)
def test_aggregates_and_their_members(played: Sandbox, party: int) -> None:
    for aggregate in (LOCAL, GLOBAL, OTHER_LOCAL, OTHER_GLOBAL):
        answer = played.get(f"/v1/aggregates/{aggregate}/members", party)
        assert answer.status_code == (200 if aggregate in SEEN_AGGREGATES[party] else 404), (party, aggregate)
        if answer.status_code == 200:
            shown = {item["pod_id"] for item in answer.json()["items"]}
            assert shown <= {played.pods[number].hex for number in SEEN_PODS[party]}
        else:
            missing = played.get(f"/v1/aggregates/{2**40 - 1}/members", party).json()
            assert same_but_for_the_name(answer.json(), missing, (str(aggregate), str(2**40 - 1)))
    if party != ACCESS_NODE:
        assert {item["aggregate"] for item in played.everything("/v1/aggregates", party)} == SEEN_AGGREGATES[
            party
        ]


@pytest.mark.rule("SES-3", "PRQ-1")
@pytest.mark.parametrize(
    ("path", "seen"),
    [
        (f"/v1/selections/{DATE}", SEEN_SELECTIONS),
        (f"/v1/declarations/{DATE}", SEEN_DECLARATIONS),
        ("/v1/qualifications", SEEN_QUALIFICATIONS),
    ],
)
def test_lists_of_aggregates_business(played: Sandbox, path: str, seen: dict[int, set[int]]) -> None:
    for party, expected in seen.items():
        assert {item["aggregate"] for item in played.everything(path, party)} == expected, party


@pytest.mark.rule("BAS-1", "DTL-2")
def test_baselines_and_lights(played: Sandbox) -> None:
    for party, numbers in SEEN_BASELINES.items():
        found = {item["pod_id"] for item in played.everything(f"/v1/baselines/{DATE}", party)}
        assert found == {played.pods[number].hex for number in numbers}
    for party, dsos in SEEN_LIGHTS.items():
        found = {item["perimeter"] >> 24 for item in played.everything(f"/v1/lights/{DATE}", party)}
        assert found == dsos


@pytest.mark.rule("STT-4", "PRIV-3")
@pytest.mark.parametrize("party", PARTIES)
def test_settlements_documents_and_evidence(played: Sandbox, party: int) -> None:
    for name, statement_id in played.statements.items():
        visible = name in SEEN_SETTLEMENTS[party]
        for part in ("", "/document", "/evidence"):
            answer = played.get(f"/v1/settlements/{statement_id}{part}", party)
            assert answer.status_code == (200 if visible else 404), (party, name, part)
            if not visible:
                missing = played.get(f"/v1/settlements/{'ab' * 32}{part}", party).json()
                assert same_but_for_the_name(answer.json(), missing, (statement_id, "ab" * 32))
    if party != ACCESS_NODE:
        listed = {item["statement_id"] for item in played.everything("/v1/settlements", party)}
        assert listed == {played.statements[name] for name in SEEN_SETTLEMENTS[party]}


@pytest.mark.rule("STT-4", "AUD-1")
@pytest.mark.parametrize(
    ("party", "name", "part", "body"),
    [
        (BSP, "global", "disputes", {"reason": "not mine"}),
        (OTHER_BSP, "local", "disputes", {"reason": "not mine"}),
    ],
)
def test_what_is_hidden_cannot_be_disputed_either(
    played: Sandbox, party: int, name: str, part: str, body: dict[str, str]
) -> None:
    hidden = played.post(f"/v1/settlements/{played.statements[name]}/{part}", party, body)
    missing = played.post(f"/v1/settlements/{'ab' * 32}/{part}", party, body)
    assert hidden.status_code == missing.status_code == 404
    assert same_but_for_the_name(hidden.json(), missing.json(), (played.statements[name], "ab" * 32))


PUBLIC = (
    "/v1/parties",
    "/v1/products",
    "/v1/equivalences",
    "/v1/statistics",
    f"/v1/days/{DATE}",
    "/v1/log/checkpoint",
)


@pytest.mark.rule("PRIV-1")
def test_the_public_part_says_nothing_about_a_single_pod(played: Sandbox) -> None:
    for path in PUBLIC:
        text = played.get(path).text
        for pod in played.pods:
            assert pod.hex not in text
            assert pod.code not in text


LISTS = (
    "/v1/pods",
    "/v1/aggregates",
    f"/v1/aggregates/{LOCAL}/members",
    f"/v1/aggregates/{GLOBAL}/members",
    f"/v1/aggregates/{OTHER_LOCAL}/members",
    f"/v1/aggregates/{OTHER_GLOBAL}/members",
    "/v1/qualifications",
    "/v1/perimeters",
    f"/v1/lights/{DATE}",
    f"/v1/selections/{DATE}",
    f"/v1/declarations/{DATE}",
    f"/v1/baselines/{DATE}",
    "/v1/settlements",
    *PUBLIC,
)
TIMES = (None, "2026-06-17T03:00:00Z", "2026-06-17T13:45:00Z", "2030-01-01T00:00:00Z")


@pytest.mark.rule("PRIV-1")
@settings(max_examples=60, deadline=None)
@given(
    party=st.sampled_from((BSP, OTHER_BSP)),
    path=st.sampled_from(LISTS),
    limit=st.integers(1, 8),
    after=st.one_of(st.none(), st.from_regex(r"\A[0-9a-f]{1,6}\Z")),
    as_of=st.sampled_from(TIMES),
    day=st.sampled_from((None, DATE, "2026-06-17")),
)
def test_a_bsp_never_receives_a_pod_of_another_bsp(
    played: Sandbox, party: int, path: str, limit: int, after: str | None, as_of: str | None, day: str | None
) -> None:
    asked = {"limit": limit, "after": after, "as_of": as_of, "day": day}
    foreign = {pod.hex for pod in played.pods if pod.bsp != party}
    answer = played.get(path, party, **{name: value for name, value in asked.items() if value is not None})
    assert answer.status_code in (200, 404)
    # ids, page keys and everything else in the answer
    assert not foreign & set(re.findall("[0-9a-f]{64}", answer.text))


@pytest.mark.rule("DTL-1")
@settings(max_examples=30, deadline=None)
@given(path=st.sampled_from(LISTS), limit=st.integers(1, 3))
def test_page_keys_tell_a_dso_nothing_of_the_other_grid(played: Sandbox, path: str, limit: int) -> None:
    if played.get(path, OTHER_DSO).status_code != 200 or path in PUBLIC:
        return
    foreign = {pod.hex for pod in played.pods if pod.dso != OTHER_DSO}
    text = json.dumps(played.everything(path, OTHER_DSO, limit))
    assert not foreign & set(re.findall("[0-9a-f]{64}", text))
