"""Output in files: written, rotated, read back."""

import os
import time
from pathlib import Path

import pytest

from runtime.errors import InvalidArgument, Unsupported
from runtime.logs.index import STDERR, STDOUT, generations, index_path, stream_path
from runtime.logs.reader import read
from runtime.logs.writer import Limits, LogWriter, limits
from schemas.engine.specs import LogConfig


def write(folder: Path, *pieces: tuple[int, bytes], kept: Limits | None = None) -> None:
    """Write pieces through a pipe, as a container's output comes."""
    writer = LogWriter(folder, kept or Limits())
    reader_end, writer_end = os.pipe2(os.O_NONBLOCK)
    for stream, data in pieces:
        os.write(writer_end, data)
        while True:
            try:
                writer.splice(reader_end, stream)
            except BlockingIOError:
                break
    os.close(reader_end)
    os.close(writer_end)
    writer.close()


def lines(folder: Path, **switches: int) -> list[bytes]:
    """Return the lines."""
    return [line.data for line in read(folder, **switches)]


def test_streams_must_come_back_in_order(tmp_path: Path) -> None:
    """Both streams, in the order in which they were printed."""
    write(tmp_path, (STDOUT, b"1\n2\n"), (STDERR, b"3\n"), (STDOUT, b"4\n"))
    found = list(read(tmp_path))
    assert [(line.stream, line.data) for line in found] == [
        ("stdout", b"1"),
        ("stdout", b"2"),
        ("stderr", b"3"),
        ("stdout", b"4"),
    ]
    assert found == sorted(found, key=lambda line: line.time_ns)
    assert abs(found[0].time_ns - time.time_ns()) < 60e9


@pytest.mark.parametrize("tail", [0, 1, 2, 3, 5, 6, 7, 100])
def test_tail_must_be_the_end(tmp_path: Path, tail: int) -> None:
    """The last lines, whatever the pieces and runs they came in."""
    write(tmp_path, (STDOUT, b"a\nb"), (STDERR, b"x\n"), (STDOUT, b"b\nc\n"), (STDOUT, b"d\ne"))
    everything = lines(tmp_path)
    assert everything == [b"a", b"x", b"bb", b"c", b"d", b"e"]
    assert lines(tmp_path, tail=tail) == everything[len(everything) - min(tail, 6) :]


def test_bounds_of_time_must_hold(tmp_path: Path) -> None:
    """since and until choose lines by the time they were printed."""
    write(tmp_path, (STDOUT, b"old\nbeg"))
    time.sleep(0.01)
    middle = time.time_ns()
    time.sleep(0.01)
    write(tmp_path, (STDOUT, b"un\nnew\n"))
    assert lines(tmp_path, since_ns=middle) == [b"begun", b"new"]
    assert lines(tmp_path, until_ns=middle) == [b"old", b"beg"]
    assert lines(tmp_path, since_ns=middle, tail=1) == [b"new"]


def test_runs_must_not_run_together(tmp_path: Path) -> None:
    """What a process left without a line end is a line of its own, before the next process's first."""
    writer = LogWriter(tmp_path, Limits())
    writer.append(b"no end", STDOUT)
    writer.end_run()
    writer.end_run()
    writer.append(b"next\n", STDOUT)
    writer.close()
    assert lines(tmp_path) == [b"no end", b"next"]
    assert lines(tmp_path, tail=1) == [b"next"]


def test_killed_writer_must_lose_nothing(tmp_path: Path) -> None:
    """What was written and not indexed is read all the same, and indexed by the next writer."""
    write(tmp_path, (STDOUT, b"one\n"))
    with stream_path(tmp_path, 0, STDOUT).open("ab") as file:
        file.write(b"two\n")
    with index_path(tmp_path, 0).open("ab") as file:
        file.write(b"torn")
    assert lines(tmp_path) == [b"one", b"two"]
    write(tmp_path, (STDOUT, b"three\n"))
    assert lines(tmp_path) == [b"one", b"two", b"three"]


def test_rotation_must_keep_the_newest(tmp_path: Path) -> None:
    """At the limit a new file begins, with a whole line; the oldest ones go."""
    pieces = [(STDOUT, b"%05d\n" % number * 100) for number in range(40)]
    write(tmp_path, *pieces, kept=Limits(bytes_per_file=2000, files=3))
    assert len(generations(tmp_path)) == 3
    kept = lines(tmp_path)
    assert kept[-1] == b"00039"
    assert kept == sorted(kept)
    assert set(map(len, kept)) == {5}
    assert lines(tmp_path, tail=250) == kept[-250:]


def test_a_burst_must_be_kept_to_a_small_limit(tmp_path: Path) -> None:
    """All that waits in the pipe at once does not land in one file: `max-size: 10k, max-file: 3` keeps the end."""
    burst = b"".join(b"line %06d\n" % number for number in range(5000))
    write(tmp_path, (STDOUT, burst), kept=Limits(10_240, 3))
    kept = lines(tmp_path)
    assert kept[-1] == b"line 004999"
    assert kept[1:] == [b"line %06d" % number for number in range(5000 - len(kept) + 1, 5000)]
    assert 18_000 < sum(map(len, kept)) < 3 * (10_240 + 8_192)


def test_endless_line_must_be_rotated_too(tmp_path: Path) -> None:
    """A limit holds without line ends; the reader joins the parts."""
    write(tmp_path, *[(STDOUT, b"x" * 60_000)] * 20, (STDOUT, b"\nend\n"), kept=Limits(100_000, 20))
    assert len(generations(tmp_path)) > 2
    parts = list(read(tmp_path))
    assert sum(len(line.data) for line in parts[:-1]) == 1_200_000
    assert [line.data for line in parts if not line.partial][-1] == b"end"


def test_nothing_must_be_kept_with_driver_none(tmp_path: Path) -> None:
    """The output goes nowhere, and the container does not block."""
    write(tmp_path, *[(STDOUT, b"x" * 60_000)] * 5, kept=limits(LogConfig("none")))
    assert lines(tmp_path) == []


def test_missing_log_must_be_empty(tmp_path: Path) -> None:
    """A container that was never started has no output."""
    assert lines(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("size", "bytes_"), [("10m", 10 << 20), ("1.5k", 1536), ("2GB", 2 << 30), ("77", 77), ("-1", 0)]
)
def test_sizes_must_be_dockers(size: str, bytes_: int) -> None:
    """max-size takes Docker's units."""
    assert limits(LogConfig(options={"max-size": size, "max-file": "4"})) == Limits(bytes_, 4)


def test_wrong_sizes_must_be_refused() -> None:
    """A size that is none is an error, not unlimited."""
    with pytest.raises(InvalidArgument):
        limits(LogConfig(options={"max-size": "lots"}))


def test_unknown_driver_must_be_refused() -> None:
    """Output that would go nowhere the user expects is an error."""
    with pytest.raises(Unsupported, match="syslog"):
        limits(LogConfig("syslog"))


def test_tail_of_a_large_log_must_be_fast(tmp_path: Path) -> None:
    """The end of 30 MB is found without reading the rest."""
    writer = LogWriter(tmp_path, Limits())
    for number in range(480):
        writer.append(b"%07d\n" % number * 8000, STDOUT)
    writer.close()
    begun = time.monotonic()
    assert lines(tmp_path, tail=3) == [b"0000479"] * 3
    assert time.monotonic() - begun < 0.2
