"""One behaviour of the measurement log on every engine that can keep it (MEA-2, MEA-3, LOG-1, SET-1)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis.stateful import run_state_machine_as_test

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.log import AccessNode, check_folder
from registry.log.engines import Engine
from registry.log.engines.postgresql import PostgresEngine
from registry.log.engines.sqlite import SqliteEngine
from registry.log.retention import Held, Stage, Step
from registry.ports import Accepted, AlreadyInUse, DatabaseCorrupted, DatabaseUnreachable, Refused
from tests.databases import fresh_database
from tests.unit.log.log_house import START, House
from tests.unit.log.test_intake_model import LogMachine


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    house = House(tmp_path / "log")
    house.clock.seconds += 1000 * 900
    if request.param == "postgresql":
        url = fresh_database(request.getfixturevalue("postgres_url"))
        house.engine = lambda: PostgresEngine(url)
    else:
        # as long as there is a folder for it: the house is asked for its engine outside a log, too
        house.folder.mkdir(parents=True)
        house.engine = lambda: SqliteEngine(tmp_path / "log" / "log.sqlite")
    return house


def engine_of(house: House) -> Engine:
    assert house.engine is not None
    return house.engine()


def accepted(node: AccessNode, batch: list[bytes]) -> list[Accepted]:
    answers = node.submit(batch)
    # each answer's receipt is asked for here: the log makes it while it is open
    assert all(isinstance(answer, Accepted) and answer.receipt for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Accepted)]


@pytest.mark.rule("MEA-3", "LOG-1")
def test_a_log_goes_on_where_it_stopped(house: House) -> None:
    devices = [house.device(str(number)) for number in range(7)]
    readings = [device.reading(slot, slot + 1) for slot in range(120) for device in devices]
    answers: list[Accepted] = []
    for at in range(0, len(readings), 280):
        with house.open() as node:
            for start in range(at, at + 280, 70):
                answers += accepted(node, readings[start : start + 70])
            head = node.checkpoint()
        with house.open() as node:
            assert node.checkpoint() == head
            assert check_folder(house.folder / "tree", node.note_key).sound
    assert [answer.index for answer in answers] == list(range(840))
    with house.open() as node:
        assert [node.entry(index) for index in range(840)] == readings
        again = accepted(node, readings)
        assert all(answer.duplicate for answer in again)
        assert [answer.index for answer in again] == list(range(840))
        pod = node.statements(devices[3].pod_id, _at(10), _at(40))
        assert [found.data for found in pod] == [devices[3].reading(slot, slot + 1) for slot in range(10, 40)]
        for index in (0, 255, 256, 839):
            assert node.receipt(index) == answers[index].receipt


@pytest.mark.rule("MEA-2")
def test_conflicts_and_gaps_outlive_a_restart(house: House) -> None:
    device, other = house.device("a"), house.device("b")
    with house.open() as node:
        accepted(node, [device.reading(0, 1), device.reading(5, 6), other.reading(0, 1)])
        accepted(node, [device.reading(2, 3)])
    with house.open() as node:
        assert [(gap.first, gap.last) for gap in node.gaps(device.kid)] == [(2, 2), (4, 5)]
        reused, changed = node.submit([device.reading(7, 3), device.reading(0, 7, import_wh=1)])
        assert isinstance(reused, Refused) and reused.violation.field == "counter"
        assert isinstance(changed, Refused) and changed.violation.field == "period_start"
        accepted(node, [device.reading(1, 2)])
    with house.open() as node:
        assert [(gap.first, gap.last) for gap in node.gaps()] == [(4, 5)]
        found = node.conflicts()
        assert [(each.field, each.index) for each in found] == [("counter", 3), ("period_start", 0)]
        assert [each.logged for each in found] == [device.reading(2, 3), device.reading(0, 1)]
        assert node.conflicts(other.pod_id) == [] and len(node.conflicts(after=found[0].id)) == 1


@pytest.mark.rule("LOG-1", "MEA-2")
def test_old_days_are_detached(house: House, tmp_path: Path) -> None:
    device = house.device("a")
    readings = [device.reading(slot, slot + 1) for slot in range(900)]
    with house.open() as node:
        for at in range(0, 900, 90):
            accepted(node, readings[at : at + 90])
        house.clock.seconds = START + 5 * 86_400 + 35 * 86_400
        until = DeliveryDay.of(_at(4 * 96))
        gone = next(slot for slot in range(900) if DeliveryDay.of(_at(slot)) >= until)
        found = node.detach(until, tmp_path / "archive")
        assert 300 < gone < 400 and found.minimum_index == 256
        with pytest.raises(RuleViolation, match=r"LOG-1.* the delivery days before it were detached"):
            node.statements(device.pod_id, _at(gone - 1), _at(900))
        assert len(node.statements(device.pod_id, _at(gone), _at(900))) == 900 - gone
        (late,) = node.submit([readings[3]])
        assert isinstance(late, Refused)
    with house.open() as node:
        assert [node.entry(index) for index in range(256, 900)] == readings[256:]
        (again,) = accepted(node, [device.reading(900, 901)])
        assert again.index == 900
        assert check_folder(house.folder / "tree", node.note_key, archives=[tmp_path / "archive"]).sound


@pytest.mark.rule("LOG-1", "MEA-2", "MEA-3")
def test_statements_are_taken_at_every_step_of_a_detachment(house: House, tmp_path: Path) -> None:
    device = house.device("a")
    readings = [device.reading(slot, slot + 1) for slot in range(900)]
    until = DeliveryDay.of(_at(4 * 96))
    with house.open() as node:
        accepted(node, readings)
        house.clock.seconds = START + 5 * 86_400 + 35 * 86_400
        more = (device.reading(slot, slot + 1) for slot in count(900))
        taken, stages = [], set()

        def meanwhile(step: Step) -> None:
            """A device sends on another thread, as the node's callers are."""
            fresh = next(more)
            with ThreadPoolExecutor(1) as caller:
                answer, of_old_day = caller.submit(node.submit, [fresh, readings[0]]).result(timeout=30)
            assert isinstance(answer, Accepted) and answer.index == 900 + len(taken)
            # the same bytes get their first receipt as long as the entry is there
            assert isinstance(of_old_day, Refused if step.stage is Stage.REMOVING else Accepted | Refused)
            taken.append(fresh)
            stages.add(step.stage)

        node.detach(until, tmp_path / "archive", meanwhile)
        assert stages == set(Stage)
        assert [node.entry(900 + at) for at in range(len(taken))] == taken
    with house.open() as node:
        assert [node.entry(index) for index in range(256, 900)] == readings[256:]
        tree, archives = house.folder / "tree", [tmp_path / "archive"]
        assert check_folder(tree, node.note_key, archives=archives).checkpoint.size == 900 + len(taken)
        assert check_folder(tree, node.note_key, archives=archives).sound


