"""How command lines are read: as docker compose (pflag) reads them."""

import argparse

import pytest

from compose.cli.parser import HelpRequested, Parser, UsageError


def _parser(*, interspersed: bool = True) -> Parser:
    parser = Parser("prog verb", usage="prog verb [OPTIONS]", summary="Do it", interspersed=interspersed)
    parser.add_argument("-d", "--detach", action="store_true")
    parser.add_argument("-T", "--no-tty", action="store_true")
    parser.add_argument("--orphans", action="store_true", default=True)
    parser.add_argument("-e", "--env", action="append", default=[])
    parser.add_argument("-t", "--timeout", type=int, default=None)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    return parser


def _read(parser: Parser, *arguments: str) -> argparse.Namespace:
    return parser.read(arguments, argparse.Namespace())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("-dT",), {"detach": True, "no_tty": True}),
        (("--detach=false",), {"detach": False}),
        (("--detach=true",), {"detach": True}),
        (("-T=false",), {"no_tty": False}),
        (("--orphans=false",), {"orphans": False}),
        (("-eA=1", "-e", "B=2", "--env=C=3", "--env", "D", "-e=E=5"), {"env": ["A=1", "B=2", "C=3", "D", "E=5"]}),
        (("-t3",), {"timeout": 3}),
        (("-dt", "-1"), {"detach": True, "timeout": -1}),
        (("--format=json",), {"format": "json"}),
    ],
)
def test_flags_must_be_read_as_docker_compose_reads_them(
    arguments: tuple[str, ...], expected: dict[str, object]
) -> None:
    """Clusters, glued values, `=` after short and long flags, explicit booleans."""
    parsed = vars(_read(_parser(), *arguments))
    assert {name: parsed[name] for name in expected} == expected


def test_flags_must_be_accepted_between_and_after_positionals() -> None:
    """`up web -d db` names two services."""
    parser = _parser()
    parser.add_argument("services", nargs="*")
    parsed = _read(parser, "web", "-d", "db", "-t", "5")
    assert (parsed.services, parsed.detach, parsed.timeout) == (["web", "db"], True, 5)


def test_everything_after_the_service_must_belong_to_the_program() -> None:
    """`exec -T web sh -c "…" -d` gives the program its own flags, `--` too."""
    parser = _parser(interspersed=False)
    parser.add_argument("service")
    parser.add_argument("arguments", nargs="*")
    parsed = _read(parser, "-T", "web", "sh", "-c", "ls", "--", "-d", "--detach=true")
    assert parsed.arguments == ["sh", "-c", "ls", "--", "-d", "--detach=true"]
    assert (parsed.service, parsed.no_tty, parsed.detach) == ("web", True, False)


def test_two_dashes_must_end_the_flags() -> None:
    """A service may be called like a flag."""
    parser = _parser()
    parser.add_argument("services", nargs="*")
    assert _read(parser, "-d", "--", "-T").services == ["-T"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--nosuch",), "unknown flag: --nosuch"),
        (("--det",), "unknown flag: --det"),
        (("-dx",), "unknown shorthand flag: 'x' in -dx"),
        (("--timeout",), "flag needs an argument: --timeout"),
        (("-dt",), "flag needs an argument: 't' in -dt"),
        (("-t", "x"), 'invalid argument "x" for "-t, --timeout" flag'),
        (("--format", "xml"), 'invalid argument "xml" for "--format" flag'),
        (("--detach=maybe",), 'invalid argument "maybe" for "--detach" flag'),
    ],
)
def test_a_wrong_flag_must_be_a_usage_error(arguments: tuple[str, ...], message: str) -> None:
    """The message is docker compose's, the exit code 16; nothing is abbreviated."""
    with pytest.raises(UsageError) as raised:
        _read(_parser(), *arguments)
    assert raised.value.message.startswith(message)
    assert raised.value.exit_code == 16


def test_too_few_positionals_must_say_how_many_are_needed() -> None:
    """`exec web` lacks the command; docker compose exits with 1 here."""
    parser = _parser(interspersed=False)
    parser.add_argument("service")
    parser.add_argument("program")
    with pytest.raises(UsageError, match=r"requires at least 2 arg\(s\), only received 1") as raised:
        _read(parser, "web")
    assert raised.value.exit_code == 1


def test_too_many_positionals_must_be_refused() -> None:
    """`version now` is a mistake."""
    with pytest.raises(UsageError, match="unexpected argument `now`"):
        _read(_parser(), "now")


def test_help_must_win_over_missing_positionals() -> None:
    """`exec --help` explains instead of complaining."""
    parser = _parser(interspersed=False)
    parser.add_argument("service")
    with pytest.raises(HelpRequested) as raised:
        _read(parser, "--help")
    assert raised.value.text.startswith("Usage:  prog verb [OPTIONS]\n\nDo it\n\nOptions:\n  -d, --detach")
