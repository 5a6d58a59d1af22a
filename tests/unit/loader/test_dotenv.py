"""`.env` and `env_file`: the grammar, and errors with their line."""

import pytest

from compose.loader.dotenv import DotenvError, decode, parse, parse_raw


def variables(text: str, **shell: str) -> dict[str, str]:
    return parse(text, "/srv/.env", shell.get)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("A: 1", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        ("export\tA=1", {"A": "1"}),
        ("exported=1", {"exported": "1"}),
        ("# c\n\nA=1 # c\nB=a#b\n", {"A": "1", "B": "a#b"}),
        ("A=a b  \n", {"A": "a b"}),
        ("A=\nB=", {"A": "", "B": ""}),
        ("A = 1", {"A": "1"}),
        ("A='$B \\n'", {"A": "$B \\n"}),
        ('A="x\\ty\\"z"', {"A": 'x\ty"z'}),
        ('A="two\nlines"\nB=1', {"A": "two\nlines", "B": "1"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=1\nB=$A-${A}", {"A": "1", "B": "1-1"}),
        ("B=${U:-d}", {"B": "d"}),
        ('A="\\$B $$C"', {"A": "$B $C"}),
        ("A.b-c=1", {"A.b-c": "1"}),
        ("A=x=y", {"A": "x=y"}),
    ],
)
def test_lines_must_be_read_as_compose_reads_them(text, expected):
    """Quotes, comments, exports, colons, several lines."""
    assert variables(text) == expected


def test_shell_must_come_before_the_file():
    """A reference takes the shell's value where both have one."""
    assert variables("A=file\nB=$A", A="shell") == {"A": "file", "B": "shell"}


def test_bare_name_must_be_inherited_or_stay_unset():
    """`NAME` alone takes the shell's value."""
    assert variables("A\nB\n", A="1") == {"A": "1"}


def test_byte_order_mark_and_windows_lines_must_not_show():
    """Files of other systems are read alike."""
    assert parse(decode(b"\xef\xbb\xbfA=1\r\nB=2\r\n"), "f", {}.get) == {"A": "1", "B": "2"}


def test_raw_format_must_keep_values_as_they_are():
    """`format: raw` knows no quotes and no variables."""
    assert parse_raw("A='q' # no comment\n# comment\nB=$A\nC", {"C": "c"}.get) == {
        "A": "'q' # no comment",
        "B": "$A",
        "C": "c",
    }


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("A=1\nB C=2", 2, "key cannot contain a space"),
        ("A!=1", 1, 'unexpected character "!" in variable name "A!=1"'),
        ("A=1\n\nB='open\nC=2", 3, "unterminated quoted value 'open"),
        ("A=${", 1, "Invalid template"),
        ("A=1\nB=${U?need U}", 2, "required variable U is missing a value: need U"),
    ],
)
def test_bad_line_must_be_named_with_its_place(text, line, message):
    """File and line are told, as data and in the message."""
    with pytest.raises(DotenvError) as caught:
        variables(text)
    assert message in caught.value.message
    assert caught.value.span is not None
    assert (caught.value.span.file, caught.value.span.line) == ("/srv/.env", line)
