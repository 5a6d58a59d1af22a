"""A Dockerfile is read as its reference says, and whatever is wrong with it is told in one go."""

import pytest

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.reader import read_dockerfile
from runtime.errors import ErrorSet, InvalidArgument, SourceError


def read(text: str) -> ast.Dockerfile:
    return read_dockerfile(text.encode())


def only(text: str) -> ast.Instruction:
    """The one instruction after FROM."""
    (instruction,) = read(f"FROM x\n{text}").stages[0].instructions
    return instruction


def errors(text: str) -> list[SourceError]:
    with pytest.raises((InvalidArgument, ErrorSet)) as caught:
        read(text)
    error = caught.value
    found = error.errors if isinstance(error, ErrorSet) else (error,)
    return [part for part in found if isinstance(part, SourceError)]


def test_an_instruction_must_know_its_lines():
    """First and last line, continuations and here-documents included, so that a message can show them."""
    dockerfile = read("# c\nFROM x\nRUN a \\\n  b\n\nCOPY <<A <<B /\na\nA\nb\nB\nCMD c\n")
    lines = [(it.location.first_line, it.location.last_line) for it in dockerfile.stages[0].instructions]
    assert lines == [(3, 4), (6, 10), (11, 11)]


def test_here_documents_must_come_in_their_order():
    """Several on one line are read one after another; `-` takes tabs away, quotes switch variables off."""
    copy = only("COPY <<one <<-\"two\" 3<<'three' /\n$a\none\n\t\tb\n\ttwo\nc\nthree\n")
    assert isinstance(copy, ast.Copy)
    assert [(it.name, it.body, it.expand) for it in copy.files] == [
        ("one", "$a\n", True),
        ("two", "b\n", False),
        ("three", "c\n", False),
    ]


def test_a_trigger_must_keep_its_here_document():
    """ONBUILD RUN with a here-document runs whole in the image built on this one."""
    onbuild = only("ONBUILD RUN <<EOF\necho a\nEOF\n")
    assert isinstance(onbuild, ast.Onbuild)
    assert onbuild.trigger == "RUN <<EOF\necho a\nEOF"


@pytest.mark.parametrize(
    ("text", "arguments", "shell_form"),
    [
        ('CMD ["a", "b c"]', ("a", "b c"), False),
        ("CMD a  b", ("a  b",), True),
        ("CMD [a]", ("[a]",), True),
        ("CMD ['a']", ("['a']",), True),
        ('CMD ["a"', ('["a"',), True),
        ('CMD ["\\ud800"]', ("\ufffd",), False),
        ('CMD ["a" \\\n , "b"]', ("a", "b"), False),
    ],
)
def test_json_must_be_the_exec_form_and_all_else_the_shell_form(
    text: str, arguments: tuple[str, ...], shell_form: bool
):
    """What is not quite JSON goes to the shell, as it does with Docker."""
    cmd = only(text)
    assert isinstance(cmd, ast.Cmd)
    assert (cmd.command.arguments, cmd.command.shell_form) == (arguments, shell_form)


def test_all_independent_errors_must_be_told_in_one_run():
    """Each with its line; nothing is repeated that follows from another."""
    found = errors("FROM a b\nRUN x\nENV\nFOO y\nCOPY --form=x a b\nHEALTHCHECK --interval=x CMD y\n")
    assert [(error.place.line, error.message) for error in found] == [
        (1, "FROM requires either one or three arguments"),
        (3, "ENV requires at least one argument"),
        (4, "unknown instruction: `FOO`"),
        (5, "unknown flag: `--form`"),
        (6, "--interval: `x` is not a duration"),
    ]
    assert found[3].hint == "did you mean `--from`?"


def test_a_missing_from_must_be_told_once():
    """What comes before the first FROM has one cause."""
    assert [error.place.line for error in errors("RUN a\nRUN b\nCMD c\n")] == [1]


def test_an_error_must_show_its_line():
    """File, line, column and the text, as errors of Compose files do."""
    (error,) = errors("FROM x\n\n   EXPOSE\n")
    assert (error.place.file, error.place.line, error.place.column, error.place.text) == (
        "Dockerfile",
        3,
        4,
        "   EXPOSE",
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "ARG a=1\n", "\ufeff"])
def test_a_file_without_stages_must_be_refused(text: str):
    """An empty file and one of nothing but ARG (which ends Docker 26's daemon) say so."""
    with pytest.raises(InvalidArgument, match=r"`Dockerfile` (has no instructions|contains no stages)"):
        read(text)


def test_text_that_is_not_utf8_must_be_refused_where_it_counts():
    """A comment in another encoding does no harm, an argument does."""
    read_dockerfile(b"# caf\xe9\nFROM x\nRUN a \\\n# \xff\n b\n")
    with pytest.raises(SourceError, match=r"Dockerfile:2: the text is not UTF-8"):
        read_dockerfile(b"FROM x\nENV a=\xff\n")


@pytest.mark.parametrize(
    ("directives", "syntax", "escape", "check"),
    [
        ("# syntax=docker/dockerfile:1\n# escape=`\n# check=skip=all\n", "docker/dockerfile:1", "`", "skip=all"),
        ("#syntax = a b\n", "a", "\\", ""),
        ("#!/usr/bin/env x\n# syntax=a\n# escape=`\n", "a", "\\", ""),
        ("\n# syntax=a\n", "", "\\", ""),
        ("# hello\n# escape=`\n", "", "\\", ""),
        ("# unknown=a\n# escape=`\n", "", "\\", ""),
    ],
)
def test_directives_must_count_at_the_very_top_only(directives: str, syntax: str, escape: str, check: str):
    """A comment, an empty line or a directive nobody knows ends them."""
    dockerfile = read(f"{directives}FROM x\n")
    assert (dockerfile.syntax, dockerfile.escape, dockerfile.check) == (syntax, escape, check)


def test_a_huge_line_and_a_huge_file_must_be_refused():
    """Neither is a Dockerfile."""
    assert errors(f"FROM x\nENV a={'x' * 70000}\n")[0].place.line == 2
    with pytest.raises(InvalidArgument, match="larger than 2 MiB"):
        read_dockerfile(b"#" * (3 * 1024 * 1024))


def test_more_instructions_than_anybody_writes_must_be_refused_at_their_line():
    """Each step has a configuration of its own: a megabyte of short lines would take gigabytes."""
    lines = ["FROM scratch\n", *(f"ENV A{number}=1\n" for number in range(100_000))]
    with pytest.raises(SourceError, match="more than 3000 instructions") as raised:
        read_dockerfile("".join(lines).encode())
    assert raised.value.place.line == 3001
    assert len(read_dockerfile("".join(lines[:3000]).encode()).stages[0].instructions) == 2999
