"""Log lines as they reach the user."""

import io

from compose.render.logs import LogPrinter, log_name, rfc3339_nano

NAMES = ["web-1", "mydb"]
TIME = 1_795_499_045_082_260_978


def _printer(**options: bool) -> tuple[LogPrinter, io.BytesIO, io.BytesIO]:
    out, err = io.BytesIO(), io.BytesIO()
    return LogPrinter(out, err, NAMES, **options), out, err


def test_prefixes_must_be_as_wide_as_the_longest() -> None:
    """As docker compose pads them."""
    printer, out, _ = _printer()
    printer.line("web-1", TIME, b"hello")
    printer.line("mydb", TIME, b"x")
    assert out.getvalue() == b"web-1  | hello\nmydb   | x\n"


def test_colours_must_cycle_in_docker_composes_order() -> None:
    """Cyan, yellow, green, magenta, blue; only the prefix is coloured."""
    printer, out, _ = _printer(colour=True)
    printer.line("web-1", TIME, b"hello")
    printer.line("mydb", TIME, b"x")
    assert out.getvalue() == b"\x1b[36mweb-1  | \x1b[0mhello\n\x1b[33mmydb   | \x1b[0mx\n"


def test_timestamps_must_keep_their_nanoseconds() -> None:
    """`--since` with a printed time must find the line again."""
    printer, out, _ = _printer(timestamps=True)
    printer.line("web-1", TIME, b"hello")
    assert out.getvalue() == b"web-1  | 2026-11-24T05:44:05.082260978Z hello\n"
    assert rfc3339_nano(5) == "1970-01-01T00:00:00.000000005Z"


def test_output_without_prefix_must_be_the_bytes_of_the_container() -> None:
    """Carriage returns, escapes and invalid UTF-8 pass unchanged."""
    printer, out, _ = _printer(prefix=False)
    printer.line("web-1", TIME, b"10%\r20%\x1b[1m\xff")
    assert out.getvalue() == b"10%\r20%\x1b[1m\xff\n"


def test_standard_error_must_stay_apart() -> None:
    """`up 2>errors` gets the containers' errors."""
    printer, out, err = _printer()
    printer.line("web-1", TIME, b"oops", error=True)
    assert (out.getvalue(), err.getvalue()) == (b"", b"web-1  | oops\n")


def test_pieces_of_one_line_must_be_one_line() -> None:
    """A line longer than the log's chunk has one prefix."""
    printer, out, _ = _printer()
    printer.line("web-1", TIME, b"first ", partial=True)
    printer.line("web-1", TIME, b"second")
    assert out.getvalue() == b"web-1  | first second\n"


def test_another_container_must_not_continue_an_open_line() -> None:
    """What is between two pieces of a line gets lines of its own, and nothing is lost."""
    printer, out, _ = _printer()
    printer.line("web-1", TIME, b"prompt> ", partial=True)
    printer.line("mydb", TIME, b"x")
    printer.line("web-1", TIME, b"more")
    assert out.getvalue() == b"web-1  | prompt> \nmydb   | x\nweb-1  | more\n"


def test_an_unterminated_last_line_must_be_kept() -> None:
    """docker compose loses it."""
    printer, out, _ = _printer()
    printer.line("web-1", TIME, b"no newline", partial=True)
    printer.finish()
    assert out.getvalue() == b"web-1  | no newline\n"


def test_an_exit_must_be_told_after_the_open_line() -> None:
    """With the word for a policy that starts it again."""
    printer, out, _ = _printer()
    printer.line("web-1", TIME, b"half", partial=True)
    printer.exited("web-1", 2)
    printer.exited("mydb", 0, restarting=True)
    assert out.getvalue() == b"web-1  | half\nweb-1 exited with code 2\nmydb exited with code 0 (restarting)\n"


def test_a_container_that_comes_later_must_widen_the_prefixes() -> None:
    """`logs -f` while another command scales."""
    printer, out, _ = _printer()
    printer.add("frontend-1")
    printer.line("web-1", TIME, b"x")
    assert out.getvalue() == b"web-1       | x\n"


def test_a_container_name_of_the_user_must_be_the_prefix() -> None:
    """Only the default name is shortened by the project."""
    assert log_name("shop-web-1", project="shop", service="web", number=1) == "web-1"
    assert log_name("mydb", project="shop", service="db", number=1) == "mydb"
    assert log_name("shop-web-10", project="shop", service="web", number=1) == "shop-web-10"
