"""What the register tells the DSO's platform: its PODs and perimeters, the local plan, and the day afterwards
(POD-1, POD-2, DTL-1, DTL-3, SES-3, STT-3).
"""

from __future__ import annotations

import dataclasses

import pytest

from registry.domain.errors import RuleViolation
from registry.services.grid_register import (
    KnownPod,
    known_pods,
    local_plan_kw,
    perimeter_numbers,
    pod_id_of,
)
from registry.services.observed_day import observed_day, serving_quarters
from tests.unit.api.sandbox import (
    DAY,
    DOWN_KW,
    DSO,
    GLOBAL_HOUR,
    LOCAL_HOUR,
    LOCAL_KW,
    OTHER_DSO,
    PERIMETER,
    UP_KW,
    Sandbox,
)

OWN = (0, 1, 2, 4, 5)
"""The DSO's PODs among those of the sandbox."""


def codes(sandbox: Sandbox) -> list[str]:
    return [sandbox.pods[number].code for number in OWN]


@pytest.mark.rule("POD-2")
def test_pods_are_known_by_code_or_id_with_what_was_granted(played: Sandbox) -> None:
    node = played.node
    keys = [played.pods[0].hex, *codes(played)[1:]]
    known = known_pods(node.mirror, node.vault, DSO, DAY, keys)
    assert list(known) == keys
    for key, number in zip(keys, OWN, strict=True):
        assert known[key] == KnownPod(key, played.pods[number].pod_id, PERIMETER, UP_KW, DOWN_KW)


@pytest.mark.rule("POD-1")
def test_a_key_the_register_does_not_know_is_named(played: Sandbox) -> None:
    node = played.node
    assert pod_id_of(node.vault, "z" * 64) is None
    for stray, word in (
        ("MV1.101 Load 2", "not in the register"),
        ("00" * 32, "not in the register"),
        (played.pods[3].code, f"DSO {OTHER_DSO}"),
    ):
        with pytest.raises(RuleViolation) as refused:
            known_pods(node.mirror, node.vault, DSO, DAY, [*codes(played), stray])
        assert refused.value.rule == "POD-1" and stray in refused.value.field
        assert word in str(refused.value)


@pytest.mark.rule("POD-1")
def test_one_pod_under_two_keys_is_refused(played: Sandbox) -> None:
    node = played.node
    with pytest.raises(RuleViolation, match="the same POD as"):
        known_pods(node.mirror, node.vault, DSO, DAY, [*codes(played), played.pods[0].hex])


@pytest.mark.rule("POD-2")
def test_a_pod_that_may_move_has_to_be_in_the_files(played: Sandbox) -> None:
    node = played.node
    with pytest.raises(RuleViolation, match="no entry for 2 PODs") as refused:
        known_pods(node.mirror, node.vault, DSO, DAY, codes(played)[:-2])
    assert refused.value.rule == "POD-2" and played.pods[4].hex[:16] in str(refused.value)


@pytest.mark.rule("DTL-1")
def test_names_get_the_numbers_of_the_register(played: Sandbox) -> None:
    node = played.node
    keys = codes(played)
    known = known_pods(node.mirror, node.vault, DSO, DAY, keys)
    assert perimeter_numbers({"north": keys, "empty": []}, known) == {"north": PERIMETER}
    with pytest.raises(RuleViolation, match="as north has"):
        perimeter_numbers({"north": keys[:2], "south": keys[2:]}, known)
    moved = {**known, keys[0]: dataclasses.replace(known[keys[0]], perimeter=PERIMETER + 1)}
    with pytest.raises(RuleViolation, match=f"{PERIMETER}, {PERIMETER + 1}"):
        perimeter_numbers({"north": keys}, moved)
    lost = {**known, keys[0]: dataclasses.replace(known[keys[0]], perimeter=None)}
    with pytest.raises(RuleViolation, match="none"):
        perimeter_numbers({"alone": keys[:1]}, lost)


@pytest.mark.rule("DTL-3")
def test_the_local_plan_is_the_dsos_own_selections(played: Sandbox) -> None:
    assert local_plan_kw(played.node.mirror, DSO, DAY) == {(PERIMETER, LOCAL_HOUR): LOCAL_KW}
    assert local_plan_kw(played.node.mirror, OTHER_DSO, DAY) == {}
    assert local_plan_kw(played.node.mirror, DSO, DAY.plus(1)) == {}


@pytest.mark.rule("SES-3")
def test_who_served_is_who_was_declared(played: Sandbox) -> None:
    assert serving_quarters(played.node.mirror, DAY) == {
        played.pods[0].pod_id: 0b1111 << 4 * LOCAL_HOUR,
        played.pods[4].pod_id: 0b1111 << 4 * GLOBAL_HOUR,
    }


@pytest.mark.rule("STT-3", "BAS-1")
def test_the_observed_day_is_readings_baselines_and_service(played: Sandbox) -> None:
    node = played.node
    pods = [played.pods[number].pod_id for number in OWN]
    found = observed_day(node.recorder, node.log, DAY, pods)
    first, idle = found[pods[0]], found[pods[2]]
    assert first.baseline_w == (2_000,) * 96
    assert [quarter for quarter, value in enumerate(first.metered_w) if value is not None] == list(
        range(4 * LOCAL_HOUR, 4 * LOCAL_HOUR + 4)
    )
    assert first.metered_w[4 * LOCAL_HOUR] == 12_000
    assert first.metered_var[4 * LOCAL_HOUR] == -120, "50 varh drawn, 20 given, in a quarter-hour"
    assert [value is None for value in first.metered_var] == [value is None for value in first.metered_w]
    assert first.served == 0b1111 << 4 * LOCAL_HOUR
    assert (idle.metered_w, idle.metered_var, idle.baseline_w, idle.served) == (
        (None,) * 96,
        (None,) * 96,
        None,
        0,
    )


@pytest.mark.rule("TIM-1")
def test_a_day_that_is_not_over_has_not_been_observed(founded: Sandbox) -> None:
    node = founded.node
    with pytest.raises(RuleViolation, match="a day that is over"):
        observed_day(node.recorder, node.log, DAY, [])
