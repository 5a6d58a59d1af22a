"""From pieces to lines."""

from runtime.logs.index import STDERR, STDOUT
from runtime.logs.lines import PARTIAL_BYTES, LineAssembler


def test_line_in_pieces_must_be_one() -> None:
    """A line has the time of the piece that ends it; streams do not mix."""
    assembler = LineAssembler()
    assert assembler.feed(STDOUT, 1, b"one\ntw")[0].data == b"one"
    assert assembler.feed(STDERR, 2, b"err\n")[0].stream == "stderr"
    (line,) = assembler.feed(STDOUT, 3, b"o\n")
    assert (line.data, line.time_ns, line.partial) == (b"two", 3, False)


def test_unfinished_line_must_be_kept() -> None:
    """What has no line end comes out at the end."""
    assembler = LineAssembler()
    assert assembler.feed(STDOUT, 1, b"prompt> ") == []
    assert [line.data for line in assembler.flush()] == [b"prompt> "]
    assert assembler.flush() == []


def test_any_bytes_must_pass() -> None:
    """Output is bytes: NUL, invalid UTF-8, carriage returns, empty lines."""
    lines = LineAssembler().feed(STDOUT, 1, b"\x00\xff\r\n\n\xc3\n")
    assert [line.data for line in lines] == [b"\x00\xff\r", b"", b"\xc3"]


def test_long_line_must_be_cut() -> None:
    """Beyond 16 KiB a line comes in parts, all but the last marked, and nothing is lost."""
    whole = bytes(range(65, 91)) * 3000
    assembler = LineAssembler()
    lines = []
    for start in range(0, len(whole), 7000):
        lines += assembler.feed(STDOUT, 1, whole[start : start + 7000])
    lines += assembler.feed(STDOUT, 1, b"\nnext\n")
    assert b"".join(line.data for line in lines[:-1]) == whole
    assert [line.partial for line in lines] == [True] * (len(lines) - 2) + [False, False]
    assert all(len(line.data) <= PARTIAL_BYTES for line in lines)


def test_line_of_exactly_the_limit_must_not_be_cut() -> None:
    """16384 bytes and a line end are one line."""
    (line,) = LineAssembler().feed(STDOUT, 1, b"x" * PARTIAL_BYTES + b"\n")
    assert not line.partial