@pytest.mark.rule("LOG-1", "MEA-3")
def test_a_detachment_ends_after_a_kill_at_any_step(house: House, tmp_path: Path) -> None:
    """The node is gone without a word, and what it had not written with it: its folder and database are as
    the step left them.
    """
    device, late = house.device("a"), house.device("b")
    readings = [device.reading(slot, slot + 1) for slot in range(900)]
    # as yet only the entries say which periods and counters are used, and nothing is synced
    node = house.open()
    accepted(node, readings)
    accepted(node, [late.reading(300, 7)])
    accepted(node, [device.reading(900, 901)])
    leave(node)
    house.clock.seconds = START + 5 * 86_400 + 35 * 86_400
    until = DeliveryDay.of(_at(4 * 96))
    for step in count(1):
        told = 0

        def kill(_: Step, at: int = step) -> None:
            nonlocal told
            told += 1
            if told == at:
                raise Killed

        node = house.open()
        try:
            node.detach(until, tmp_path / "archive", kill)
            break
        except Killed:
            leave(node)
    assert step > 5
    with node:
        assert node.held == Held(until, 256, None)
        assert [node.entry(index) for index in range(256, 900)] == readings[256:]
        assert check_folder(house.folder / "tree", node.note_key, archives=[tmp_path / "archive"]).sound
        for reused in node.submit([device.reading(901, 900), late.reading(901, 7)]):
            assert isinstance(reused, Refused) and reused.violation.field == "counter"
    engine = engine_of(house)
    for table in ("entries", "positions"):
        held = engine.rows(f"SELECT count(*) FROM {table} WHERE day < ?", (until.number,))
        assert held == [(0,)]
    engine.close()


class Killed(BaseException):
    """Nothing may catch it."""


def leave(node: AccessNode) -> None:
    """Let go of lock and database, as the end of the process would, and write nothing."""
    node._store.close()
    node._lock.release()


@pytest.mark.rule("SET-1")
def test_setpoints_and_executions(house: House) -> None:
    device = house.device("a")
    slot = 1041
    with house.open() as node:
        first, second = device.setpoint(slot, 1), device.setpoint(slot + 1, 2)
        assert all(isinstance(answer, Accepted) for answer in node.log_setpoints([first, second]))
        assert node.setpoints(device.pod_id, 0) == [first, second]
        assert node.setpoints(device.pod_id, 1) == [second]
        house.clock.seconds += 4 * 900
        execution = device.execution(first, slot, 1)
        (answer,) = accepted(node, [execution])
        assert not answer.duplicate
    with house.open() as node:
        assert node.last_setpoint_sequence(device.pod_id) == 2
        (answer,) = accepted(node, [execution])
        assert answer.duplicate
        unknown = device.execution(device.setpoint(slot, 9), slot, 2)
        (refused,) = node.submit([unknown])
        assert isinstance(refused, Refused) and refused.violation.rule == "SET-1"


