"""`.dockerignore` leaves out what Docker leaves out (moby/patternmatcher), which is not what git would."""

import time

import pytest

from runtime.build.dockerfile.ignore import read_ignore_file
from runtime.errors import SourceError


@pytest.mark.parametrize(
    ("lines", "ignored", "kept"),
    [
        (["a.txt"], ["a.txt"], ["b/a.txt", "a.txt2"]),
        (["/a.txt"], ["a.txt"], ["b/a.txt"]),
        (["*.txt"], ["a.txt"], ["b/a.txt", "a.txt.md"]),
        (["*/*.txt"], ["b/a.txt"], ["a.txt", "c/b/a.txt"]),
        (["**/*.txt"], ["a.txt", "b/a.txt", "c/b/a.txt"], ["a.md"]),
        (["dir"], ["dir", "dir/x", "dir/y/z"], ["x/dir"]),
        (["dir/"], ["dir", "dir/x"], ["dirs"]),
        (["dir/**"], ["dir/x", "dir/y/z"], ["dirs/x"]),
        (["**/dir"], ["dir", "a/dir", "a/b/dir/x"], ["adir"]),
        (["a/**/z"], ["a/z", "a/b/z", "a/b/c/z"], ["a/bz", "z"]),
        (["?.txt"], ["a.txt"], ["ab.txt", "/.txt"]),
        (["[a-c].txt"], ["b.txt"], ["d.txt"]),
        (["[^a-c].txt"], ["d.txt"], ["b.txt"]),
        (["*", "!a.txt"], ["b.txt"], ["a.txt"]),
        (["*", "!dir/keep"], ["dir/other", "x"], ["dir/keep", "dir/keep/below"]),
        (["!a.txt", "*.txt"], ["a.txt"], []),
        (["*.md", "!README*.md", "README-secret.md"], ["x.md", "README-secret.md"], ["README.md"]),
        (["# comment", "", "  a  "], ["a"], ["# comment"]),
        ([" # no comment"], ["# no comment"], []),
        (["./a/../b"], ["b"], ["a"]),
        (["\\*"], ["*"], ["a"]),
        (["a.b+c"], ["a.b+c"], ["aXb+c", "a.bbc"]),
        (["!  a"], [], ["a"]),
        (["**"], ["a", "a/b"], []),
        (["a**/b"], ["ab", "ax/b", "ax/y/b"], ["axb", "b"]),
        (["a*b*c/**/d*e"], ["abc/de", "axbxc/y/dxe"], ["abc/x", "ab/c/de"]),
    ],
)
def test_a_pattern_must_match_as_docker_matches(lines: list[str], ignored: list[str], kept: list[str]):
    """Anchored at the root, the last match wins, a folder takes what is below it along."""
    rules = read_ignore_file("\n".join(lines).encode())
    assert [path for path in ignored if not rules.ignores(path)] == []
    assert [path for path in kept if rules.ignores(path)] == []


def test_a_byte_order_mark_and_carriage_returns_must_not_count():
    """Files from Windows mean the same."""
    rules = read_ignore_file(b"\xef\xbb\xbfa\r\nb\r\n")
    assert (rules.ignores("a"), rules.ignores("b")) == (True, True)


def test_a_folder_must_be_looked_into_where_something_is_taken_back():
    """`node_modules` need not be read at all, unless a line begins with `!`."""
    assert read_ignore_file(b"node_modules").hides("node_modules")
    assert not read_ignore_file(b"node_modules\n!node_modules/a").hides("node_modules")


@pytest.mark.parametrize("pattern", ["a[", "[]", "[a-", "a\\", "!", "a**/" * 6])
def test_a_pattern_that_is_none_must_be_shown(pattern: str):
    """The error names file and line."""
    with pytest.raises(SourceError) as caught:
        read_ignore_file(f"ok\n{pattern}\n".encode())
    assert str(caught.value).startswith(".dockerignore:2: ")


@pytest.mark.parametrize("pattern", ["**/" * 30 + "x", "*a" * 40 + "b", "a**/" * 4 + "z", "**/*a*b/" * 15 + "q"])
def test_no_pattern_must_take_long(pattern: str):
    """Contexts from repositories are not trusted: a line with many stars is matched as fast as any."""
    rules = read_ignore_file(pattern.encode())
    begin = time.process_time()
    for path in ("a/" * 2000 + "a", "ab" * 2000, "a" * 255 + "/" + "ab/" * 1000 + "q"):
        rules.rules[0].regex.match(path)
    assert time.process_time() - begin < 1
