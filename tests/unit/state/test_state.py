"""The database must hold all of a change or nothing of it."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.errors import AlreadyExists, InvalidArgument, NotFound, Unsupported
from runtime.state import containers, intents, journal
from runtime.state.database import Database, StateUnwritable
from schemas.engine.events import EngineEvent
from schemas.engine.identifiers import ContainerID, ImageID, new_id
from schemas.engine.records import ContainerRecord, ProbeResult
from schemas.engine.specs import ContainerSpec
from schemas.engine.status import TRANSITIONS, ContainerStatus


def _record(name: str, project: str = "shop") -> ContainerRecord:
    return ContainerRecord(
        id=ContainerID(new_id()),
        spec=ContainerSpec(name=name, image="busybox", project=project, service="web"),
        image_id=ImageID("sha256:" + "0" * 64),
        created_ns=time.time_ns(),
        status=ContainerStatus.CREATED,
        command=("sleep", "1"),
    )


def _store_many(database: Database) -> None:
    with database.transaction() as connection:
        for number in range(100):
            containers.insert(connection, _record(f"shop-web-{number}"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database of its own, closed after the test."""
    made = Database(tmp_path / "state" / "state.db")
    yield made
    made.close()


def test_many_who_come_to_a_new_state_at_once_must_all_be_let_in(tmp_path: Path):
    """Several commands, first thing on a new machine."""
    failures: list[BaseException] = []
    for number in range(60):
        path = tmp_path / str(number) / "state.db"
        databases = [Database(path) for _ in range(6)]
        barrier = threading.Barrier(len(databases))

        def come(database: Database, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            try:
                database.read().execute("SELECT count(*) FROM containers").fetchall()
            except BaseException as error:  # noqa: BLE001 - asserted on below
                failures.append(error)

        threads = [threading.Thread(target=come, args=(database,)) for database in databases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for database in databases:
            database.close()
    assert failures == []


def test_a_full_disk_must_be_said_and_leave_no_transaction_open(database: Database) -> None:
    """The next change stands for itself; and it is an error for people, not a defect."""
    with database.transaction() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(StateUnwritable, match="cannot write the state"):
        _store_many(database)
    assert not database.read().in_transaction
    connection.execute("PRAGMA max_page_count=100000")
    with database.transaction() as connection:
        containers.insert(connection, _record("shop-web-1"))


def test_a_stored_container_must_be_found_by_name_id_and_prefix(database: Database) -> None:
    """All three are what people type."""
    record = _record("shop-web-1")
    with database.transaction() as connection:
        containers.insert(connection, record)
    for reference in ("shop-web-1", record.id, record.id[:12]):
        assert containers.find(database.read(), reference) == record
    with pytest.raises(NotFound):
        containers.find(database.read(), "shop-web-2")


def test_a_taken_name_must_be_refused(database: Database) -> None:
    """Two containers never share a name."""
    with database.transaction() as connection:
        containers.insert(connection, _record("a"))
    with pytest.raises(AlreadyExists), database.transaction() as connection:
        containers.insert(connection, _record("a"))
    assert len(containers.all_of(database.read())) == 1


def test_a_failed_transaction_must_leave_nothing(database: Database) -> None:
    """An exception in the middle takes back what came before it."""

    def insert_and_fail() -> None:
        with database.transaction() as connection:
            containers.insert(connection, _record("a"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        insert_and_fail()
    assert containers.all_of(database.read()) == []


def test_a_killed_writer_must_leave_nothing_half_done(database: Database) -> None:
    """SIGKILL between two statements of a transaction: neither is there afterwards."""
    database.read()
    database.close()
    child = os.fork()
    if child == 0:
        with database.transaction() as connection:
            containers.insert(connection, _record("a"))
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert containers.all_of(database.read()) == []


def test_a_status_must_follow_the_table(database: Database) -> None:
    """A late message cannot make an ended container paused."""
    record = _record("a")
    with database.transaction() as connection:
        containers.insert(connection, record)
        containers.change(connection, record.id, status="running", pid=7)
        containers.change(connection, record.id, status="exited", exit_code=3, probes=[ProbeResult(1, 2, 0, "ok")])
    with pytest.raises(InvalidArgument), database.transaction() as connection:
        containers.change(connection, record.id, status="paused")
    found = containers.find(database.read(), "a")
    assert (found.status, found.exit_code, found.probes[0].output) == (ContainerStatus.EXITED, 3, "ok")


def test_every_status_must_lead_somewhere() -> None:
    """The transition table names each status, and each can end."""
    assert set(TRANSITIONS) == set(ContainerStatus)
    assert all(ContainerStatus.DEAD in following for status, following in TRANSITIONS.items() if status != "dead")


def test_events_must_keep_their_order(database: Database) -> None:
    """The journal answers in the order of writing, per project."""
    with database.transaction() as connection:
        for action in ("create", "start", "die"):
            journal.append(connection, EngineEvent("container", action, "1", "shop", attributes={"a": action}))
        journal.append(connection, EngineEvent("container", "create", "2", "other"))
    found = journal.events(database.read(), "shop")
    assert [event.action for event in found] == ["create", "start", "die"]
    assert found[0].attributes == {"a": "create"}
    assert found[0].time_ns > 0


def test_an_intent_must_stand_until_it_is_finished(database: Database) -> None:
    """A command that dies leaves its intent to the next one."""
    with database.transaction() as connection:
        number = intents.begin(connection, "shop", "create-container", "abc", {"volumes": ["v"]})
    assert [intent.detail for intent in intents.of_project(database.read(), "shop")] == [{"volumes": ["v"]}]
    assert intents.of_project(database.read(), "other") == []
    with database.transaction() as connection:
        intents.finish(connection, number)
    assert intents.of_project(database.read(), "shop") == []


def test_a_newer_state_must_be_refused(tmp_path: Path) -> None:
    """A file of a later version is not touched, and the message says which."""
    path = tmp_path / "state.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(Unsupported, match="version 99"):
        Database(path).read()


def test_many_first_openers_must_make_one_schema(tmp_path: Path) -> None:
    """Threads that open a fresh state at once all succeed."""
    database = Database(tmp_path / "state.db")
    failures: list[Exception] = []

    def write(index: int) -> None:
        try:
            with database.transaction() as connection:
                containers.insert(connection, _record(f"c{index}"))
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(index,)) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(containers.all_of(database.read())) == 16
    database.close()