@pytest.mark.rule("MEA-3", "LOG-1")
def test_an_older_database_is_refused(house: House, tmp_path: Path) -> None:
    device = house.device("a")
    with house.open() as node:
        accepted(node, [device.reading(0, 1)])
    engine = engine_of(house)
    with engine.transaction() as cursor:
        cursor.execute("DELETE FROM entries")
        cursor.execute("DELETE FROM checkpoints")
    engine.close()
    with pytest.raises(DatabaseCorrupted, match="size 1"):
        house.open()


@pytest.mark.rule("MEA-2", "MEA-3")
def test_the_model_agrees(house: House, tmp_path: Path) -> None:
    """Random orders of everything a device can do wrong, with restarts: as in the unit test, on each
    engine.
    """
    folders = count()

    class Machine(LogMachine):
        def make_house(self, folder: Path) -> House:
            made = House(tmp_path / f"model{next(folders)}", engine=house.engine)
            engine = engine_of(house)
            with engine.transaction() as cursor:
                for table in [
                    "entries",
                    "checkpoints",
                    "pods",
                    "keys",
                    "positions",
                    "counters",
                    "gaps",
                    "claims",
                    "setpoints",
                    "conflicts",
                ]:
                    cursor.execute(f"DELETE FROM {table}")
                cursor.execute("DELETE FROM meta WHERE name <> 'schema'")
            engine.close()
            return made

    run_state_machine_as_test(Machine, settings=LogMachine.TestCase.settings)


@pytest.fixture
def own_database(postgres_url: str, tmp_path: Path) -> Iterator[tuple[House, str]]:
    url = fresh_database(postgres_url)
    house = House(tmp_path / "log", engine=lambda: PostgresEngine(url))
    house.clock.seconds += 1000 * 900
    yield house, url


@pytest.mark.rule("MEA-3")
def test_one_writer_per_database(own_database: tuple[House, str], tmp_path: Path) -> None:
    house, _ = own_database
    other = House(tmp_path / "other", house.directory, house.clock, engine=house.engine)
    with house.open(), pytest.raises(AlreadyInUse, match="another session"):
        other.open()
    other.open().close()


@pytest.mark.rule("MEA-3")
def test_a_lost_session_loses_nothing(own_database: tuple[House, str]) -> None:
    house, url = own_database
    device = house.device("a")
    readings = [device.reading(slot, slot + 1) for slot in range(40)]
    with house.open() as node:
        for at in range(0, 40, 10):
            accepted(node, readings[at : at + 10])
            with psycopg.connect(url, autocommit=True) as session:
                session.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'flexledger log' AND datname = current_database()"
                )
            for _ in range(3):
                try:
                    again = node.submit(readings[: at + 10])
                    break
                except DatabaseUnreachable:
                    continue
            assert all(isinstance(answer, Accepted) and answer.duplicate for answer in again)
        assert [node.entry(index) for index in range(40)] == readings
        assert check_folder(house.folder / "tree", node.note_key).sound


@pytest.mark.rule("MEA-3")
def test_a_closed_log_takes_no_session_any_more(own_database: tuple[House, str]) -> None:
    house, _ = own_database
    node = house.open()
    node.close()
    with pytest.raises(DatabaseUnreachable, match="closed by this access node"):
        node.submit([house.device("a").reading()])
    with pytest.raises(DatabaseUnreachable, match="closed by this access node"):
        node.conflicts()
    house.open().close()


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(DatabaseUnreachable, match=r"127\.0\.0\.1"):
        PostgresEngine("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")


def _at(slot: int) -> datetime:
    return datetime.fromtimestamp(START + slot * 900, UTC)


@pytest.mark.rule("LOG-1", "MEA-3")
def test_a_dump_delays_the_detachment_and_not_the_intake(
    own_database: tuple[House, str], tmp_path: Path
) -> None:
    house, url = own_database
    device = house.device("a")
    readings = [device.reading(slot, slot + 1) for slot in range(900)]
    until = DeliveryDay.of(_at(4 * 96))
    with house.open() as node:
        accepted(node, readings)
        house.clock.seconds = START + 5 * 86_400 + 35 * 86_400
        with psycopg.connect(url) as dump:
            dump.execute("SELECT count(*) FROM measurement_log.positions")
            with pytest.raises(DatabaseUnreachable, match="lock timeout"):
                node.detach(until, tmp_path / "archive")
            accepted(node, [device.reading(900, 901)])
        node.detach(until, tmp_path / "archive")
        assert node.held == Held(until, 256, None)
