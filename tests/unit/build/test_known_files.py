"""Digests of files are found by all that tells a file from what it was, in few questions."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.build.known_files import KnownFiles
from runtime.state import builds
from runtime.state.database import Database

DEVICE = 7
COUNT = 3000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Every second inode of a device is known."""
    made = Database(tmp_path / "state.db")
    rows = [(DEVICE, inode, 10, inode, inode + 1, f"digest {inode}") for inode in range(0, COUNT, 2)]
    with made.transaction() as connection:
        builds.insert_files(connection, rows, COUNT)
    yield made
    made.close()


def _questions(database: Database, inodes: list[int]) -> int:
    """Ask for inodes in this order, check each answer, and count the questions to the state."""
    connection = database.read()
    asked: list[str] = []
    known = KnownFiles()
    connection.set_trace_callback(asked.append)
    for inode in inodes:
        expected = None if inode % 2 else f"digest {inode}"
        assert known.find(connection, DEVICE, inode, (10, inode, inode + 1)) == expected
    connection.set_trace_callback(None)
    return len(asked)


def test_neighbours_must_be_found_together(database: Database) -> None:
    """Three thousand files in the order of their making, and in that of their names."""
    assert _questions(database, list(range(COUNT))) < 40
    assert _questions(database, sorted(range(COUNT), key=str)) < COUNT / 2


def test_files_without_order_must_be_found_too(database: Database) -> None:
    """Nothing is missed, whatever was looked at before."""
    inodes = list(range(COUNT))
    random.Random(1).shuffle(inodes)
    assert _questions(database, inodes) <= COUNT


def test_a_file_that_changed_in_any_way_must_not_be_found(database: Database) -> None:
    """Size, time of the content, time of the inode, another device."""
    known = KnownFiles()
    connection = database.read()
    assert known.find(connection, DEVICE, 4, (10, 4, 5)) == "digest 4"
    for device, numbers in ((DEVICE, (11, 4, 5)), (DEVICE, (10, 5, 5)), (DEVICE, (10, 4, 6)), (DEVICE + 1, (10, 4, 5))):
        assert known.find(connection, device, 4, numbers) is None
    assert known.find(connection, DEVICE, 4, (10, 4, 5)) == "digest 4"
