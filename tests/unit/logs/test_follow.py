"""Following output as it comes."""

import select
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.errors import NotFound
from runtime.logs.follow import Follower
from runtime.logs.index import STDERR, STDOUT
from runtime.logs.writer import Limits, LogWriter


class Life:
    """Whether the container can still print something."""

    def __init__(self) -> None:
        self.goes_on = True

    def __call__(self) -> bool:
        return self.goes_on


@pytest.fixture
def life() -> Life:
    """Return the life of a container that runs."""
    return Life()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[LogWriter]:
    """Return the writer of a log that is rotated soon."""
    made = LogWriter(tmp_path, Limits(bytes_per_file=200, files=50))
    yield made
    made.close()


def is_readable(follower: Follower) -> bool:
    """Whether the descriptor says that there is something."""
    return bool(select.select([follower], [], [], 0.05)[0])


def texts(follower: Follower) -> list[bytes]:
    """Return what it reads."""
    return [line.data for line in follower.read()]


def test_old_and_new_output_must_come_once(tmp_path: Path, writer: LogWriter, life: Life) -> None:
    """First what is there, then what comes; readable exactly when there is something."""
    writer.append(b"old\nha", STDOUT)
    follower = Follower(tmp_path, life)
    assert is_readable(follower)
    assert texts(follower) == [b"old"]
    assert not is_readable(follower)
    writer.append(b"lf\n", STDOUT)
    writer.append(b"oops\n", STDERR)
    assert is_readable(follower)
    assert texts(follower) == [b"half", b"oops"]
    assert texts(follower) == []
    assert not follower.ended
    follower.close()


def test_rotation_must_not_be_noticed(tmp_path: Path, writer: LogWriter, life: Life) -> None:
    """Every line, over files that begin and end."""
    follower = Follower(tmp_path, life)
    seen = []
    for number in range(300):
        writer.append(b"%04d\n" % number, STDOUT)
        if number % 37 == 0:
            seen += texts(follower)
    seen += texts(follower)
    assert seen == [b"%04d" % number for number in range(300)]
    follower.close()


def test_end_must_be_noticed(tmp_path: Path, writer: LogWriter, life: Life) -> None:
    """Ended when the container is and everything was read, an unfinished line included."""
    follower = Follower(tmp_path, life)
    writer.append(b"bye", STDOUT)
    assert texts(follower) == []
    life.goes_on = False
    writer.end_run()
    assert is_readable(follower)
    assert texts(follower) == [b"bye"]
    assert follower.ended
    follower.close()


def test_end_of_a_silent_run_must_be_noticed(tmp_path: Path, writer: LogWriter, life: Life) -> None:
    """Also where nothing was printed, at the first run and at later ones."""
    follower = Follower(tmp_path, life)
    writer.end_run()
    assert is_readable(follower)
    assert texts(follower) == []
    writer.end_run()
    assert is_readable(follower)
    assert texts(follower) == []
    assert not follower.ended
    follower.close()


def test_restart_must_be_followed(tmp_path: Path, writer: LogWriter, life: Life) -> None:
    """The end of a run is not the end while the container restarts."""
    follower = Follower(tmp_path, life)
    writer.append(b"one", STDOUT)
    writer.end_run()
    assert texts(follower) == [b"one"]
    assert not follower.ended
    writer.append(b"two\n", STDOUT)
    assert texts(follower) == [b"two"]
    follower.close()


def test_tail_must_be_followed_by_everything(tmp_path: Path, writer: LogWriter, life: Life) -> None:
    """The last lines of what is there, then all that comes."""
    writer.append(b"1\n2\n3\n4", STDOUT)
    follower = Follower(tmp_path, life, tail=2)
    writer.append(b"4\n5\n", STDOUT)
    assert texts(follower) == [b"2", b"3", b"44", b"5"]
    follower.close()
    follower = Follower(tmp_path, life, tail=0)
    assert texts(follower) == []
    writer.append(b"6\n", STDOUT)
    assert texts(follower) == [b"6"]
    follower.close()


def test_log_that_is_not_there_yet_must_be_waited_for(tmp_path: Path, life: Life) -> None:
    """A container that is about to start has no log yet."""
    folder = tmp_path / "log"
    follower = Follower(folder, life)
    assert texts(follower) == []
    writer = LogWriter(folder, Limits())
    writer.append(b"first\n", STDOUT)
    assert is_readable(follower)
    assert texts(follower) == [b"first"]
    writer.close()
    follower.close()


def test_large_log_must_come_in_batches(tmp_path: Path, life: Life) -> None:
    """No call fills the memory, and none forgets the rest."""
    writer = LogWriter(tmp_path, Limits())
    writer.append(b"".join(b"%05d\n" % number for number in range(9000)), STDOUT)
    life.goes_on = False
    follower = Follower(tmp_path, life)
    seen: list[bytes] = []
    while not follower.ended:
        assert is_readable(follower)
        batch = texts(follower)
        assert len(batch) <= 4000
        seen += batch
    assert seen == [b"%05d" % number for number in range(9000)]
    follower.close()
    writer.close()


def test_removed_container_must_end_it(tmp_path: Path) -> None:
    """A container that is removed meanwhile, log and all, is no error."""
    folder = tmp_path / "log"

    def may_continue() -> bool:
        if folder.exists():
            return True
        raise NotFound("no such container")

    writer = LogWriter(folder, Limits())
    writer.append(b"last\n", STDOUT)
    follower = Follower(folder, may_continue)
    assert texts(follower) == [b"last"]
    writer.close()
    shutil.rmtree(folder)
    assert is_readable(follower)
    assert texts(follower) == []
    assert follower.ended
    follower.close()
