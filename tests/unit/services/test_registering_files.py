"""A file of PODs: nothing is sent before every row is without fault, and every fault is told (POD-4)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.commands import Command, RegisterPods, ReinstateParty, SuspendParty, WithdrawPods
from registry.domain.enums import PodCategory, VoltageLevel
from registry.domain.errors import InputInvalid, RuleViolation
from registry.ports import ChainUnreachable, Sender, Sent, Signer
from registry.services.check_pod_file import FileInvalid, _number
from registry.services.pod_files import COLUMNS, read_pods
from registry.services.recorder import Recorder
from registry.services.register_file import BATCH, FileRegistered, register_file
from registry.services.register_pods import PodApplication, RowError, register_pods
from tests.unit.api.sandbox import BSP, OTHER_BSP, PODS, Sandbox, pod_body


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("files"))
    yield sandbox
    sandbox.close()


def code(number: int) -> str:
    return f"IT001E7{number:07d}"


def row(number: int, **changes: Any) -> dict[str, Any]:
    return pod_body(code(number), **changes)


def as_csv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for each in rows:
            writer.writerow({**each, "technologies": ";".join(each["technologies"])})
    return path


def as_json(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


class Call:
    """Registers a file and remembers what was told."""

    def __init__(
        self, house: Sandbox, folder: Path, recorder: Recorder | None = None, bsp: int = BSP
    ) -> None:
        self.house = house
        self.folder = folder
        self.recorder = recorder or house.node.recorder
        self.bsp = bsp
        self.faults: list[RowError] = []
        self.told: list[tuple[str, int, int]] = []

    def __call__(self, path: Path) -> FileRegistered:
        return register_file(
            self.recorder,
            self.bsp,
            self.house.node.signers[self.bsp],
            path,
            self.folder,
            self.faults.append,
            lambda *told: self.told.append(told),
        )

    @property
    def places(self) -> list[tuple[int, str, str]]:
        return [(error.row, error.violation.field, error.violation.rule) for error in self.faults]


def active(house: Sandbox, numbers: Sequence[int], bsp: int = BSP) -> list[int]:
    """Which of these PODs are registered by the BSP."""
    house.node.mirror.catch_up()
    kept = house.node.vault.pods_of([code(number) for number in numbers])
    views = house.node.mirror.latest_pods([secret.pod_id for secret in kept.values()])
    good = {pod_id for pod_id, view in views.items() if not view.withdrawn and view.bsp == bsp}
    return [n for n in numbers if code(n) in kept and kept[code(n)].pod_id in good]


@pytest.mark.rule("POD-4")
@pytest.mark.parametrize("write", [as_csv, as_json])
def test_a_file_is_registered_as_its_rows_say(house: Sandbox, tmp_path: Path, write: Any) -> None:
    first = 1_000 if write is as_csv else 2_000
    rows = [row(first + n, up_kw=n, category="storage", voltage="medium") for n in range(BATCH + 7)]
    call = Call(house, tmp_path / "jobs")
    result = call(write(tmp_path / "pods.any", rows))
    assert (result.registered, result.before, result.refused, result.transactions) == (BATCH + 7, 0, 0, 2)
    assert call.faults == []
    assert [told[0] for told in call.told] == ["checked", "registered", "registered"]
    assert call.told[-1][1] == BATCH + 7
    secret = house.node.vault.pods_of([code(first + 40)])[code(first + 40)]
    assert secret.payload["technologies"] == ["photovoltaic", "storage"] and secret.owner == BSP
    view = house.node.mirror.pod(secret.pod_id)
    assert view is not None
    assert (view.declared_up_kw, view.category, view.voltage) == (
        40,
        PodCategory.STORAGE,
        VoltageLevel.MEDIUM,
    )
    assert list((tmp_path / "jobs").glob("*.json")) == []


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"pod_code": "IT1"}, "pod_code", "POD-1"),
    ({"dso": 99}, "dso", "POD-1"),
    ({"dso": BSP}, "dso", "POD-1"),
    ({"dso": 70_000}, "dso", "POD-4"),
    ({"category": "windmill"}, "category", "POD-4"),
    ({"voltage": ""}, "voltage", "POD-4"),
    ({"up_kw": "40.5"}, "up_kw", "POD-4"),
    ({"up_kw": -1}, "up_kw", "POD-4"),
    ({"down_kw": 131_072}, "down_kw", "POD-4"),
    ({"up_kw": 0, "down_kw": 0}, "up_kw", "POD-1"),
    ({"activation_time_s": 86_401}, "activation_time_s", "POD-4"),
    ({"position": "Rome"}, "position", "POD-4"),
    ({"technologies": [""]}, "technologies", "POD-4"),
    ({"technologies": ["x" * 41]}, "technologies", "POD-4"),
    ({"pod_code": PODS[0].code}, "pod_code", "POD-1"),
]


@pytest.mark.rule("POD-4", "POD-1")
@pytest.mark.parametrize("write", [as_csv, as_json])
def test_one_fault_and_nothing_is_sent_and_every_fault_is_told(
    house: Sandbox, tmp_path: Path, write: Any
) -> None:
    head = house.node.ledger.head()
    rows = [row(3_000 + n) for n in range(2_000)]
    places = []
    for number, (change, column, rule) in enumerate(FAULTS):
        at = 50 + 100 * number
        rows[at] = {**rows[at], **change}
        places.append((at + (2 if write is as_csv else 1), column, rule))
    rows[1_999] = rows[7]
    places.append((1_999 + (2 if write is as_csv else 1), "pod_code", "POD-1"))
    call = Call(house, tmp_path / "jobs")
    with pytest.raises(FileInvalid, match=f"found {len(places)} faults in 2000 rows") as refused:
        call(write(tmp_path / "pods.any", rows))
    assert refused.value.rule == "POD-4"
    assert sorted(call.places) == sorted(places)
    double = max(call.faults, key=lambda error: error.row).violation
    assert f"also in row {9 if write is as_csv else 8}" in str(double.found)
    assert house.node.ledger.head() == head
    assert house.node.vault.pods_of([code(3_000 + n) for n in range(2_000)]) == {}
    assert not (tmp_path / "jobs").exists()


@pytest.mark.rule("POD-4")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "found an empty file"),
        (
            b"pod_code,dso\nIT001E00000001,11\n",
            "found the header pod_code,dso, allowed the columns pod_code,",
        ),
        (b"x" * 70_000, "found a line of more than 65536 characters"),
        (",".join(COLUMNS).encode() + b"\n\n", "found no rows"),
    ],
)
def test_a_file_without_rows_is_refused(house: Sandbox, tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "pods.csv"
    path.write_bytes(text)
    with pytest.raises(InputInvalid, match=message) as refused:
        Call(house, tmp_path / "jobs")(path)
    assert (refused.value.rule, refused.value.field) == ("POD-4", "file")


@pytest.mark.rule("POD-4")
def test_what_is_no_row_is_a_fault_of_its_line(tmp_path: Path) -> None:
    header = ",".join(COLUMNS)
    good = 'IT001E00000001,11,mixed,low,40,60,300,"41.902782,12.496366",photovoltaic'
    many = 'IT1,x,y,z,-1,1.5,,here,""'
    text = f'\N{ZERO WIDTH NO-BREAK SPACE}{header}\r\n{good}\r\na,b\r\n\r\n{many}\r\n"IT1"x\r\n{good}\r\n'
    path = tmp_path / "pods.csv"
    path.write_bytes(text.encode() + b"\xff\xfe\r\n")
    rows = list(read_pods(path))
    assert [row.number for row in rows] == [2, 3, 5, 6, 7, 8]
    assert [row.application is None for row in rows] == [False, True, True, True, False, True]
    assert {error.violation.field for error in rows[2].faults} == set(COLUMNS)
    assert [error.violation.field for error in rows[1].faults] == ["row"]
    lines = [b'{"pod_code": 5, "extra": 1}', b"[1]", b"{", b'{"a": "\xff"}', b"{" * 99]
    path.write_bytes(b"\n".join(lines))
    faults = [[error.violation.field for error in row.faults] for row in read_pods(path)]
    assert set(faults[0]) == {*COLUMNS, "extra"}
    assert faults[1:] == [["row"]] * 4


@pytest.mark.rule("POD-4")
@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "pods"
    path.write_bytes(data)
    try:
        rows = list(read_pods(path))
    except InputInvalid:
        return
    assert all((row.application is None) == bool(row.faults) for row in rows)


@given(st.sets(st.from_regex(r"IT\d{3}E[0-9A-Z]{8,9}|\d{18}", fullmatch=True), min_size=2, max_size=8))
def test_codes_are_told_apart_by_their_numbers(codes: set[str]) -> None:
    ascii_codes = {code for code in codes if code.isascii()}
    assert len({_number(code) for code in ascii_codes}) == len(ascii_codes)
    assert all(0 <= _number(code) < 1 << 64 for code in ascii_codes)


# ---------------------------------------------------------------------------------------- after the check


class CutLedger:
    """A ledger whose sender stops after some commands: taken by the ledger, and not told."""

    def __init__(self, ledger: Any, after: int) -> None:
        self._ledger = ledger
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def sender(self, signer: Signer, folder: Path, final_after: int = 0) -> Sender:
        inner, after = self._ledger.sender(signer, folder, final_after), self._after

        class Cutting:
            settle, close = inner.settle, inner.close

            def send(self, commands: Iterator[Command]) -> Iterator[Sent]:
                for number, sent in enumerate(inner.send(commands)):
                    if number == after:
                        raise ChainUnreachable(found="nothing", expected="an answer", remedy="start it")
                    yield sent

        return Cutting()


@pytest.mark.rule("POD-4")
@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_interrupted_file_goes_on_where_it_is(house: Sandbox, tmp_path: Path, after: int) -> None:
    first, count = 10_000 + 1_000 * after, 3 * BATCH
    path = as_csv(tmp_path / "pods.csv", [row(first + n) for n in range(count)])
    node = house.node
    cut = Recorder(CutLedger(node.ledger, after), node.mirror, node.vault, node.clock)  # type: ignore[arg-type]
    call = Call(house, tmp_path / "jobs", cut)
    with pytest.raises(ChainUnreachable):
        call(path)
    assert len(active(house, range(first, first + count))) == (after + 1) * BATCH
    again = Call(house, tmp_path / "jobs")
    result = again(path)
    assert (result.registered, result.before, result.refused) == ((2 - after) * BATCH, (after + 1) * BATCH, 0)
    assert active(house, range(first, first + count)) == list(range(first, first + count))
    assert "checked" not in {told[0] for told in again.told}
    # done: the file is a new one now, and all its PODs are registered already
    once_more = Call(house, tmp_path / "jobs")
    with pytest.raises(FileInvalid, match=f"found {count} faults"):
        once_more(path)


class MovedLedger(CutLedger):
    """A ledger on which something happens between the check of the file and its first command."""

    def __init__(self, ledger: Any, what: Any) -> None:
        super().__init__(ledger, 0)
        self._what = what

    def sender(self, signer: Signer, folder: Path, final_after: int = 0) -> Sender:
        inner = self._ledger.sender(signer, folder, final_after)
        what = self._what

        class Late:
            settle, close = inner.settle, inner.close

            def send(self, commands: Iterator[Command]) -> Iterator[Sent]:
                def moved() -> Iterator[Command]:
                    for command in commands:
                        assert isinstance(command, RegisterPods)
                        what(command)
                        yield command

                return inner.send(moved())

        return Late()


@pytest.mark.rule("POD-4", "POD-1")
def test_a_batch_that_the_ledger_refuses_is_registered_but_for_the_row_at_fault(
    house: Sandbox, tmp_path: Path
) -> None:
    """Somebody registers a POD of the file after it was checked: its row is told, the others go on."""
    node, first = house.node, 20_000
    path = as_csv(tmp_path / "pods.csv", [row(first + n) for n in range(BATCH + 3)])
    taken: list[bytes] = []

    def take(command: RegisterPods) -> None:
        if not taken:
            taken.append(command.registrations[5].pod_id)
            house.record(RegisterPods(OTHER_BSP, (command.registrations[5],)), OTHER_BSP)

    recorder = Recorder(MovedLedger(node.ledger, take), node.mirror, node.vault, node.clock)  # type: ignore[arg-type]
    call = Call(house, tmp_path / "jobs", recorder)
    result = call(path)
    assert (result.registered, result.refused) == (BATCH + 2, 1)
    assert call.places == [(7, "pod_code", "POD-1")]
    assert active(house, range(first, first + BATCH + 3)) == [
        n for n in range(first, first + BATCH + 3) if n != first + 5
    ]


@pytest.mark.rule("POD-4", "ACT-1")
def test_a_bsp_that_may_not_write_any_more_ends_it_and_later_goes_on(house: Sandbox, tmp_path: Path) -> None:
    node, first = house.node, 21_000
    path = as_csv(tmp_path / "pods.csv", [row(first + n) for n in range(2 * BATCH)])
    done: list[int] = []

    def suspend(_: RegisterPods) -> None:
        done.append(1)
        if len(done) == 2:
            assert node.admin is not None
            node.recorder.record(SuspendParty(BSP, b"late".ljust(32, b"\0")), node.admin)

    recorder = Recorder(MovedLedger(node.ledger, suspend), node.mirror, node.vault, node.clock)  # type: ignore[arg-type]
    with pytest.raises(RuleViolation, match="ACT-1"):
        Call(house, tmp_path / "jobs", recorder)(path)
    assert node.admin is not None
    node.recorder.record(ReinstateParty(BSP), node.admin)
    assert len(active(house, range(first, first + 2 * BATCH))) == BATCH
    result = Call(house, tmp_path / "jobs")(path)
    assert (result.registered, result.before) == (BATCH, BATCH)


@pytest.mark.rule("POD-4", "POD-5", "PRIV-1")
def test_a_pod_taken_over_keeps_its_pseudonym_and_gets_the_new_payload(
    house: Sandbox, tmp_path: Path
) -> None:
    node, number = house.node, 22_000
    application = next(read_pods(as_json(tmp_path / "one", [row(number)]))).application
    assert isinstance(application, PodApplication)
    (pod_id,) = register_pods(node.recorder, BSP, node.signers[BSP], [application]).pod_ids
    house.record(WithdrawPods(BSP, (pod_id,)), BSP)
    result = Call(house, tmp_path / "jobs", bsp=OTHER_BSP)(
        as_csv(tmp_path / "pods.csv", [row(number, position="45.000000,9.000000")])
    )
    assert result.registered == 1 and active(house, [number], OTHER_BSP) == [number]
    secret = node.vault.pod(pod_id)
    assert (
        secret is not None
        and secret.owner == OTHER_BSP
        and secret.payload["position"] == "45.000000,9.000000"
    )


@pytest.mark.rule("POD-4")
def test_a_file_that_changes_under_way_is_noticed(house: Sandbox, tmp_path: Path) -> None:
    node = house.node
    rows = [row(23_000 + n) for n in range(2_000)]
    path = as_json(tmp_path / "pods", rows)
    jobs = tmp_path / "jobs"

    def spoil(_: RegisterPods) -> None:
        as_json(path, [{**each, "up_kw": -1} for each in rows])

    recorder = Recorder(MovedLedger(node.ledger, spoil), node.mirror, node.vault, node.clock)  # type: ignore[arg-type]
    with pytest.raises(InputInvalid, match="that was not there when the file was checked"):
        Call(house, jobs, recorder)(path)
