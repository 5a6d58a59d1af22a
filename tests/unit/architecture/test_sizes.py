"""Files and functions stay small enough to be read at a sitting."""

from tests.support.sources import functions, sources

FILE_LINES = 400
FUNCTION_LINES = 60


def test_a_file_must_not_grow_beyond_four_hundred_lines():
    """The limit is never raised: a file that reaches it is two files."""
    long = {source.where: len(source.text.splitlines()) for source in sources().values()}
    assert {where: lines for where, lines in long.items() if lines > FILE_LINES} == {}


def test_a_function_must_not_grow_beyond_sixty_lines():
    """The limit is never raised: a function that reaches it is two functions."""
    long = {
        f"{source.where}:{function.lineno} {function.name}": function.end_lineno - function.lineno + 1
        for source in sources().values()
        for function in functions(source)
        if function.end_lineno is not None
    }
    assert {where: lines for where, lines in long.items() if lines > FUNCTION_LINES} == {}
